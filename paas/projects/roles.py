"""The roles every platform begins with, as upstream and OpenShift name them.

`admin`, `edit` and `view` are for projects; what the platform owns (status, Endpoints, quota) is
in none of them. They are put together by labels (`system:aggregate-to-*`), so that whoever brings
kinds of their own can add to them.
Source: Kubernetes, "Using RBAC Authorization"; OpenShift's bootstrap policy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paas.apimachinery.rbac import GROUP
from paas.core.objects import ApiObject

READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")
EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
EVERY_PATH = {"verbs": ["*"], "nonResourceURLs": ["*"]}
PUBLIC_PATHS = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
DISCOVERY_PATHS = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *PUBLIC_PATHS]

BUILD, IMAGE = "build.openshift.io", "image.openshift.io"
ROUTE, PROJECT, USER = "route.openshift.io", "project.openshift.io", "user.openshift.io"
STORAGE = "storage.k8s.io"
NETWORKING = "networking.k8s.io"
AUTHORIZATION, AUTHENTICATION = "authorization.k8s.io", "authentication.k8s.io"

# What people write in a project, by API group.
WRITTEN: dict[str, tuple[str, ...]] = {
    "": (
        "configmaps",
        "events",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "replicationcontrollers/scale",
        "serviceaccounts",
        "services",
    ),
    "apps": (
        "daemonsets",
        "deployments",
        "deployments/rollback",
        "deployments/scale",
        "replicasets",
        "replicasets/scale",
        "statefulsets",
        "statefulsets/scale",
    ),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("cronjobs", "jobs"),
    "coordination.k8s.io": ("leases",),
    "events.k8s.io": ("events",),
    NETWORKING: ("ingresses", "networkpolicies"),
    "policy": ("poddisruptionbudgets",),
    BUILD: ("buildconfigs", "builds"),
    IMAGE: ("imagestreams", "imagestreamtags"),
    ROUTE: ("routes",),
}
# What people only read in a project.
SHOWN: dict[str, tuple[str, ...]] = {
    "": (
        "bindings",
        "endpoints",
        "limitranges",
        "namespaces",
        "namespaces/status",
        "persistentvolumeclaims/status",
        "pods/log",
        "pods/status",
        "replicationcontrollers/status",
        "resourcequotas",
        "resourcequotas/status",
        "services/status",
    ),
    "apps": (
        "controllerrevisions",
        "daemonsets/status",
        "deployments/status",
        "replicasets/status",
        "statefulsets/status",
    ),
    "autoscaling": ("horizontalpodautoscalers/status",),
    "batch": ("cronjobs/status", "jobs/status"),
    "discovery.k8s.io": ("endpointslices",),
    "metrics.k8s.io": ("pods",),
    NETWORKING: ("ingresses/status",),
    "policy": ("poddisruptionbudgets/status",),
    BUILD: ("builds/log",),
    IMAGE: ("imagestreamimages", "imagestreams/status"),
    ROUTE: ("routes/status",),
}
SECRETS = {"": ("secrets",)}
ACTIONS: dict[str, tuple[str, ...]] = {
    "": (
        "pods/attach",
        "pods/eviction",
        "pods/exec",
        "pods/portforward",
        "serviceaccounts/token",
    ),
    BUILD: (
        "buildconfigs/instantiate",
        "buildconfigs/instantiatebinary",
        "builds/clone",
        "builds/cancel",
    ),
    IMAGE: ("imagestreamimports",),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A ClusterRole bound cluster-wide to groups, from the beginning."""

    role: str
    groups: tuple[str, ...]


GRANTS = (
    Grant("cluster-admin", ("system:masters",)),
    Grant("basic-user", ("system:authenticated",)),
    Grant("self-provisioner", ("system:authenticated:oauth",)),
    Grant("system:discovery", ("system:authenticated",)),
    Grant("system:public-info-viewer", ("system:authenticated", "system:unauthenticated")),
)


def cluster_roles() -> list[ApiObject]:
    """Return the ClusterRoles; those that are aggregated come without rules."""
    return [
        cluster_role("cluster-admin", [EVERYTHING, EVERY_PATH]),
        *_project_roles(),
        cluster_role("self-provisioner", [_rule(["create"], PROJECT, ["projectrequests"])]),
        cluster_role("basic-user", _basic_user()),
        cluster_role("system:discovery", [_paths(DISCOVERY_PATHS)]),
        cluster_role("system:public-info-viewer", [_paths(PUBLIC_PATHS)]),
        *_image_roles(),
    ]


def _project_roles() -> list[ApiObject]:
    """Return `view`, what `edit` adds to it, what `admin` adds to that, and the three."""
    view = [*_rules(READ, WRITTEN), *_rules(READ, SHOWN), _rule(["get"], PROJECT, ["projects"])]
    edit = [
        *_rules(WRITE, WRITTEN),
        *_rules((*READ, *WRITE), SECRETS),
        *_rules(["create"], ACTIONS),
        _rule(["get", "update"], IMAGE, ["imagestreams/layers"]),
        _rule(["impersonate"], "", ["serviceaccounts"]),
    ]
    admin = [
        _rule((*READ, *WRITE), GROUP, ["rolebindings", "roles"]),
        _rule(["create"], AUTHORIZATION, ["localsubjectaccessreviews"]),
        _rule(["delete", "get", "patch", "update"], PROJECT, ["projects"]),
    ]
    return [
        _aggregated("admin"),
        _aggregated("edit", into="admin"),
        _aggregated("view", into="edit"),
        cluster_role("system:aggregate-to-admin", admin, labels=_joins("admin")),
        cluster_role("system:aggregate-to-edit", edit, labels=_joins("edit")),
        cluster_role("system:aggregate-to-view", view, labels=_joins("view")),
    ]


def cluster_role_bindings() -> list[ApiObject]:
    """Return the ClusterRoleBindings of `GRANTS`."""
    return [
        cluster_role_binding(grant.role, grant.role, [_group(name) for name in grant.groups])
        for grant in GRANTS
    ]


def cluster_role(
    name: str, rules: Sequence[dict[str, Any]], *, labels: Mapping[str, str] | None = None
) -> ApiObject:
    """Return a ClusterRole."""
    metadata = {"name": name, "labels": dict(labels)} if labels else {"name": name}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": list(rules),
    }


def cluster_role_binding(name: str, role: str, subjects: list[dict[str, str]]) -> ApiObject:
    """Return a ClusterRoleBinding."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    }


def _aggregated(name: str, *, into: str = "") -> ApiObject:
    """Return a ClusterRole that holds what bears its label, and is itself a part of `into`."""
    role = cluster_role(name, [], labels=_joins(into) if into else None)
    return {**role, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": _joins(name)}]}}


def _joins(name: str) -> dict[str, str]:
    return {f"{GROUP}/aggregate-to-{name}": "true"}


def _basic_user() -> list[dict[str, Any]]:
    reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    return [
        {**_rule(["get"], USER, ["users"]), "resourceNames": ["~"]},
        _rule(["list", "watch"], PROJECT, ["projects"]),
        _rule(["get", "list"], STORAGE, ["storageclasses"]),
        _rule(["get", "list"], NETWORKING, ["ingressclasses"]),
        _rule(["create"], AUTHORIZATION, reviews),
        _rule(["create"], AUTHENTICATION, ["selfsubjectreviews"]),
    ]


def _image_roles() -> list[ApiObject]:
    pull = _rule(["get"], IMAGE, ["imagestreams/layers"])
    push = _rule(["get", "update"], IMAGE, ["imagestreams/layers"])
    streams = _rule(["create", "get", "list", "update"], IMAGE, ["imagestreams"])
    deploy = [
        _rule(["get", "list", "patch", "update", "watch"], "apps", ["deployments"]),
        _rule(["get", "list", "watch"], "", ["pods", "pods/log"]),
    ]
    return [
        cluster_role("system:image-puller", [pull]),
        cluster_role("system:image-builder", [push, streams]),
        cluster_role("system:deployer", deploy),
    ]


def _rules(verbs: Iterable[str], resources: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    return [_rule(verbs, group, names) for group, names in resources.items()]


def _rule(verbs: Iterable[str], group: str, resources: Iterable[str]) -> dict[str, Any]:
    return {"verbs": list(verbs), "apiGroups": [group], "resources": list(resources)}


def _paths(paths: Sequence[str]) -> dict[str, Any]:
    return {"verbs": ["get"], "nonResourceURLs": list(paths)}


def _group(name: str) -> dict[str, str]:
    return {"kind": "Group", "apiGroup": GROUP, "name": name}
