"""On which nodes a pod is made, and which pods go. Pure.

First every node gets the pods it should have; only where that is so a roll-out takes its next
step. Source: k8s.io/kubernetes/pkg/controller/daemon (manage, rollingUpdate).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from paas.core.objects import (
    ApiObject,
    annotations_of,
    is_deleting,
    labels_of,
    name_of,
)
from paas.core.pods import available_in_s, is_finished, is_ready, phase_of
from paas.core.shape import number, submap, text
from paas.core.shares import scaled
from paas.core.wellknown import TEMPLATE_GENERATION
from paas.orchestration.controllers.daemonset.nodes import (
    GENERATION_LABEL,
    NEVER,
    Verdict,
    node_of,
    verdict_of,
)
from paas.orchestration.controllers.revisions.plan import HASH_LABEL

BURST = 250


@dataclass(slots=True)
class Plan:
    """One step. `ended` are pods to be told of before they go, `held` failed ones that must wait.

    `create` names nodes; the nodes of `held` wait for their back-off.
    """

    create: list[str] = field(default_factory=list)
    delete: list[ApiObject] = field(default_factory=list)
    ended: list[ApiObject] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Say whether anything is to be done now."""
        return bool(self.create or self.delete)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is there: verdicts by node, pods by the node they are on or meant for."""

    daemon_set: ApiObject
    verdicts: Mapping[str, Verdict]
    pods: Mapping[str, Sequence[ApiObject]]
    revision_hash: str
    now: datetime

    @property
    def desired(self) -> int:
        """Return on how many nodes a pod should run."""
        return sum(1 for one in self.verdicts.values() if one.should_run)

    def is_available(self, pod: ApiObject) -> bool:
        """Say whether the pod has been ready for minReadySeconds."""
        least_s = number(self.daemon_set, "spec", "minReadySeconds") or 0
        return available_in_s(pod, min_ready_s=least_s, now=self.now) == 0

    def is_updated(self, pod: ApiObject) -> bool:
        """Say whether the pod is of the template as it is now."""
        labels = labels_of(pod)
        generation = annotations_of(self.daemon_set).get(TEMPLATE_GENERATION)
        by_generation = bool(generation) and labels.get(GENERATION_LABEL) == generation
        return by_generation or labels.get(HASH_LABEL) == self.revision_hash


def look(
    daemon_set: ApiObject,
    nodes: Iterable[ApiObject],
    pods: Iterable[ApiObject],
    *,
    revision_hash: str,
    now: datetime,
) -> Facts:
    """Put what is there in order; pods of no node are left out, and so are those gone but in name.

    The first pod of a node is the one that counts: assigned before waiting, older before younger.
    """
    by_node: dict[str, list[ApiObject]] = {}
    for pod in sorted(pods, key=_rank):
        name = node_of(pod)
        if name and not (is_finished(pod) and is_deleting(pod)):
            by_node.setdefault(name, []).append(pod)
    verdicts = {name_of(node): verdict_of(daemon_set, node) for node in nodes}
    return Facts(daemon_set, verdicts, by_node, revision_hash, now)


def _rank(pod: ApiObject) -> tuple[bool, str, str]:
    created = pod["metadata"].get("creationTimestamp", "")
    return not text(pod, "spec", "nodeName"), created, name_of(pod)


def plan(facts: Facts, waits: Mapping[str, float]) -> Plan:
    """Return what to do now; `waits` are the seconds a node's next failed pod has to be left."""
    todo = Plan()
    for name in sorted(facts.verdicts):
        _settle(todo, facts, name, failed_must_wait=name in waits)
    todo.delete += _nowhere(facts)
    if not todo and text(facts.daemon_set, "spec", "updateStrategy", "type") == "RollingUpdate":
        roll(todo, facts)
    return todo


def _settle(todo: Plan, facts: Facts, name: str, *, failed_must_wait: bool) -> None:
    """Give one node the pods it should have, whatever their template."""
    verdict, pods = facts.verdicts[name], facts.pods.get(name, ())
    if not verdict.may_stay:
        todo.delete += [pod for pod in pods if not is_deleting(pod)]
        return
    if not pods:
        todo.create += [name] if verdict.should_run else []
        return
    running = [pod for pod in pods if not is_deleting(pod) and not is_finished(pod)]
    _clear_ended(todo, pods, name, failed_must_wait=failed_must_wait)
    if not _surges(facts.daemon_set):
        todo.delete += running[1:]
    elif running:
        todo.delete += _superfluous(facts, running)
    elif verdict.should_run:  # one that goes must not keep the next from coming
        todo.create.append(name)


def _clear_ended(
    todo: Plan, pods: Sequence[ApiObject], name: str, *, failed_must_wait: bool
) -> None:
    for pod in pods:
        if is_deleting(pod) or not is_finished(pod):
            continue
        if phase_of(pod) == "Failed":
            if failed_must_wait:
                todo.held.append(name)
                continue
            failed_must_wait = True
        todo.ended.append(pod)
        todo.delete.append(pod)


def _superfluous(facts: Facts, running: Sequence[ApiObject]) -> list[ApiObject]:
    """Return all but the old pod that serves and the new one that is to take over."""
    new = [pod for pod in running if labels_of(pod).get(HASH_LABEL) == facts.revision_hash]
    old = [pod for pod in running if labels_of(pod).get(HASH_LABEL) != facts.revision_hash]
    gone = [*new[1:], *old[1:]]
    if new and old and (not is_ready(old[0]) or facts.is_available(new[0])):
        gone.append(old[0])
    return gone


def _nowhere(facts: Facts) -> list[ApiObject]:
    """Return the pods that wait for a node that is gone: nobody else will ever see them."""
    return [
        pod
        for name, pods in facts.pods.items()
        if name not in facts.verdicts
        for pod in pods
        if not text(pod, "spec", "nodeName") and not is_deleting(pod)
    ]


# -- rolling -----------------------------------------------------------------------------------


def _surges(daemon_set: ApiObject) -> bool:
    return bounds_of(daemon_set, 1)[0] > 0


def bounds_of(daemon_set: ApiObject, desired: int) -> tuple[int, int]:
    """Return maxSurge and maxUnavailable as numbers; one of them is not 0 while rolling."""
    strategy = submap(daemon_set, "spec", "updateStrategy")
    rolling = submap(strategy, "rollingUpdate")
    if text(strategy, "type") != "RollingUpdate":
        return 0, 0
    surge = scaled(rolling.get("maxSurge") or 0, desired, up=True)
    unavailable = scaled(rolling.get("maxUnavailable") or 0, desired, up=True)
    if desired > 0 and not surge and not unavailable:
        unavailable = 1
    return surge, unavailable


def roll(todo: Plan, facts: Facts) -> None:
    """Add a roll-out's next step."""
    surge, unavailable = bounds_of(facts.daemon_set, facts.desired)
    if surge:
        _roll_by_surge(todo, facts, surge)
    else:
        _roll_in_place(todo, facts, unavailable)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The pods of one node that are not going; `clear` unless there are two of one template."""

    new: ApiObject | None
    old: ApiObject | None
    clear: bool = True

    @property
    def only(self) -> ApiObject | None:
        """Return the node's pod if there is just one."""
        return None if self.new is not None and self.old is not None else self.new or self.old


def _pair(facts: Facts, name: str) -> _Pair:
    there = [pod for pod in facts.pods.get(name, ()) if not is_deleting(pod)]
    new = [pod for pod in there if facts.is_updated(pod)]
    old = [pod for pod in there if not facts.is_updated(pod)]
    if len(new) > 1 or len(old) > 1:
        return _Pair(None, None, clear=False)
    return _Pair(new[0] if new else None, old[0] if old else None)


def _places(facts: Facts) -> list[str]:
    wanted = {name for name, verdict in facts.verdicts.items() if verdict.should_run}
    return sorted(wanted | set(facts.pods))


def _roll_in_place(todo: Plan, facts: Facts, most: int) -> None:
    """Delete old pods: those that serve nobody at once, others while fewer than `most` are out."""
    out = 0
    candidates: list[ApiObject] = []
    for name in _places(facts):
        pair = _pair(facts, name)
        only = pair.only
        if only is None or not facts.is_available(only):
            out += 1
            todo.delete += [only] if only is not None and only is pair.old else []
        elif only is pair.old:
            candidates.append(only)
    todo.delete += candidates[: max(0, most - out)]


@dataclass(slots=True)
class _Surge:
    """What a look at the nodes finds: how many have two pods, how many serve, which may change."""

    surging: int = 0
    available: int = 0
    candidates: list[str] = field(default_factory=list)
    leaving: list[ApiObject] = field(default_factory=list)


def _roll_by_surge(todo: Plan, facts: Facts, most: int) -> None:
    """Make a new pod beside the old one; the old one goes when the new one is available.

    Of nodes that should have none any more, as many pods go as the others can spare.
    """
    found = _Surge()
    for name in _places(facts):
        pair = _pair(facts, name)
        counted = pair.old or pair.new
        found.available += counted is not None and facts.is_available(counted)
        if not pair.clear:
            found.surging += 1
        elif pair.old is None:
            continue
        elif pair.new is None:
            _surge(todo, facts, name, pair.old, found)
        elif facts.is_available(pair.new):
            todo.delete.append(pair.old)
        else:
            found.surging += 1
    todo.delete += found.leaving[: max(0, found.available - facts.desired)]
    todo.create += found.candidates[: max(0, most - found.surging)]


def _surge(todo: Plan, facts: Facts, name: str, old: ApiObject, found: _Surge) -> None:
    """Say what to do about a node that has only an old pod."""
    serves = facts.is_available(old)
    if not facts.verdicts.get(name, NEVER).should_run:
        (found.leaving if serves else todo.delete).append(old)
    elif serves:
        found.candidates.append(name)
    else:
        todo.create.append(name)
