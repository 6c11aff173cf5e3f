"""What claims and volumes say of themselves, and the marks that their controllers leave. Pure.

Source: k8s.io/component-helpers/storage/volume, core/v1 PersistentVolume.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from paas.core.objects import ApiObject, annotations_of, dig, name_of, namespace_of, uid_of
from paas.core.quantities import parse_quantity

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
CLASSES = "storageclasses.storage.k8s.io"

CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BETA_DEFAULT_CLASS = "storageclass.beta.kubernetes.io/is-default-class"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
BETA_STORAGE_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"

ONE_POD = "ReadWriteOncePod"
_SHORT = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    ONE_POD: "RWOP",
}


def class_of(obj: ApiObject) -> str:
    """Return the storage class of a claim or volume; empty where it has none."""
    old = annotations_of(obj).get(BETA_CLASS)
    return str(dig(obj, "spec", "storageClassName") or "") if old is None else old


def names_a_class(claim: ApiObject) -> bool:
    """Say whether a claim says of which class it is, be it of none (`""`)."""
    return BETA_CLASS in annotations_of(claim) or dig(claim, "spec", "storageClassName") is not None


def is_default_class(storage_class: ApiObject) -> bool:
    """Say whether claims that name no class get this one."""
    notes = annotations_of(storage_class)
    return "true" in {notes.get(DEFAULT_CLASS), notes.get(BETA_DEFAULT_CLASS)}


def is_delayed(storage_class: ApiObject | None) -> bool:
    """Say whether a class waits for a pod before its claims are bound."""
    return (storage_class or {}).get("volumeBindingMode") == "WaitForFirstConsumer"


def mode_of(obj: ApiObject) -> str:
    """Return the volumeMode of a claim or volume."""
    return str(dig(obj, "spec", "volumeMode") or "Filesystem")


def request_of(claim: ApiObject) -> Decimal:
    """Return how many bytes a claim asks for."""
    return _storage(dig(claim, "spec", "resources", "requests"))


def capacity_of(volume: ApiObject) -> Decimal:
    """Return how many bytes a volume has."""
    return _storage(dig(volume, "spec", "capacity"))


def _storage(amounts: Mapping[str, Any] | None) -> Decimal:
    return parse_quantity((amounts or {}).get("storage") or "0")


def modes_text(modes: list[str] | None) -> str:
    """Return access modes as `kubectl get` shows them: `RWO,RWX`."""
    given = modes or ()
    return ",".join(short for mode, short in _SHORT.items() if mode in given)


def is_bound(claim: ApiObject) -> bool:
    """Say whether the claim has its volume for good."""
    return bool(dig(claim, "spec", "volumeName")) and BIND_COMPLETED in annotations_of(claim)


def belongs_to(volume: ApiObject, claim: ApiObject) -> bool:
    """Say whether a volume is bound to the claim, or kept for one of its name."""
    reference = dig(volume, "spec", "claimRef") or {}
    if (reference.get("namespace"), reference.get("name")) != (namespace_of(claim), name_of(claim)):
        return False
    return reference.get("uid") in {None, "", uid_of(claim)}


def claim_names(pod: ApiObject) -> list[str]:
    """Return the claims that a pod's volumes name, in their order."""
    sources = (one.get("persistentVolumeClaim") for one in pod["spec"].get("volumes") or ())
    return [str(source["claimName"]) for source in sources if source]
