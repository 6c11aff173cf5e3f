"""What is to happen to a claim or a volume. Pure.

Source: k8s.io/kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from paas.core.objects import ApiObject, annotations_of, dig, name_of, uid_of
from paas.core.volumes import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    NO_PROVISIONER,
    PROVISIONED_BY,
    SELECTED_NODE,
    belongs_to,
    class_of,
    is_delayed,
)
from paas.orchestration.controllers.volumes.matching import best_match, mismatch, reserved

_LOST = "Data on the volume is lost!"


@dataclass(frozen=True, slots=True)
class Told:
    """An event about a claim."""

    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides about one claim, besides itself.

    `waiting` are the names of its pods that are not scheduled yet; `node` is the one that the
    scheduler has chosen for them.
    """

    volumes: Sequence[ApiObject]
    storage_class: ApiObject | None = None
    waiting: Sequence[str] = ()
    node: ApiObject | None = None


@dataclass(frozen=True, slots=True)
class ClaimPlan:
    """Bind to `bind`, or show `phase`; `provisioner` is whom to ask for a volume."""

    bind: ApiObject | None = None
    phase: str = "Pending"
    told: Told | None = None
    provisioner: str = ""


def plan_claim(claim: ApiObject, around: Surroundings) -> ClaimPlan:
    """Decide about a claim."""
    named = str(dig(claim, "spec", "volumeName") or "")
    volume = next((one for one in around.volumes if name_of(one) == named), None)
    if BIND_COMPLETED in annotations_of(claim):
        return _plan_bound(claim, named, volume)
    return _plan_named(claim, volume) if named else _plan_unbound(claim, around)


def _plan_bound(claim: ApiObject, named: str, volume: ApiObject | None) -> ClaimPlan:
    if not named:
        return _lost("ClaimLost", f"Bound claim has lost reference to PersistentVolume. {_LOST}")
    if volume is None:
        return _lost("ClaimLost", f"Bound claim has lost its PersistentVolume. {_LOST}")
    owner = dig(volume, "spec", "claimRef")
    if owner is None or owner.get("uid") == uid_of(claim):
        return ClaimPlan(bind=volume, phase="Bound")
    words = "Two claims are bound to the same volume, this one is bound incorrectly"
    return _lost("ClaimMisbound", words)


def _lost(reason: str, message: str) -> ClaimPlan:
    return ClaimPlan(phase="Lost", told=Told(reason, message, warning=True))


def _plan_named(claim: ApiObject, volume: ApiObject | None) -> ClaimPlan:
    if volume is None:
        return ClaimPlan()
    if dig(volume, "spec", "claimRef") is not None:
        if belongs_to(volume, claim):
            return ClaimPlan(bind=volume, phase="Bound")
        words = f'volume "{name_of(volume)}" already bound to a different claim.'
        return ClaimPlan(told=Told("FailedBinding", words, warning=True))
    if why := mismatch(volume, claim):
        words = f'Cannot bind to requested volume "{name_of(volume)}": {why}'
        return ClaimPlan(told=Told("VolumeMismatch", words, warning=True))
    return ClaimPlan(bind=volume, phase="Bound")


def _plan_unbound(claim: ApiObject, around: Surroundings) -> ClaimPlan:
    waits = is_delayed(around.storage_class) and SELECTED_NODE not in annotations_of(claim)
    found = (
        reserved(claim, around.volumes) if waits else best_match(claim, around.volumes, around.node)
    )
    if found is not None:
        return ClaimPlan(bind=found, phase="Bound")
    if waits:
        return ClaimPlan(told=_waits(around.waiting))
    return _plan_provision(claim, around.storage_class)


def _waits(pods: Sequence[str]) -> Told:
    if not pods:
        words = "waiting for first consumer to be created before binding"
        return Told("WaitForFirstConsumer", words)
    who = f"pod {pods[0]}" if len(pods) == 1 else f"pods {','.join(pods)}"
    return Told("WaitForPodScheduled", f"waiting for {who} to be scheduled")


def _plan_provision(claim: ApiObject, storage_class: ApiObject | None) -> ClaimPlan:
    name = class_of(claim)
    if not name:
        words = "no persistent volumes available for this claim and no storage class is set"
        return ClaimPlan(told=Told("FailedBinding", words))
    if storage_class is None:
        words = f'storageclass.storage.k8s.io "{name}" not found'
        return ClaimPlan(told=Told("ProvisioningFailed", words, warning=True))
    provisioner = str(storage_class["provisioner"])
    if provisioner == NO_PROVISIONER:
        words = f"no volume plugin matched name: {provisioner}"
        return ClaimPlan(told=Told("ProvisioningFailed", words, warning=True))
    words = (
        "Waiting for a volume to be created either by the external provisioner "
        f"'{provisioner}' or manually by the system administrator. If volume creation is delayed, "
        "please verify that the provisioner is running and correctly registered."
    )
    return ClaimPlan(told=Told("ExternalProvisioning", words), provisioner=provisioner)


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """The phase a volume is to show; `release` says what becomes of its claimRef.

    `keep` leaves it, `unbind` takes it away, `reserve` takes only the claim's uid.
    """

    phase: str
    reason: str = field(default="")
    release: str = "keep"


def plan_volume(volume: ApiObject, claim: ApiObject | None) -> VolumePlan | None:
    """Decide about a volume; `claim` is what its claimRef names, None if that is gone.

    None where the claim's turn is next.
    """
    reference = dig(volume, "spec", "claimRef")
    if reference is None or not reference.get("uid"):
        return VolumePlan("Available")
    phase = str(dig(volume, "status", "phase"))
    if claim is None:
        return _released(volume, phase)
    named = dig(claim, "spec", "volumeName")
    if not named:
        return None
    if named == name_of(volume):
        return VolumePlan("Bound")
    notes = annotations_of(volume)
    policy = dig(volume, "spec", "persistentVolumeReclaimPolicy")
    if PROVISIONED_BY in notes and policy == "Delete":
        return _released(volume, phase)
    release = "unbind" if BOUND_BY_CONTROLLER in notes else "reserve"
    return VolumePlan("Available", release=release)


def _released(volume: ApiObject, phase: str) -> VolumePlan:
    if dig(volume, "spec", "persistentVolumeReclaimPolicy") == "Recycle":
        return VolumePlan("Failed", "No recycler plugin found for the volume!")
    return VolumePlan("Failed" if phase == "Failed" else "Released")
