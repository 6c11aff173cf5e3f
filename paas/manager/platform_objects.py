"""What every platform has from the beginning: namespaces, roles, services, an administrator."""

import secrets
from collections.abc import Iterable

from django.conf import settings

from paas.accounts.selectors import user_get
from paas.accounts.services import user_create
from paas.apimachinery.aggregation import aggregates
from paas.apimachinery.door import Door
from paas.apimachinery.options import WriteOptions
from paas.apimachinery.rbac import GROUP
from paas.core.actors import platform_actor
from paas.core.errors import InvalidError, NotFoundError
from paas.core.ingresses import CONTROLLER
from paas.core.ingresses import DEFAULT_CLASS as DEFAULT_INGRESS_CLASS
from paas.core.objects import ApiObject, labels_of, meta, name_of, namespace_of
from paas.core.volumes import DEFAULT_CLASS
from paas.orchestration.controllers.volumes.provisioner import PROVISIONER
from paas.projects.roles import cluster_role_binding, cluster_role_bindings, cluster_roles
from paas.projects.services import project_bounds, role_binding
from paas.settings import env, projects
from paas.settings.instance import Instance

ADMIN = "admin"
ACTOR = platform_actor("bootstrap")
NAMESPACES = (
    "default",
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "openshift",
    "openshift-image-registry",
)


def reconcile_objects(door: Door) -> None:
    """Make what is missing; bring the roles to what this version says."""
    for name in NAMESPACES:
        _ensure(door, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for role in cluster_roles():
        # the rules of an aggregated role are its controller's to write
        _ensure(door, role, follow=("aggregationRule" if aggregates(role) else "rules",))
    for binding in (*cluster_role_bindings(), *_platform_bindings()):
        _ensure(door, binding)
    _ensure(door, storage_class())
    _ensure(door, ingress_class())
    for service in _services():
        _ensure(door, service)


def project_bounds_check(door: Door) -> None:
    """Have the door try the bounds that a new project gets. Raises SettingError."""
    for name, bounds in zip((projects.QUOTA, projects.LIMITS), project_bounds(), strict=True):
        try:
            door.create(ACTOR, bounds, "default", options=WriteOptions(dry_run=True))
        except InvalidError as error:
            raise env.SettingError(name, env.text(name), error.message) from error


def admin_create(door: Door) -> str | None:
    """Make the first administrator; return the password, or None where there is one already."""
    _ensure(door, _admin_binding())
    try:
        user_get(ADMIN)
    except NotFoundError:
        password = secrets.token_urlsafe(12)
        user_create(username=ADMIN, password=password, full_name="Administrator")
        return password
    return None


def _ensure(door: Door, wish: ApiObject, *, follow: Iterable[str] = ()) -> None:
    """Make an object if it is not there; bring fields and labels of one that is to the wish.

    Labels that somebody else gave it stay.
    """
    kind = door.scheme.find_gvk(wish["apiVersion"], wish["kind"])
    if kind is None:
        raise AssertionError(f"{wish['kind']} is not a kind of this scheme")
    try:
        have = door.get(ACTOR, kind.resource, name_of(wish), namespace_of(wish))
    except NotFoundError:
        door.create(ACTOR, wish)
        return
    wanted = {field: wish[field] for field in follow}
    metadata = {**meta(have), "labels": {**labels_of(have), **labels_of(wish)}}
    door.update(ACTOR, {**have, **wanted, "metadata": metadata})


def _admin_binding() -> ApiObject:
    subject = {"kind": "User", "apiGroup": GROUP, "name": ADMIN}
    return cluster_role_binding("cluster-admins", "cluster-admin", [subject])


def _platform_bindings() -> list[ApiObject]:
    """Return what everybody who signed in may do in the project `openshift`: pull its images."""
    everyone = {"kind": "Group", "apiGroup": GROUP, "name": "system:authenticated"}
    # not `system:image-pullers`: that is the project's own service accounts', in every project
    binding = role_binding("shared-image-pullers", "system:image-puller", [everyone])
    viewers = role_binding("shared-resource-viewers", "view", [everyone])
    for one in (binding, viewers):
        one["metadata"]["namespace"] = "openshift"
    return [binding, viewers]


def storage_class() -> ApiObject:
    """Return the class of claims that name none: volumes of this machine, where the pod runs."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "local-path", "annotations": {DEFAULT_CLASS: "true"}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }


def ingress_class() -> ApiObject:
    """Return the class of Ingresses that name none: the platform's router."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "minato", "annotations": {DEFAULT_INGRESS_CLASS: "true"}},
        "spec": {"controller": CONTROLLER},
    }


def _services() -> list[ApiObject]:
    """Return the platform's own services; the service network knows their endpoints."""
    instance: Instance = settings.MINATO
    dns = [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP")]
    return [
        _service("default", "kubernetes", instance.api_service_address, [("https", 443, "TCP")]),
        _service("kube-system", "kube-dns", instance.dns_service_address, dns),
        _service(
            "openshift-image-registry",
            "image-registry",
            instance.registry_service_address,
            [("5000-tcp", 5000, "TCP")],
        ),
    ]


def _service(
    namespace: str, name: str, address: object, ports: list[tuple[str, int, str]]
) -> ApiObject:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "clusterIP": str(address),
            "ports": [
                {"name": title, "port": port, "protocol": protocol}
                for title, port, protocol in ports
            ],
        },
    }
