"""The provisioner of volumes on this machine: makes, grows and takes back what classes ask for.

Source: sigs.k8s.io/sig-storage-lib-external-provisioner, kubernetes-csi/external-resizer.
"""

import copy
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself, key_of
from paas.apimachinery.options import DeleteOptions
from paas.core.conditions import is_true, set_condition
from paas.core.errors import (
    AlreadyExistsError,
    ConflictError,
    NotFoundError,
    PaasError,
    TerminalError,
)
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    annotations_of,
    dig,
    is_deleting,
    meta,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.quantities import format_quantity
from paas.core.volumes import (
    CLAIMS,
    CLASSES,
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    VOLUME_PROTECTION,
    VOLUMES,
    capacity_of,
    class_of,
    is_bound,
    is_delayed,
    mode_of,
    request_of,
)
from paas.orchestration.controllers.volumes.byclaim import BY_CLAIM, by_claim

PROVISIONER = "minato.io/local-path"
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"
NAME = "local-path-provisioner"
RESIZE_PENDING = "FileSystemResizePending"
GROW_AGAIN_S = 10.0
SWEEP = ObjectKey(VOLUMES, "", "", "sweep")


class Disks(Protocol):
    """The directories that volumes are, by the volume's name. Each raises MountFailedError."""

    def create(self, name: str, size_bytes: int) -> Path:
        """Make an empty one, unless it is there; return its path."""

    def grow(self, name: str, size_bytes: int, *, is_used: bool) -> bool:
        """Let it hold as much; False while that has to wait for its pods to end."""

    def remove(self, name: str) -> None:
        """Delete it and what is in it; nothing happens if it is gone."""

    def untouched(self, besides: Collection[str]) -> Sequence[str]:
        """Return those, besides these, that no pod has ever had."""


class LocalVolumes:
    """Reconciles one claim or volume of ours per call."""

    def __init__(self, context: Context, disks: Disks, *, node: str) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(PROVISIONER)
        self._now = context.now
        self._disks = disks
        self._node = node
        self._claims = context.of(CLAIMS)
        self._volumes = context.of(VOLUMES)
        self._classes = context.of(CLASSES)
        self._pods = context.of("pods")
        self._pods.add_index(BY_CLAIM, by_claim)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._claims, itself(CLAIMS)),
                Source(self._volumes, itself(VOLUMES)),
                Source(self._classes, self._of_class),
            ],
            reads=[self._pods],
            first_keys=[SWEEP],
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Make a claim's volume, grow it, or take one back. Raises what the disk raised.

        Returns seconds until a growth that waits for pods is tried again.
        """
        if key == SWEEP:
            self._sweep()
            return None
        if key.resource == CLAIMS:
            claim = self._claims.find(key)
            return None if claim is None or is_deleting(claim) else self._serve(claim)
        volume = self._volumes.find(key)
        if volume is not None and annotations_of(volume).get(PROVISIONED_BY) == PROVISIONER:
            self._take_back(volume)
        return None

    # -- making --------------------------------------------------------------------------------

    def _serve(self, claim: ApiObject) -> float | None:
        if is_bound(claim):
            return self._grow(claim)
        storage_class = self._classes.get("", class_of(claim))
        if storage_class is None or not self._is_ours(claim, storage_class):
            return None
        if self._client.find(VOLUMES, volume_name(claim)) is None:
            self._provision(claim, storage_class)
        return None

    def _is_ours(self, claim: ApiObject, storage_class: ApiObject) -> bool:
        """Say whether the claim waits for us, on this node."""
        notes = annotations_of(claim)
        if dig(claim, "spec", "volumeName") or notes.get(STORAGE_PROVISIONER) != PROVISIONER:
            return False
        return not is_delayed(storage_class) or notes.get(SELECTED_NODE) == self._node

    def _provision(self, claim: ApiObject, storage_class: ApiObject) -> None:
        place = f"{namespace_of(claim)}/{name_of(claim)}"
        words = f'External provisioner is provisioning volume for claim "{place}"'
        self._events.normal(claim, "Provisioning", words)
        name = volume_name(claim)
        try:
            _check(claim)
            path = self._disks.create(name, int(request_of(claim)))
        except PaasError as error:
            why = f'failed to provision volume with StorageClass "{name_of(storage_class)}"'
            self._events.warning(claim, "ProvisioningFailed", f"{why}: {error.message}")
            raise
        with suppress(AlreadyExistsError):  # made before we died
            self._client.create(volume_for(claim, storage_class, path=path, node=self._node))
        self._events.normal(
            claim, "ProvisioningSucceeded", f"Successfully provisioned volume {name}"
        )

    # -- growing -------------------------------------------------------------------------------

    def _grow(self, claim: ApiObject) -> float | None:
        volume = self._volumes.get("", str(dig(claim, "spec", "volumeName")))
        if volume is None or annotations_of(volume).get(PROVISIONED_BY) != PROVISIONER:
            return None
        if dig(volume, "spec", "claimRef", "uid") != uid_of(claim):
            return None
        if request_of(claim) <= capacity_of(volume):
            self._note_wait(claim, waits=False)
            return None
        if not self._try_to_grow(claim, volume):
            self._note_wait(claim, waits=True)
            return GROW_AGAIN_S
        body = {
            "metadata": {"resourceVersion": volume["metadata"]["resourceVersion"]},
            "spec": {"capacity": {"storage": _size_of(claim)}},
        }
        self._client.merge(VOLUMES, name_of(volume), body=body)
        self._events.normal(claim, "VolumeResizeSuccessful", "Resize volume succeeded")
        return None

    def _try_to_grow(self, claim: ApiObject, volume: ApiObject) -> bool:
        name = name_of(volume)
        if not has_condition(claim, RESIZE_PENDING):
            words = f"External resizer is resizing volume {name}"
            self._events.normal(claim, "Resizing", words)
        try:
            return self._disks.grow(name, int(request_of(claim)), is_used=self._is_used(claim))
        except PaasError as error:
            why = f'resize volume "{name}" by resizer "{PROVISIONER}" failed'
            self._events.warning(claim, "VolumeResizeFailed", f"{why}: {error.message}")
            raise

    def _is_used(self, claim: ApiObject) -> bool:
        users = self._pods.by_index(BY_CLAIM, f"{namespace_of(claim)}/{name_of(claim)}")
        return any(dig(pod, "spec", "nodeName") for pod in users)

    def _note_wait(self, claim: ApiObject, *, waits: bool) -> None:
        """Say of a claim that its growth waits for a pod to begin, or no longer does."""
        if has_condition(claim, RESIZE_PENDING) is waits:
            return
        status = copy.deepcopy(claim["status"])
        others = [one for one in status.get("conditions") or () if one["type"] != RESIZE_PENDING]
        status["conditions"] = others
        if waits:
            words = "Require file system resize of volume on node"
            self._events.normal(claim, "FileSystemResizeRequired", words)
            words = (
                "Waiting for user to (re-)start a pod to finish file system resize of volume on "
                "node."
            )
            set_condition(status, kind=RESIZE_PENDING, value=True, message=words, now=self._now())
        if not status["conditions"]:
            del status["conditions"]
        self._client.update_status({**claim, "status": status})

    # -- taking back ---------------------------------------------------------------------------

    def _take_back(self, volume: ApiObject) -> None:
        """Delete the data of a volume whose claim is gone, then the volume.

        What is to be retained stays on the disk, even if somebody deletes the object.
        """
        if not _is_over(volume):
            return
        name = name_of(volume)
        fresh = self._client.find(VOLUMES, name)  # data goes by what is, not by what was
        if fresh is None or uid_of(fresh) != uid_of(volume) or not _is_over(fresh):
            return
        if dig(fresh, "spec", "persistentVolumeReclaimPolicy") == "Delete":
            self._delete(fresh)
        elif not is_deleting(fresh):
            return
        if FINALIZER in (meta(fresh).get("finalizers") or ()):
            with suppress(NotFoundError):
                self._client.remove_finalizer(VOLUMES, name, "", FINALIZER)

    def _delete(self, volume: ApiObject) -> None:
        try:
            self._disks.remove(name_of(volume))
        except PaasError as error:
            self._events.warning(volume, "VolumeFailedDelete", error.message)
            raise
        if not is_deleting(volume):
            options = DeleteOptions(uid=uid_of(volume))
            with suppress(NotFoundError, ConflictError):
                self._client.delete(VOLUMES, name_of(volume), options=options)

    def _sweep(self) -> None:
        """Remove what was made for a claim that went before its volume was an object."""
        known = {name_of(one) for one in self._volumes.list()}
        known |= {volume_name(one) for one in self._claims.list()}
        for name in self._disks.untouched(known):
            if self._client.find(VOLUMES, name) is None:
                self._disks.remove(name)

    def _of_class(self, storage_class: ApiObject) -> Iterable[ObjectKey]:
        name = name_of(storage_class)
        return [key_of(one, CLAIMS) for one in self._claims.list() if class_of(one) == name]


def has_condition(claim: ApiObject, kind: str) -> bool:
    """Say whether a claim's status has a condition that is true."""
    return is_true(claim.get("status") or {}, kind)


def _is_over(volume: ApiObject) -> bool:
    """Say whether no claim has the volume any more, and none will get it."""
    phase = dig(volume, "status", "phase")
    return phase == "Released" or (is_deleting(volume) and phase != "Bound")


def volume_name(claim: ApiObject) -> str:
    """Return the name of a claim's volume: one life of a claim, one volume."""
    return f"pvc-{uid_of(claim)}"


def volume_for(
    claim: ApiObject, storage_class: ApiObject, *, path: Path, node: str
) -> dict[str, Any]:
    """Return the volume that lies at `path` of a node and is the claim's."""
    terms = [{"matchExpressions": [_on(node)]}]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume_name(claim),
            "annotations": {PROVISIONED_BY: PROVISIONER},
            "finalizers": [VOLUME_PROTECTION, FINALIZER],
        },
        "spec": {
            "accessModes": list(claim["spec"]["accessModes"]),
            "capacity": {"storage": _size_of(claim)},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace_of(claim),
                "name": name_of(claim),
                "uid": uid_of(claim),
                "resourceVersion": claim["metadata"]["resourceVersion"],
            },
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
            "persistentVolumeReclaimPolicy": storage_class["reclaimPolicy"],
            "storageClassName": name_of(storage_class),
            "volumeMode": "Filesystem",
        },
    }


def _on(node: str) -> dict[str, Any]:
    return {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}


def _size_of(claim: ApiObject) -> str:
    """Return what the claim asks for, as it is spelled canonically."""
    return format_quantity(request_of(claim), binary=True)


class UnsupportedClaimError(TerminalError):
    """The claim asks for what a directory of the machine is not."""


def _check(claim: ApiObject) -> None:
    """Raise UnsupportedClaimError for what this provisioner does not offer."""
    if mode_of(claim) != "Filesystem":
        raise UnsupportedClaimError("only volumes of volumeMode Filesystem are offered")
    if dig(claim, "spec", "selector") is not None:
        raise UnsupportedClaimError("claim.Spec.Selector is not supported")
    if dig(claim, "spec", "dataSource") or dig(claim, "spec", "dataSourceRef"):
        raise UnsupportedClaimError("a volume cannot be filled from another one")
