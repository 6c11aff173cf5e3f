"""Bare kinds for the fake door: names, scope and subresources, without schemas or defaults."""

from paas.apimachinery.kinds import Kind, ScalePaths, Subresource
from paas.apimachinery.scheme import Scheme
from paas.core.names import subdomain_errors

_NAMESPACED = (
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Endpoints", "endpoints"),
    ("", "v1", "Event", "events"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("", "v1", "Pod", "pods"),
    ("", "v1", "ResourceQuota", "resourcequotas"),
    ("", "v1", "Secret", "secrets"),
    ("", "v1", "Service", "services"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("apps", "v1", "Deployment", "deployments"),
    ("apps", "v1", "ReplicaSet", "replicasets"),
    ("coordination.k8s.io", "v1", "Lease", "leases"),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
)
_CLUSTER = (
    ("", "v1", "PersistentVolume", "persistentvolumes"),
    ("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
)
_WITH_STATUS = {
    "Deployment",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "ReplicaSet",
    "ResourceQuota",
    "Service",
}


def _grace(pod, wanted):
    """Answer as upstream: unbound and finished pods go at once, others wait 30 s by default."""
    if not pod["spec"].get("nodeName") or pod.get("status", {}).get("phase") in {
        "Succeeded",
        "Failed",
    }:
        return 0
    if wanted is not None:
        return wanted
    return int(pod["spec"].get("terminationGracePeriodSeconds", 30))


def _terminate(namespace):
    namespace.setdefault("status", {})["phase"] = "Terminating"


def bare_kinds() -> list[Kind]:
    """Return the kinds that controllers' tests need."""
    kinds = [
        Kind(
            group,
            version,
            kind,
            plural,
            subdomain_errors,
            status=kind in _WITH_STATUS,
            scale=ScalePaths() if group == "apps" else None,
            grace_period_s=_grace if kind == "Pod" else None,
        )
        for group, version, kind, plural in _NAMESPACED
    ]
    namespace = Kind(
        "",
        "v1",
        "Namespace",
        "namespaces",
        subdomain_errors,
        namespaced=False,
        status=True,
        holds=lambda obj: bool(obj.get("spec", {}).get("finalizers")),
        mark_deleting=_terminate,
        subresources=(Subresource("finalize", ("update",)),),
    )
    node = Kind("", "v1", "Node", "nodes", subdomain_errors, namespaced=False, status=True)
    cluster = [
        Kind(*names, subdomain_errors, namespaced=False, status=names[2] in _WITH_STATUS)
        for names in _CLUSTER
    ]
    return [*kinds, *cluster, namespace, node]


def bare_scheme() -> Scheme:
    """Return a scheme of the bare kinds."""
    return Scheme(bare_kinds())
