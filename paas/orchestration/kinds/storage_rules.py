"""The rules of claims, volumes and storage classes.

Source: k8s.io/kubernetes/pkg/apis/{core,storage}/validation.
"""

from decimal import Decimal
from typing import Any

from paas.apimachinery.fielderrors import (
    forbidden,
    immutable,
    invalid,
    invalid_all,
    not_supported,
    required,
)
from paas.apimachinery.metadata import label_selector_errors
from paas.core.errors import Cause
from paas.core.names import qualified_errors, subdomain_errors
from paas.core.objects import ApiObject
from paas.core.quantities import parse_quantity
from paas.core.shape import Json, maps, submap, text, values
from paas.core.volumes import ONE_POD, request_of
from paas.orchestration.podspec.resources import quantity_errors

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", ONE_POD)
_VOLUME_MODES = ("Block", "Filesystem")
_RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
_CLASS_POLICIES = ("Delete", "Retain")
_BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
_POSITIVE = "must be greater than zero"
_SOURCES = frozenset(
    {
        "awsElasticBlockStore",
        "azureDisk",
        "azureFile",
        "cephfs",
        "cinder",
        "csi",
        "fc",
        "flexVolume",
        "flocker",
        "gcePersistentDisk",
        "glusterfs",
        "hostPath",
        "iscsi",
        "local",
        "nfs",
        "photonPersistentDisk",
        "portworxVolume",
        "quobyte",
        "rbd",
        "scaleIO",
        "storageos",
        "vsphereVolume",
    }
)
_LOCKED = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
    "bound claims"
)


def claim_errors(claim: ApiObject) -> list[Cause]:
    """Return every rule that a claim breaks."""
    spec = submap(claim, "spec")
    wrong = _modes_errors(spec, "at least 1 access mode is required")
    if spec.get("selector") is not None:
        wrong += label_selector_errors(submap(spec, "selector"), "spec.selector")
    amounts, path = submap(spec, "resources", "requests"), "spec.resources[storage]"
    if "storage" not in amounts:
        wrong.append(required(path))
    else:
        wrong += _size_errors(amounts["storage"], path)
    return [*wrong, *_volume_errors(spec), *_source_errors(spec)]


def _source_errors(spec: Json) -> list[Cause]:
    wrong = []
    for field in ("dataSource", "dataSourceRef"):
        source = submap(spec, field)
        if spec.get(field) is None:
            continue
        wrong += [
            required(f"spec.{field}.{key}") for key in ("name", "kind") if not source.get(key)
        ]
        if not source.get("apiGroup") and source.get("kind") != "PersistentVolumeClaim":
            why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
            wrong.append(invalid(f"spec.{field}", source.get("kind"), why))
    return wrong


def _modes_errors(spec: Json, missing: str) -> list[Cause]:
    modes, path = values(spec, "accessModes"), "spec.accessModes"
    if not modes:
        return [required(path, missing)]
    wrong = [not_supported(path, one, _ACCESS_MODES) for one in modes if one not in _ACCESS_MODES]
    if ONE_POD in modes and set(modes) & (set(_ACCESS_MODES) - {ONE_POD}):
        why = "may not use ReadWriteOncePod with other access modes"
        wrong.append(forbidden(path, why))
    return wrong


def _size_errors(value: Any, path: str) -> list[Cause]:
    if wrong := quantity_errors("storage", value, path):
        return wrong
    return [invalid(path, str(value), _POSITIVE)] if parse_quantity(value) <= 0 else []


def _volume_errors(spec: Json) -> list[Cause]:
    """Check what claims and volumes have in common."""
    wrong: list[Cause] = []
    if name := text(spec, "storageClassName"):
        wrong += invalid_all("spec.storageClassName", name, subdomain_errors(name))
    if (mode := spec.get("volumeMode")) is not None and mode not in _VOLUME_MODES:
        wrong.append(not_supported("spec.volumeMode", mode, _VOLUME_MODES))
    return wrong


def claim_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Return a cause where more changed than the size, and that only of a bound claim."""
    after, before = dict(submap(new, "spec")), dict(submap(old, "spec"))
    if not before.get("volumeName"):
        before["volumeName"] = after.get("volumeName")
    if before.get("storageClassName") is None and after.get("storageClassName") is not None:
        before["storageClassName"] = after["storageClassName"]
    after["volumeAttributesClassName"] = before.get("volumeAttributesClassName")
    if text(new, "status", "phase") == "Bound":
        after["resources"] = _with_size(after, submap(before, "resources", "requests"))
    wrong = []
    if _given(after) != _given(before):
        wrong.append(forbidden("spec", _LOCKED))
    return [*wrong, *_shrink_errors(new, old)]


def _with_size(spec: Json, requests: Json) -> Json:
    kept = {**submap(spec, "resources", "requests"), "storage": requests.get("storage")}
    return {**submap(spec, "resources"), "requests": kept}


def _given(spec: Json) -> Json:
    return {key: value for key, value in spec.items() if value is not None}


def _shrink_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    """A size may go back, but not below what the claim has: no volume shrinks."""
    size = request_of(new)
    if size >= request_of(old):
        return []
    have = parse_quantity(submap(old, "status", "capacity").get("storage") or "0")
    why = "field can not be less than status.capacity"
    return [forbidden("spec.resources.requests.storage", why)] if size <= have else []


def volume_errors(volume: ApiObject) -> list[Cause]:
    """Return every rule that a volume breaks."""
    spec = submap(volume, "spec")
    wrong = _modes_errors(spec, "")
    capacity = submap(spec, "capacity")
    if not capacity:
        wrong.append(required("spec.capacity"))
    elif set(capacity) != {"storage"}:
        wrong.append(not_supported("spec.capacity", capacity, ["storage"]))
    else:
        wrong += _size_errors(capacity["storage"], "spec.capacity[storage]")
    policy = text(spec, "persistentVolumeReclaimPolicy")
    if policy and policy not in _RECLAIM_POLICIES:
        path = "spec.persistentVolumeReclaimPolicy"
        wrong.append(not_supported(path, policy, _RECLAIM_POLICIES))
    return [*wrong, *_origin_errors(spec), *_volume_errors(spec)]


def _origin_errors(spec: Json) -> list[Cause]:
    """Check that the volume has one source, and a path where that is one."""
    found = [field for field in spec if field in _SOURCES and spec[field] is not None]
    if not found:
        return [required("spec", "must specify a volume type")]
    more = "may not specify more than 1 volume type"
    wrong = [forbidden(f"spec.{field}", more) for field in found[1:]]
    for field in ("local", "hostPath"):
        if field not in found:
            continue
        path = text(spec, field, "path")
        if not path:
            wrong.append(required(f"spec.{field}.path"))
        elif ".." in path.split("/"):
            wrong.append(invalid(f"spec.{field}.path", path, "must not contain '..'"))
    if "local" in found and not _terms(spec):
        wrong.append(required("spec.nodeAffinity", "Local volume requires node affinity"))
    return wrong


def _terms(spec: Json) -> list[Json]:
    return maps(spec, "nodeAffinity", "required", "nodeSelectorTerms")


def volume_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Return a cause where the volume would become another."""
    after, before = submap(new, "spec"), submap(old, "spec")
    wrong = []
    if _origin(after) != _origin(before):
        why = "spec.persistentvolumesource is immutable after creation"
        wrong.append(forbidden("spec.persistentvolumesource", why))
    wrong += immutable("volumeMode", after.get("volumeMode"), before.get("volumeMode"))
    if before.get("nodeAffinity") is not None:
        affinity = after.get("nodeAffinity")
        wrong += immutable("nodeAffinity", affinity, before.get("nodeAffinity"))
    return wrong


def _origin(spec: Json) -> Json:
    return {field: spec[field] for field in spec if field in _SOURCES}


def class_errors(storage_class: ApiObject) -> list[Cause]:
    """Return every rule that a storage class breaks."""
    provisioner, wrong = text(storage_class, "provisioner"), []
    if not provisioner:
        wrong.append(required("provisioner", provisioner))
    else:
        rules = qualified_errors(provisioner.lower())
        wrong += invalid_all("provisioner", provisioner, rules)
    for field, offered in (
        ("reclaimPolicy", _CLASS_POLICIES),
        ("volumeBindingMode", _BINDING_MODES),
    ):
        value = text(storage_class, field)
        if value not in offered:
            wrong.append(not_supported(field, value, offered))
    return wrong


def class_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Return a cause for each field that must stay."""
    wrong = [
        forbidden(field, f"updates to {field} are forbidden.")
        for field in ("parameters", "provisioner", "reclaimPolicy")
        if (new.get(field) or None) != (old.get(field) or None)
    ]
    mode = "volumeBindingMode"
    return [*wrong, *immutable(mode, new.get(mode), old.get(mode))]


def grows(new: ApiObject, old: ApiObject) -> bool:
    """Say whether a claim asks for more than it did."""
    return request_of(new) > max(request_of(old), Decimal(0))
