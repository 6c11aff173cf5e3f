"""How long a Job waits before it replaces pods that failed: 10 s, 20 s … 10 minutes. Pure.

Source: k8s.io/kubernetes/pkg/controller/job/backoff_utils.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from paas.core.conditions import condition_of
from paas.core.objects import ApiObject, parse_timestamp
from paas.core.shape import Json, maps, number, text

FIRST_S, MAX_S = 10.0, 600.0
_DOUBLINGS = 7


@dataclass(frozen=True, slots=True)
class Failures:
    """How many pods failed since the last success, and when the last of them did."""

    count: int = 0
    last: datetime | None = None

    def left_s(self, now: datetime) -> float:
        """Return the seconds for which no pod is made."""
        if not self.count or self.last is None:
            return 0.0
        wait_s = min(FIRST_S * float(2 ** min(self.count - 1, _DOUBLINGS)), MAX_S)
        return max(0.0, wait_s - (now - self.last).total_seconds())

    def after(self, succeeded: Sequence[ApiObject], failed: Sequence[ApiObject]) -> "Failures":
        """Return the record with pods that have newly ended."""
        ends = sorted(finished_at(pod) for pod in failed)
        if succeeded:
            last_success = max(finished_at(pod) for pod in succeeded)
            ends = [end for end in ends if end > last_success]
            return Failures(len(ends), ends[-1] if ends else None)
        return Failures(self.count + len(ends), ends[-1]) if ends else self


def finished_at(pod: ApiObject) -> datetime:
    """Return when a pod ended, by the best witness there is."""
    return (
        _by_containers(pod)
        or _not_ready_since(pod)
        or _deleted_at(pod)
        or parse_timestamp(pod["metadata"]["creationTimestamp"])
    )


def _by_containers(pod: ApiObject) -> datetime | None:
    sidecars = {
        text(one, "name")
        for one in maps(pod, "spec", "initContainers")
        if one.get("restartPolicy") == "Always"
    }
    statuses: list[Json] = maps(pod, "status", "containerStatuses") + [
        one for one in maps(pod, "status", "initContainerStatuses") if one.get("name") in sidecars
    ]
    ends = [text(one, "state", "terminated", "finishedAt") for one in statuses]
    return max(map(parse_timestamp, ends)) if ends and all(ends) else None


def _not_ready_since(pod: ApiObject) -> datetime | None:
    ready = condition_of(pod.get("status") or {}, "Ready") or {}
    moment = ready.get("lastTransitionTime")
    return parse_timestamp(moment) if moment and ready.get("status") == "False" else None


def _deleted_at(pod: ApiObject) -> datetime | None:
    moment = text(pod, "metadata", "deletionTimestamp")
    if not moment:
        return None
    grace = timedelta(seconds=number(pod, "metadata", "deletionGracePeriodSeconds") or 0)
    return parse_timestamp(moment) - grace
