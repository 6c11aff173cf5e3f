"""How many of a budget's pods are healthy, should be, and may go. Pure.

Source: k8s.io/kubernetes/pkg/controller/disruption.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paas.core.conditions import set_condition
from paas.core.objects import ApiObject, is_deleting, name_of, parse_timestamp
from paas.core.pods import is_ready
from paas.core.shape import Json, number, submap
from paas.core.shares import scaled

ALLOWED = "DisruptionAllowed"
DELETION_WITHIN = timedelta(minutes=2)
"""How long an eviction that was granted counts, though its pod is still there."""


@dataclass(frozen=True, slots=True)
class Expected:
    """How many pods there should be, and how many of them healthy."""

    pods: int
    healthy: int


def needs_scale(budget: ApiObject) -> bool:
    """Say whether the number of pods is that of their controllers, not of those that are there."""
    spec = budget["spec"]
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def expected_of(budget: ApiObject, pods: int, scale: int) -> Expected:
    """Return what the budget asks for; `scale` is the size of its pods' controllers together."""
    spec = budget["spec"]
    if (most := spec.get("maxUnavailable")) is not None:
        return Expected(scale, max(scale - scaled(most, scale, up=True), 0))
    least = spec.get("minAvailable")
    if least is None:
        return Expected(0, 0)
    if isinstance(least, int):
        return Expected(pods, least)
    return Expected(scale, scaled(least, scale, up=True))


def disrupted(budget: ApiObject, pods: Sequence[ApiObject], *, now: datetime) -> dict[str, str]:
    """Return the pods whose eviction was granted and which are still there, by name."""
    granted = submap(budget, "status", "disruptedPods")
    there = {name_of(pod) for pod in pods if not is_deleting(pod)}
    return {
        name: moment
        for name, moment in granted.items()
        if name in there and parse_timestamp(moment) + DELETION_WITHIN >= now
    }


def status_of(
    budget: ApiObject,
    pods: Sequence[ApiObject],
    expected: Expected,
    *,
    now: datetime,
) -> Json:
    """Return the status."""
    going = disrupted(budget, pods, now=now)
    healthy = sum(
        1 for pod in pods if not is_deleting(pod) and name_of(pod) not in going and is_ready(pod)
    )
    allowed = max(healthy - expected.healthy, 0) if expected.pods > 0 else 0
    status: Json = {
        "currentHealthy": healthy,
        "desiredHealthy": expected.healthy,
        "expectedPods": expected.pods,
        "disruptionsAllowed": allowed,
        "observedGeneration": number(budget, "metadata", "generation") or 0,
        "conditions": copy.deepcopy(submap(budget, "status").get("conditions") or []),
    }
    if going:
        status["disruptedPods"] = going
    note_allowed(status, now=now)
    return status


def note_allowed(status: Json, *, now: datetime, failure: str = "") -> None:
    """Bring the condition in line with the number; `failure` says why that is not known."""
    allowed = number(status, "disruptionsAllowed") or 0
    reason = "SufficientPods" if allowed > 0 else "InsufficientPods"
    set_condition(
        status,
        kind=ALLOWED,
        value=allowed > 0 and not failure,
        reason="SyncFailed" if failure else reason,
        message=failure,
        now=now,
    )
    for condition in status["conditions"]:
        if condition["type"] == ALLOWED:
            condition["message"] = failure
            condition["observedGeneration"] = status.get("observedGeneration", 0)


def recheck_s(status: Json, *, now: datetime) -> float | None:
    """Return the seconds until a granted eviction counts no more."""
    moments = submap(status, "disruptedPods").values()
    ends = [parse_timestamp(moment) + DELETION_WITHIN for moment in moments]
    return max((min(ends) - now).total_seconds(), 0.0) + 1 if ends else None
