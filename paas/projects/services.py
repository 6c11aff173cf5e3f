"""How a project comes to be: its namespace, its administrator, its bounds."""

import contextlib
from typing import Any

from django.conf import settings

from paas.apimachinery.door import Door
from paas.apimachinery.options import DeleteOptions, WriteOptions
from paas.apimachinery.rbac import GROUP
from paas.core.actors import platform_actor
from paas.core.errors import AlreadyExistsError, ForbiddenError, PaasError
from paas.core.objects import ApiObject

ACTOR = platform_actor("projects")
RESERVED = frozenset({"openshift", "kubernetes", "kube", "default", "minato"})
RESERVED_PREFIXES = ("openshift-", "kubernetes-", "kube-", "minato-")
QUOTA_NAME, LIMITS_NAME = "project-quota", "project-limits"


def project_provision(
    *,
    door: Door,
    name: str,
    requester: str,
    display_name: str = "",
    description: str = "",
    dry_run: bool = False,
) -> ApiObject:
    """Make a project and return its Namespace; all of it, or nothing.

    Raises ForbiddenError for a reserved name, AlreadyExistsError, InvalidError.
    Source: OpenShift's default project template.
    """
    if name in RESERVED or name.startswith(RESERVED_PREFIXES):
        raise ForbiddenError(
            f'projectrequests.project.openshift.io "{name}" is forbidden: the name is reserved for '
            "the platform",
            hint="Choose another name.",
        )
    wish = _namespace(name, requester, display_name, description)
    made = door.create(ACTOR, wish, options=WriteOptions(dry_run=dry_run))
    if dry_run:
        return made
    try:
        for obj in project_contents(name, requester):
            _create(door, obj, name)
    except PaasError:
        door.delete(ACTOR, "namespaces", name, options=DeleteOptions(uid=made["metadata"]["uid"]))
        raise
    return made


def _create(door: Door, obj: ApiObject, namespace: str) -> None:
    # the controllers of a new namespace make some of these as well, and may be quicker
    with contextlib.suppress(AlreadyExistsError):
        door.create(ACTOR, obj, namespace)


def project_contents(name: str, requester: str) -> list[ApiObject]:
    """Return what every project made by a person begins with.

    In this order: whatever ends it half-way, nobody owns a project without bounds.
    """
    return [
        *project_bounds(),
        *platform_bindings(name),
        role_binding("admin", "admin", [_user(requester)]),
    ]


def project_bounds() -> tuple[ApiObject, ApiObject]:
    """Return the quota and the limit range of the settings."""
    return (
        _sized("ResourceQuota", QUOTA_NAME, {"hard": settings.MINATO_PROJECT_QUOTA}),
        _sized("LimitRange", LIMITS_NAME, {"limits": settings.MINATO_PROJECT_LIMITS}),
    )


def platform_bindings(name: str) -> list[ApiObject]:
    """Return the bindings by which a project's own service accounts build, pull and deploy."""
    accounts = {"kind": "Group", "apiGroup": GROUP, "name": f"system:serviceaccounts:{name}"}
    return [
        role_binding("system:image-pullers", "system:image-puller", [accounts]),
        role_binding("system:image-builders", "system:image-builder", [_account(name, "builder")]),
        role_binding("system:deployers", "system:deployer", [_account(name, "deployer")]),
    ]


def role_binding(name: str, role: str, subjects: list[dict[str, Any]]) -> ApiObject:
    """Return a RoleBinding to a ClusterRole."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    }


def _namespace(name: str, requester: str, display_name: str, description: str) -> ApiObject:
    annotations = {
        "openshift.io/requester": requester,
        "openshift.io/display-name": display_name,
        "openshift.io/description": description,
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "annotations": {key: value for key, value in annotations.items() if value},
        },
    }


def _sized(kind: str, name: str, spec: dict[str, Any]) -> ApiObject:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _user(name: str) -> dict[str, Any]:
    return {"kind": "User", "apiGroup": GROUP, "name": name}


def _account(namespace: str, name: str) -> dict[str, Any]:
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
