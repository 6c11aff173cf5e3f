"""What a step of a StatefulSet is: which pods to make and to delete, and in which order. Pure.

Source: k8s.io/kubernetes/pkg/controller/statefulset/stateful_set_control.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from paas.core.objects import ApiObject, is_deleting, labels_of, name_of
from paas.core.pods import available_in_s, is_finished, is_ready, phase_of
from paas.core.shape import number, submap, text
from paas.core.shares import scaled
from paas.orchestration.controllers.revisions.plan import HASH_LABEL
from paas.orchestration.controllers.statefulset.identity import is_labelled, ordinal_of, ordinals


@dataclass(frozen=True, slots=True)
class Facts:
    """A StatefulSet as it is seen now.

    `current` and `update` are the names of its revisions; `pods` are its pods by number, and
    `condemned` those beyond its numbers, the highest first.
    """

    owner: ApiObject
    current: str
    update: str
    pods: dict[int, ApiObject]
    condemned: list[ApiObject]
    now: datetime

    @property
    def is_ordered(self) -> bool:
        """Say whether one pod waits for another."""
        return text(self.owner, "spec", "podManagementPolicy") != "Parallel"

    @property
    def partition(self) -> int:
        """Return below which position, not number, pods stay at the current revision."""
        return number(self.owner, "spec", "updateStrategy", "rollingUpdate", "partition") or 0

    def available_in_s(self, pod: ApiObject) -> float | None:
        """Return seconds until the pod is available; None while it is not ready."""
        if phase_of(pod) != "Running":
            return None
        least_s = number(self.owner, "spec", "minReadySeconds") or 0
        return available_in_s(pod, min_ready_s=least_s, now=self.now)

    def is_available(self, pod: ApiObject) -> bool:
        """Say whether the pod is ready, for long enough."""
        return self.available_in_s(pod) == 0

    def is_healthy(self, pod: ApiObject | None) -> bool:
        """Say whether a pod is there, available and not going away."""
        return pod is not None and self.is_available(pod) and not is_deleting(pod)

    def revision_for(self, ordinal: int) -> str:
        """Return the revision of a pod that is to be made."""
        strategy = submap(self.owner, "spec", "updateStrategy")
        first = ordinals(self.owner).start
        keeps = strategy.get("type") == "RollingUpdate" and ordinal < first + self.partition
        return self.current if keeps else self.update


@dataclass(slots=True)
class Plan:
    """What to do, in this order.

    `claims` are the numbers of pods that wait and whose claims are to be there; `label` are pods to
    be labelled; `settle` are pods whose claims are to have the owners of the retention policy.
    """

    create: list[int] = field(default_factory=list)
    claims: list[int] = field(default_factory=list)
    label: list[ApiObject] = field(default_factory=list)
    settle: list[ApiObject] = field(default_factory=list)
    delete: list[ApiObject] = field(default_factory=list)


def look(
    owner: ApiObject, pods: Sequence[ApiObject], *, current: str, update: str, now: datetime
) -> Facts:
    """Sort the pods."""
    wanted = ordinals(owner)
    inside = {ordinal_of(pod): pod for pod in pods if ordinal_of(pod) in wanted}
    outside = [pod for pod in pods if ordinal_of(pod) >= 0 and ordinal_of(pod) not in wanted]
    outside.sort(key=ordinal_of, reverse=True)
    return Facts(owner, current, update, inside, outside, now)


def plan(facts: Facts) -> Plan:
    """Return the next step; nothing of one that is being deleted."""
    todo = Plan()
    if is_deleting(facts.owner) or _fill(facts, todo) or _shrink(facts, todo):
        return todo
    if text(facts.owner, "spec", "updateStrategy", "type") == "RollingUpdate":
        _update(facts, todo)
    return todo


def _fill(facts: Facts, todo: Plan) -> bool:
    """See to every number from the lowest; say whether the others have to wait."""
    for ordinal in ordinals(facts.owner):
        if _see_to(facts, ordinal, todo) and facts.is_ordered:
            return True
    return False


def _see_to(facts: Facts, ordinal: int, todo: Plan) -> bool:
    """See to one number; say whether the next ones wait for it."""
    pod = facts.pods.get(ordinal)
    if pod is None:
        todo.create.append(ordinal)
        return True
    if is_finished(pod):
        if not is_deleting(pod):
            todo.delete.append(pod)
        return True
    if phase_of(pod) == "Pending":
        todo.claims.append(ordinal)
    if not is_deleting(pod):
        todo.settle.append(pod)
        if not is_labelled(pod):
            todo.label.append(pod)
    return not facts.is_healthy(pod)


def _shrink(facts: Facts, todo: Plan) -> bool:
    """Take the numbers beyond away from the highest; say whether that comes before updates."""
    todo.settle += facts.condemned
    first = _first_unavailable(facts)
    for pod in facts.condemned:
        if is_deleting(pod):
            if facts.is_ordered:
                return True
            continue
        if facts.is_ordered and not facts.is_available(pod) and pod is not first:
            return True
        todo.delete.append(pod)
        if facts.is_ordered:
            return True
    return False


def _first_unavailable(facts: Facts) -> ApiObject | None:
    """Return the pod with the lowest number that is not well; it alone may go out of turn."""
    inside = [facts.pods.get(ordinal) for ordinal in ordinals(facts.owner)]
    every = [*inside, *reversed(facts.condemned)]
    return next((pod for pod in every if not facts.is_healthy(pod)), None)


def _update(facts: Facts, todo: Plan) -> None:
    """Delete pods of another revision, from the highest number down to the partition."""
    numbers = list(ordinals(facts.owner))
    room = _room(facts, numbers)
    gone = {name_of(pod) for pod in todo.delete}
    for ordinal in reversed(numbers[facts.partition :]):
        pod = facts.pods.get(ordinal)
        if pod is not None and _is_old(facts, pod) and name_of(pod) not in gone:
            if room is not None and room <= 0:
                return
            todo.delete.append(pod)
            if room is None:
                return
            room -= 1
        elif room is None and not facts.is_healthy(pod):
            return  # one after the other: this one first


def _room(facts: Facts, numbers: Sequence[int]) -> int | None:
    """Return how many more may be unavailable; None where nothing says so: one at a time."""
    rolling = submap(facts.owner, "spec", "updateStrategy", "rollingUpdate")
    if (most := rolling.get("maxUnavailable")) is None:
        return None
    limit = max(1, scaled(most, len(numbers), up=True))
    down = sum(1 for ordinal in numbers if not facts.is_healthy(facts.pods.get(ordinal)))
    return limit - down


def _is_old(facts: Facts, pod: ApiObject) -> bool:
    return labels_of(pod).get(HASH_LABEL) != facts.update and not is_deleting(pod)


def is_running_ready(pod: ApiObject) -> bool:
    """Say whether a pod runs and is ready."""
    return phase_of(pod) == "Running" and is_ready(pod)
