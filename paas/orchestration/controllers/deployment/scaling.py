"""How large each ReplicaSet should be: rolling, recreating, scaling in proportion. Pure.

Sizes are returned by name, only where they change, in the order they are to be written.
Source: k8s.io/kubernetes/pkg/controller/deployment and apps/v1 DeploymentStrategy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paas.core.numbers import parse_whole
from paas.core.objects import ApiObject, annotations_of, name_of
from paas.core.shares import scaled
from paas.orchestration.controllers.deployment.names import DESIRED_REPLICAS, MAX_REPLICAS

Sizes = dict[str, int]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The wished size, how many pods may be too many and how many may be missing meanwhile."""

    wanted: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        """Return the number of pods never exceeded."""
        return self.wanted + self.surge

    @property
    def least_available(self) -> int:
        """Return the number of available pods below which nothing healthy is taken away."""
        return self.wanted - self.unavailable


def is_rolling(deployment: ApiObject) -> bool:
    """Say whether the strategy is RollingUpdate, the default."""
    strategy = deployment["spec"].get("strategy") or {}
    return str(strategy.get("type") or "RollingUpdate") == "RollingUpdate"


def bounds_of(deployment: ApiObject) -> Bounds:
    """Resolve maxSurge (rounded up) and maxUnavailable (rounded down, at least 1 if both are 0)."""
    wanted = wanted_of(deployment)
    if not is_rolling(deployment):
        return Bounds(wanted, 0, 0)
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge", "25%"), wanted, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Bounds(wanted, surge, min(unavailable, wanted))


def wanted_of(deployment: ApiObject) -> int:
    """Return spec.replicas, 1 by default."""
    wanted = deployment["spec"].get("replicas")
    return 1 if wanted is None else int(wanted)


def size_of(replica_set: ApiObject | None) -> int:
    """Return the size that a ReplicaSet should have."""
    return int(replica_set["spec"].get("replicas") or 0) if replica_set else 0


def available_of(replica_set: ApiObject) -> int:
    """Return how many of its pods are available."""
    return int((replica_set.get("status") or {}).get("availableReplicas") or 0)


def replica_annotations(deployment: ApiObject) -> dict[str, str]:
    """Return the annotations that tell a scaling from a roll-out."""
    bounds = bounds_of(deployment)
    return {DESIRED_REPLICAS: str(bounds.wanted), MAX_REPLICAS: str(bounds.most)}


def was_scaled(deployment: ApiObject, sets: Sequence[ApiObject]) -> bool:
    """Say whether spec.replicas has changed since the sizes were last written."""
    wanted = str(wanted_of(deployment))
    marks = (annotations_of(one).get(DESIRED_REPLICAS) for one in sets if size_of(one))
    return any(mark is not None and mark != wanted for mark in marks)


def first_size(deployment: ApiObject, sets: Sequence[ApiObject], current: int) -> int:
    """Return how large the current ReplicaSet may be now; `sets` are all that exist."""
    bounds = bounds_of(deployment)
    if not is_rolling(deployment):
        return bounds.wanted
    room = bounds.most - sum(size_of(one) for one in sets)
    if room <= 0:
        return current
    return current + min(room, max(0, bounds.wanted - current))


def roll(deployment: ApiObject, current: ApiObject, old: Sequence[ApiObject]) -> Sizes:
    """Return the next step of a rolling update: up if there is room, else down, else nothing."""
    size, bounds = size_of(current), bounds_of(deployment)
    if size > bounds.wanted:
        return {name_of(current): bounds.wanted}
    grown = first_size(deployment, [current, *old], size)
    if grown != size:
        return {name_of(current): grown}
    return _shrink(bounds, current, [one for one in old if size_of(one)])


def _shrink(bounds: Bounds, current: ApiObject, old: Sequence[ApiObject]) -> Sizes:
    """Take unhealthy old pods first, then healthy ones that the available new ones replace."""
    total = sum(size_of(one) for one in (current, *old))
    missing = size_of(current) - available_of(current)
    spare = total - bounds.least_available - missing
    if not old or spare <= 0:
        return {}
    ages = sorted(old, key=lambda o: (o["metadata"].get("creationTimestamp", ""), name_of(o)))
    sizes = {name_of(one): size_of(one) for one in ages}
    for one in ages:
        unhealthy = max(0, sizes[name_of(one)] - available_of(one))
        cut = min(spare, unhealthy)
        sizes[name_of(one)] -= cut
        spare -= cut
    surplus = sum(available_of(one) for one in (current, *old)) - bounds.least_available
    for one in ages:
        cut = max(0, min(surplus, sizes[name_of(one)]))
        sizes[name_of(one)] -= cut
        surplus -= cut
    return {
        name_of(one): sizes[name_of(one)] for one in ages if sizes[name_of(one)] != size_of(one)
    }


def rescale(deployment: ApiObject, current: ApiObject | None, old: Sequence[ApiObject]) -> Sizes:
    """Return the sizes after spec.replicas changed, or while the Deployment is paused.

    One active ReplicaSet takes all; several share the change in proportion to their sizes.
    """
    every = [*old, *([current] if current else [])]
    active = [one for one in every if size_of(one)]
    bounds = bounds_of(deployment)
    if len(active) <= 1:
        only = active[0] if active else current or _newest(old)
        if only is None or size_of(only) == bounds.wanted:
            return {}
        return {name_of(only): bounds.wanted}
    if current is not None and _is_saturated(deployment, current):
        return {name_of(one): 0 for one in old if size_of(one)}
    return _in_proportion(bounds, active) if is_rolling(deployment) else {}


def _newest(sets: Sequence[ApiObject]) -> ApiObject | None:
    return max(
        sets, key=lambda o: (o["metadata"].get("creationTimestamp", ""), name_of(o)), default=None
    )


def _is_saturated(deployment: ApiObject, current: ApiObject) -> bool:
    wanted = wanted_of(deployment)
    mark = annotations_of(current).get(DESIRED_REPLICAS)
    return size_of(current) == wanted == available_of(current) and mark == str(wanted)


def _in_proportion(bounds: Bounds, active: Sequence[ApiObject]) -> Sizes:
    allowed = bounds.most if bounds.wanted else 0
    change = allowed - sum(size_of(one) for one in active)
    ranked = sorted(active, key=_age, reverse=change > 0)
    ranked.sort(key=size_of, reverse=True)  # stable: the age decides among equals
    sizes = {name_of(one): size_of(one) for one in ranked}
    left = change
    for one in ranked:
        share = _share(one, bounds, change=change, left=left)
        sizes[name_of(one)] += share
        left -= share
    largest = name_of(ranked[0])
    sizes[largest] = max(0, sizes[largest] + left)
    return {name_of(one): sizes[name_of(one)] for one in ranked}


def _age(replica_set: ApiObject) -> tuple[str, str]:
    return (replica_set["metadata"].get("creationTimestamp", ""), name_of(replica_set))


def _share(replica_set: ApiObject, bounds: Bounds, *, change: int, left: int) -> int:
    """Return this one's part of the change, never more than what is left of it."""
    size = size_of(replica_set)
    if not change or not left or not size:
        return 0
    share = _fraction(replica_set, size, bounds)
    return min(share, left) if change > 0 else max(share, left)


def _fraction(replica_set: ApiObject, size: int, bounds: Bounds) -> int:
    if bounds.wanted == 0:
        return -size
    before = parse_whole(annotations_of(replica_set).get(MAX_REPLICAS, "")) or bounds.wanted
    return math.floor(size * bounds.most / before + 0.5) - size
