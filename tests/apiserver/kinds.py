"""Kinds for the HTTP half's own tests: upstream's shapes, no rules of their own."""

from paas.apimachinery.kinds import Column, Kind, ScalePaths, Subresource
from paas.apimachinery.rbac import GROUP
from paas.apimachinery.scheme import Scheme
from paas.core.names import path_segment_errors, subdomain_errors

_CONNECT = ("create", "get")


def _rotate(context, key, body):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": key.name}, "data": body}


def _check(context, key, body):
    return _rotate(context, key, {"dry_run": str(context.dry_run)})


def _rbac(kind: str, *, namespaced: bool) -> Kind:
    return Kind(
        GROUP,
        "v1",
        kind,
        f"{kind.lower()}s",
        path_segment_errors,
        schema=f"io.k8s.api.rbac.v1.{kind}",
        namespaced=namespaced,
    )


POD_COLUMNS = (
    Column("Name", lambda pod: pod["metadata"]["name"], format="name"),
    Column("Status", lambda pod: pod["status"]["phase"]),
    Column("Age", lambda pod: pod["metadata"].get("creationTimestamp"), kind="date"),
    Column("Node", lambda pod: pod["spec"]["nodeName"], priority=1),
)
KINDS = (
    Kind(
        "",
        "v1",
        "Namespace",
        "namespaces",
        subdomain_errors,
        "io.k8s.api.core.v1.Namespace",
        short_names=("ns",),
        namespaced=False,
        status=True,
    ),
    Kind(
        "",
        "v1",
        "ConfigMap",
        "configmaps",
        subdomain_errors,
        "io.k8s.api.core.v1.ConfigMap",
        short_names=("cm",),
        subresources=(
            Subresource("check", ("create",), handler=_check, dry_run=True),
            Subresource("rotation", ("create",), handler=_rotate),
            Subresource("finish", ("update",), handler=_rotate),
        ),
    ),
    Kind(
        "",
        "v1",
        "Secret",
        "secrets",
        subdomain_errors,
        "io.k8s.api.core.v1.Secret",
        sealed=("data",),
    ),
    Kind(
        "",
        "v1",
        "Pod",
        "pods",
        subdomain_errors,
        "io.k8s.api.core.v1.Pod",
        returns_deleted=True,
        short_names=("po",),
        categories=("all",),
        columns=POD_COLUMNS,
        status=True,
        subresources=(
            Subresource("log", ("get",)),
            Subresource("exec", _CONNECT, ("", "v1", "PodExecOptions")),
            Subresource("attach", _CONNECT, ("", "v1", "PodAttachOptions")),
            Subresource("portforward", _CONNECT, ("", "v1", "PodPortForwardOptions")),
        ),
        fields=lambda pod: {"spec.nodeName": pod.get("spec", {}).get("nodeName", "")},
    ),
    Kind(
        "apps",
        "v1",
        "Deployment",
        "deployments",
        subdomain_errors,
        "io.k8s.api.apps.v1.Deployment",
        short_names=("deploy",),
        status=True,
        scale=ScalePaths(),
    ),
    _rbac("Role", namespaced=True),
    _rbac("RoleBinding", namespaced=True),
    _rbac("ClusterRole", namespaced=False),
    _rbac("ClusterRoleBinding", namespaced=False),
)


def new_scheme() -> Scheme:
    """Return a scheme of these kinds."""
    return Scheme(KINDS)
