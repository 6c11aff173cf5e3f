"""Which node a pod fits on, or the reasons it fits on none. Pure.

Source: "Kubernetes Scheduler", "Taints and Tolerations", "Assigning Pods to Nodes".
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from paas.core.objects import ApiObject, name_of
from paas.orchestration.controllers.scheduler.claims import PodClaims
from paas.orchestration.controllers.scheduler.fit import (
    BLOCKING,
    UNSCHEDULABLE,
    selects,
    taints_of,
    tolerates_all,
    untolerated,
)
from paas.orchestration.controllers.scheduler.requests import amounts_of
from paas.orchestration.podspec.resources import Amounts

ZERO = Decimal(0)


@dataclass(slots=True)
class Room:
    """A node and what the pods on it have asked for."""

    node: ApiObject
    taken: Amounts = field(default_factory=dict)
    pods: int = 0

    def take(self, asked: Amounts) -> None:
        """Count one more pod."""
        self.pods += 1
        for name, amount in asked.items():
            self.taken[name] = self.taken.get(name, ZERO) + amount


@dataclass(frozen=True, slots=True)
class Choice:
    """`node` is the chosen node's name; where it is empty, `message` says why."""

    node: str = ""
    message: str = ""


_NO_CLAIMS = PodClaims()


def choose(
    pod: ApiObject, asked: Amounts, rooms: Sequence[Room], claims: PodClaims = _NO_CLAIMS
) -> Choice:
    """Return the node with the most room left, or upstream's sentence why there is none."""
    if not rooms:
        return Choice(message="no nodes available to schedule pods")
    if claims.refusal:
        return Choice(message=f"0/{len(rooms)} nodes are available: {claims.refusal}.")
    reasons: Counter[str] = Counter()
    fitting: list[Room] = []
    for room in rooms:
        obstacles = obstacles_of(pod, asked, room) or claims.obstacles(room.node)
        reasons.update(obstacles)
        if not obstacles:
            fitting.append(room)
    if fitting:
        best = max(fitting, key=lambda room: (_left(room, "cpu"), name_of(room.node)))
        return Choice(node=name_of(best.node))
    words = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
    return Choice(message=f"0/{len(rooms)} nodes are available: {words}.")


def _left(room: Room, resource: str) -> Decimal:
    return _allocatable(room.node).get(resource, ZERO) - room.taken.get(resource, ZERO)


def _allocatable(node: ApiObject) -> Amounts:
    status = node.get("status") or {}
    return amounts_of(status.get("allocatable") or status.get("capacity"))


def obstacles_of(pod: ApiObject, asked: Amounts, room: Room) -> list[str]:
    """Return why the pod cannot run there; of the first kind of obstacle only, as upstream."""
    node = room.node
    spec = pod["spec"]
    if (node.get("spec") or {}).get("unschedulable") and not tolerates_all(spec, [UNSCHEDULABLE]):
        return ["node(s) were unschedulable"]
    if taint := untolerated(spec, taints_of(node), BLOCKING):
        shown = f"{taint['key']}: {taint.get('value', '')}"
        return [f"node(s) had untolerated taint {{{shown}}}"]
    if not selects(spec, node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    return _shortages(asked, room)


def _shortages(asked: Amounts, room: Room) -> list[str]:
    allocatable = _allocatable(room.node)
    short = []
    if "pods" in allocatable and room.pods + 1 > allocatable["pods"]:
        short.append("Too many pods")
    for name, amount in sorted(asked.items()):
        if amount and amount > allocatable.get(name, ZERO) - room.taken.get(name, ZERO):
            short.append(f"Insufficient {name}")
    return short
