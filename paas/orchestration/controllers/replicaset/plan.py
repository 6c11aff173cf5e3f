"""How many pods to create, and which to delete first. Pure.

Source: k8s.io/kubernetes/pkg/controller/replicaset and ActivePodsWithRanks.
"""

import functools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from paas.core.objects import (
    ApiObject,
    annotations_of,
    dig,
    name_of,
    parse_timestamp,
)
from paas.core.pods import is_ready, phase_of, ready_since, restarts_of

BURST = 500
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True, slots=True)
class Plan:
    """One step: create so many, or delete these, never both; at most `BURST`."""

    create: int = 0
    delete: tuple[ApiObject, ...] = ()


def wanted_of(replica_set: ApiObject) -> int:
    """Return spec.replicas, 1 by default."""
    wanted = replica_set["spec"].get("replicas")
    return 1 if wanted is None else int(wanted)


def plan(
    replica_set: ApiObject,
    active: Sequence[ApiObject],
    *,
    related: Sequence[ApiObject],
    now: datetime,
) -> Plan:
    """Compare the wish with the active pods. `related` are the active pods of its siblings too.

    Siblings are ReplicaSets of the same owner: of two pods the one on the fuller node goes.
    """
    surplus = len(active) - wanted_of(replica_set)
    if surplus < 0:
        return Plan(create=min(-surplus, BURST))
    if surplus == 0:
        return Plan()
    ranked = deletion_order(active, related=related, now=now)
    return Plan(delete=tuple(ranked[: min(surplus, BURST)]))


def deletion_order(
    pods: Sequence[ApiObject], *, related: Sequence[ApiObject], now: datetime
) -> list[ApiObject]:
    """Sort so that the pod least missed comes first."""
    crowd = Counter(str(dig(pod, "spec", "nodeName") or "") for pod in related)

    def compare(one: ApiObject, other: ApiObject) -> int:
        left, right = _rank(one, crowd), _rank(other, crowd)
        if left != right:
            return -1 if left < right else 1
        return _compare_ages(one, other, now)

    return sorted(pods, key=functools.cmp_to_key(compare))


def _rank(pod: ApiObject, crowd: Counter[str]) -> tuple[int, int, int, int, int]:
    node = str(dig(pod, "spec", "nodeName") or "")
    return (
        1 if node else 0,
        _PHASES.get(phase_of(pod), 2),
        1 if is_ready(pod) else 0,
        _cost(pod),
        -crowd[node],
    )


def _cost(pod: ApiObject) -> int:
    text = annotations_of(pod).get(DELETION_COST, "0")
    try:
        return int(text)
    except ValueError:
        return 0


def _compare_ages(one: ApiObject, other: ApiObject, now: datetime) -> int:
    """Put shorter ready first, then more restarts, then younger. Ages count by powers of two."""
    if is_ready(one) and is_ready(other):
        order = _younger_first(ready_since(one), ready_since(other), now)
        if order:
            return order
    if restarts_of(one) != restarts_of(other):
        return restarts_of(other) - restarts_of(one)
    return _younger_first(_created(one), _created(other), now) or (
        -1 if name_of(one) < name_of(other) else 1
    )


def _younger_first(one: datetime | None, other: datetime | None, now: datetime) -> int:
    if one is None or other is None:
        return (one is not None) - (other is not None)
    return _magnitude(one, now) - _magnitude(other, now)


def _magnitude(moment: datetime, now: datetime) -> int:
    age_s = (now - moment).total_seconds()
    return -1 if age_s <= 0 else int(math.log2(age_s * 1e9))


def _created(pod: ApiObject) -> datetime | None:
    text = pod["metadata"].get("creationTimestamp")
    return parse_timestamp(text) if text else None


def batches(count: int) -> list[int]:
    """Return 1, 2, 4 … that sum up to `count`: a wrong template fails once, not 500 times."""
    sizes: list[int] = []
    left = count
    while left > 0:
        sizes.append(min(left, 2 ** len(sizes)))
        left -= sizes[-1]
    return sizes
