"""A ReplicaSet's status, counted from its pods. Pure."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paas.core.conditions import condition_of, set_condition
from paas.core.objects import ApiObject, is_deleting, labels_of
from paas.core.pods import available_in_s, is_finished, is_ready

REPLICA_FAILURE = "ReplicaFailure"
CONDITIONS = "conditions"
TERMINATING = "terminatingReplicas"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why pods could not be created or deleted; `reason` is FailedCreate or FailedDelete."""

    reason: str
    message: str


def status_of(
    replica_set: ApiObject,
    pods: Sequence[ApiObject],
    *,
    failure: Failure | None,
    now: datetime,
) -> dict[str, Any]:
    """Return the status that these pods (all it owns) make. Source: apps/v1 ReplicaSetStatus."""
    spec = replica_set["spec"]
    active = [pod for pod in pods if not is_finished(pod) and not is_deleting(pod)]
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    min_ready_s = spec.get("minReadySeconds") or 0
    counts = {
        "fullyLabeledReplicas": sum(1 for pod in active if _carries(pod, labels)),
        "readyReplicas": sum(1 for pod in active if is_ready(pod)),
        "availableReplicas": sum(
            1 for pod in active if available_in_s(pod, min_ready_s=min_ready_s, now=now) == 0
        ),
    }
    old = replica_set.get("status") or {}
    status: dict[str, Any] = {"replicas": len(active)}
    status.update({key: count for key, count in counts.items() if count})
    status[TERMINATING] = sum(1 for pod in pods if _terminates(pod))
    status["observedGeneration"] = replica_set["metadata"].get("generation", 0)
    if old.get(CONDITIONS):
        status[CONDITIONS] = copy.deepcopy(old[CONDITIONS])
    _set_failure(status, failure, now)
    return status


def next_available_s(
    replica_set: ApiObject, pods: Sequence[ApiObject], *, now: datetime
) -> float | None:
    """Return the seconds until the next ready pod becomes available, or None."""
    min_ready_s = replica_set["spec"].get("minReadySeconds") or 0
    waits = [available_in_s(pod, min_ready_s=min_ready_s, now=now) for pod in pods]
    return min((wait for wait in waits if wait), default=None)


def _carries(pod: ApiObject, labels: dict[str, str]) -> bool:
    return labels.items() <= labels_of(pod).items()


def _terminates(pod: ApiObject) -> bool:
    return is_deleting(pod) and not is_finished(pod)


def _set_failure(status: dict[str, Any], failure: Failure | None, now: datetime) -> None:
    present = condition_of(status, REPLICA_FAILURE)
    if failure is not None and present is None:
        set_condition(
            status,
            kind=REPLICA_FAILURE,
            value=True,
            reason=failure.reason,
            message=failure.message,
            now=now,
        )
    elif failure is None and present is not None:
        kept = [one for one in status[CONDITIONS] if one["type"] != REPLICA_FAILURE]
        status.pop(CONDITIONS)
        if kept:
            status[CONDITIONS] = kept
