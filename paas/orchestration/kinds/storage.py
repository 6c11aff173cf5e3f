"""core/v1 PersistentVolumeClaim and PersistentVolume, storage.k8s.io/v1 StorageClass.

Source: k8s.io/kubernetes/pkg/{apis/core/v1/defaults.go,registry/core,registry/storage}.
"""

from paas.apimachinery.columns import AGE, NAME, UNSET, wide
from paas.apimachinery.kinds import Column, Kind, WriteContext
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject, is_deleting, name_of
from paas.core.shape import default, ensure, submap, text, values
from paas.core.volumes import class_of, is_default_class, mode_of, modes_text
from paas.orchestration.kinds.storage_rules import (
    claim_errors,
    claim_update_errors,
    class_errors,
    class_update_errors,
    volume_errors,
    volume_update_errors,
)


def default_claim(claim: ApiObject) -> None:
    """Fill in what a claim, or the template of one, leaves out."""
    default(ensure(claim, "spec"), "volumeMode", "Filesystem")
    default(ensure(claim, "status"), "phase", "Pending")


def _default_volume(volume: ApiObject) -> None:
    spec = ensure(volume, "spec")
    default(spec, "persistentVolumeReclaimPolicy", "Retain")
    default(spec, "volumeMode", "Filesystem")
    default(ensure(volume, "status"), "phase", "Pending")
    if spec.get("hostPath") is not None:
        submap(spec, "hostPath").setdefault("type", "")


def _default_class(storage_class: ApiObject) -> None:
    default(storage_class, "reclaimPolicy", "Delete")
    default(storage_class, "volumeBindingMode", "Immediate")


def _forget_status(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = {}


def _phase(obj: ApiObject) -> str:
    return "Terminating" if is_deleting(obj) else text(obj, "status", "phase")


def _bound(claim: ApiObject, value: str) -> str:
    return value if text(claim, "spec", "volumeName") else ""


def _attributes(obj: ApiObject) -> str:
    return text(obj, "spec", "volumeAttributesClassName") or UNSET


def _claim_of(volume: ApiObject) -> str:
    reference = submap(volume, "spec", "claimRef")
    return f"{text(reference, 'namespace')}/{text(reference, 'name')}" if reference else ""


def _class_name(storage_class: ApiObject) -> str:
    mark = " (default)" if is_default_class(storage_class) else ""
    return f"{name_of(storage_class)}{mark}"


def _named(obj: ApiObject) -> dict[str, str]:
    return {"name": text(obj, "metadata", "name")}


PERSISTENT_VOLUME_CLAIM = Kind(
    group="",
    version="v1",
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    returns_deleted=True,
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.PersistentVolumeClaim",
    short_names=("pvc",),
    generation=False,
    status=True,
    default=default_claim,
    prepare_create=_forget_status,
    validate=claim_errors,
    validate_update=claim_update_errors,
    fields=_named,
    columns=(
        NAME,
        Column("Status", _phase, description="Whether it has a volume."),
        Column("Volume", lambda obj: text(obj, "spec", "volumeName")),
        Column("Capacity", lambda obj: _bound(obj, text(obj, "status", "capacity", "storage"))),
        Column(
            "Access Modes",
            lambda obj: _bound(obj, modes_text(values(obj, "status", "accessModes"))),
        ),
        Column("StorageClass", class_of),
        Column("VolumeAttributesClass", _attributes),
        AGE,
        wide(Column("VolumeMode", mode_of)),
    ),
)

PERSISTENT_VOLUME = Kind(
    group="",
    version="v1",
    kind="PersistentVolume",
    plural="persistentvolumes",
    returns_deleted=True,
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.PersistentVolume",
    short_names=("pv",),
    namespaced=False,
    generation=False,
    status=True,
    default=_default_volume,
    prepare_create=_forget_status,
    validate=volume_errors,
    validate_update=volume_update_errors,
    fields=_named,
    columns=(
        NAME,
        Column("Capacity", lambda obj: text(obj, "spec", "capacity", "storage")),
        Column("Access Modes", lambda obj: modes_text(values(obj, "spec", "accessModes"))),
        Column("Reclaim Policy", lambda obj: text(obj, "spec", "persistentVolumeReclaimPolicy")),
        Column("Status", _phase, description="Whether a claim has it."),
        Column("Claim", _claim_of),
        Column("StorageClass", class_of),
        Column("VolumeAttributesClass", _attributes),
        Column("Reason", lambda obj: text(obj, "status", "reason")),
        AGE,
        wide(Column("VolumeMode", mode_of)),
    ),
)

STORAGE_CLASS = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="StorageClass",
    plural="storageclasses",
    returns_deleted=True,
    name_errors=subdomain_errors,
    schema="io.k8s.api.storage.v1.StorageClass",
    short_names=("sc",),
    namespaced=False,
    generation=False,
    default=_default_class,
    validate=class_errors,
    validate_update=class_update_errors,
    columns=(
        Column("Name", _class_name, format="name", description="The name; the default is marked."),
        Column("Provisioner", lambda obj: text(obj, "provisioner")),
        Column("ReclaimPolicy", lambda obj: text(obj, "reclaimPolicy")),
        Column("VolumeBindingMode", lambda obj: text(obj, "volumeBindingMode")),
        Column(
            "AllowVolumeExpansion", lambda obj: str(obj.get("allowVolumeExpansion") is True).lower()
        ),
        AGE,
    ),
)
KINDS = (PERSISTENT_VOLUME_CLAIM, PERSISTENT_VOLUME, STORAGE_CLASS)
