"""What to do with an object, given its owners and its dependents. Pure.

Source: Kubernetes, "Garbage Collection"; k8s.io/kubernetes/pkg/controller/garbagecollector.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from paas.core.objects import ApiObject, is_deleting

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Owner(Enum):
    """How an owner is: here, gone, or here only until its dependents are gone."""

    SOLID = "solid"
    DANGLING = "dangling"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Keep it, with these owner references; or delete it with this propagation."""

    delete: str = ""
    references: list[ApiObject] | None = None


def finalizers_of(obj: ApiObject) -> list[str]:
    """Return metadata.finalizers."""
    return list(obj["metadata"].get("finalizers") or ())


def is_waiting(owner: ApiObject) -> bool:
    """Say whether an object is deleted in the foreground: after what it blocks on."""
    return is_deleting(owner) and FOREGROUND in finalizers_of(owner)


def judge(
    obj: ApiObject, owners: Sequence[tuple[ApiObject, Owner]], *, has_dependents: bool
) -> Verdict:
    """Decide about an object that is not being deleted; `owners` pairs references and states.

    One solid owner keeps it, and the references to others go. Without one it is deleted: in the
    foreground if an owner waits and it has dependents of its own, else as its finalizers say.
    """
    if not owners:
        return Verdict()
    solid = [reference for reference, state in owners if state is Owner.SOLID]
    if len(solid) == len(owners):
        return Verdict()
    if solid:
        return Verdict(references=solid)
    if any(state is Owner.WAITING for _, state in owners) and has_dependents:
        return Verdict(delete="Foreground")
    finalizers = finalizers_of(obj)
    if ORPHAN in finalizers:
        return Verdict(delete="Orphan")
    return Verdict(delete="Foreground" if FOREGROUND in finalizers else "Background")


def blocks(dependent: ApiObject, owner_uid: str) -> bool:
    """Say whether the owner's foreground deletion waits for this dependent."""
    return any(
        reference["uid"] == owner_uid and reference.get("blockOwnerDeletion")
        for reference in dependent["metadata"].get("ownerReferences") or ()
    )


def without_owner(dependent: ApiObject, owner_uid: str) -> list[ApiObject]:
    """Return the dependent's owner references but the one."""
    references = dependent["metadata"].get("ownerReferences") or ()
    return [reference for reference in references if reference["uid"] != owner_uid]
