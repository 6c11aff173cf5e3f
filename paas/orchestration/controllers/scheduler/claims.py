"""What a pod's claims say of where, and whether, it may run. Pure.

Source: k8s.io/kubernetes/pkg/scheduler/framework/plugins/{volumebinding,volumerestrictions}.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from paas.core.objects import ApiObject, annotations_of, dig, is_deleting, name_of, namespace_of
from paas.core.volumes import (
    NO_PROVISIONER,
    ONE_POD,
    SELECTED_NODE,
    claim_names,
    class_of,
    is_bound,
    is_delayed,
)
from paas.core.wellknown import BUILD_CACHE_CLAIM
from paas.orchestration.controllers.volumes.matching import best_match, reaches

_UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
_CONFLICT = "node(s) had volume node affinity conflict"
_NOTHING = "node(s) didn't find available persistent volumes to bind"
_TAKEN = (
    "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
)


@dataclass(frozen=True, slots=True)
class Storage:
    """Where claims, classes, volumes and the pods of a claim are looked up."""

    claim: Callable[[str, str], ApiObject | None]
    storage_class: Callable[[str], ApiObject | None]
    volumes: Callable[[], Sequence[ApiObject]]
    users: Callable[[str, str], Sequence[ApiObject]]


@dataclass(frozen=True, slots=True)
class PodClaims:
    """`refusal` is why the pod runs nowhere; `waiting` are claims that a node's choice binds.

    `is_taken` says that another pod has a claim that is for one pod alone.
    """

    refusal: str = ""
    is_taken: bool = False
    bound: Sequence[ApiObject] = ()
    waiting: Sequence[ApiObject] = ()
    _storage: Storage | None = field(default=None)

    def obstacles(self, node: ApiObject) -> list[str]:
        """Return why the pod's volumes keep it from a node."""
        if self.is_taken:
            return [_TAKEN]
        if not all(reaches(volume, node) for volume in self.bound):
            return [_CONFLICT]
        found = [one for one in self.waiting if not self._can_have(one, node)]
        return [_NOTHING] if found else []

    def _can_have(self, claim: ApiObject, node: ApiObject) -> bool:
        """Say whether a volume is there for the claim, or will be made."""
        if self._storage is None:
            return False
        storage_class = self._storage.storage_class(class_of(claim)) or {}
        if storage_class.get("provisioner") != NO_PROVISIONER:
            return True
        return best_match(claim, self._storage.volumes(), node) is not None

    def to_select(self, node: str) -> list[ApiObject]:
        """Return the claims that are still to be told for which node they are."""
        return [one for one in self.waiting if annotations_of(one).get(SELECTED_NODE) != node]


def look(pod: ApiObject, storage: Storage) -> PodClaims:
    """Look at the claims of a pod that has no node yet."""
    claims: list[ApiObject] = []
    for name in claim_names(pod):
        if name == BUILD_CACHE_CLAIM:  # the node's own: no object stands for it
            continue
        claim = storage.claim(namespace_of(pod), name)
        if refusal := _refusal(name, claim, storage):
            return PodClaims(refusal)
        claims += [] if claim is None else [claim]
    if not claims:
        return PodClaims()
    volumes = {name_of(one): one for one in storage.volumes()}
    named = [volumes.get(str(dig(one, "spec", "volumeName"))) for one in claims if is_bound(one)]
    return PodClaims(
        is_taken=any(_is_taken(pod, one, storage) for one in claims),
        bound=[one for one in named if one is not None],
        waiting=[one for one in claims if not is_bound(one)],
        _storage=storage,
    )


def _refusal(name: str, claim: ApiObject | None, storage: Storage) -> str:
    if claim is None:
        return f'persistentvolumeclaim "{name}" not found'
    if is_deleting(claim):
        return f'persistentvolumeclaim "{name}" is being deleted'
    if dig(claim, "status", "phase") == "Lost":
        named = dig(claim, "spec", "volumeName")
        return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{named}"'
    if not is_bound(claim) and not is_delayed(storage.storage_class(class_of(claim))):
        return _UNBOUND
    return ""


def _is_taken(pod: ApiObject, claim: ApiObject, storage: Storage) -> bool:
    if ONE_POD not in (dig(claim, "spec", "accessModes") or ()):
        return False
    users = storage.users(namespace_of(pod), name_of(claim))
    return any(_holds(other, pod) for other in users)


def _holds(other: ApiObject, pod: ApiObject) -> bool:
    """Say whether another pod has a node already, and has not ended."""
    ended = dig(other, "status", "phase") in {"Succeeded", "Failed"}
    return name_of(other) != name_of(pod) and bool(dig(other, "spec", "nodeName")) and not ended
