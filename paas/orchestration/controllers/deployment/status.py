"""A Deployment's status and conditions, from its ReplicaSets' statuses. Pure.

Source: apps/v1 DeploymentStatus, "Deployment status" of the Kubernetes documentation.
"""

import copy
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from paas.core.conditions import condition_of
from paas.core.objects import ApiObject, name_of, parse_timestamp, timestamp
from paas.orchestration.controllers.deployment.names import (
    AVAILABLE,
    ENOUGH,
    NO_LIMIT,
    PAUSED,
    PROGRESSING,
    REPLICA_FAILURE,
    RESUMED,
    SET_AVAILABLE,
    SET_UPDATED,
    TIMED_OUT,
    TOO_FEW,
)
from paas.orchestration.controllers.deployment.scaling import bounds_of, size_of, wanted_of

Status = dict[str, Any]


def set_condition(
    status: Status, *, kind: str, value: bool | str, reason: str, message: str, now: datetime
) -> None:
    """Set a condition in place unless its value and reason are those already."""
    old = condition_of(status, kind)
    if old and old["status"] == str(value) and old.get("reason") == reason:
        return
    moment = timestamp(now)
    same = old is not None and old["status"] == str(value)
    turned = old["lastTransitionTime"] if old and same else moment
    drop_condition(status, kind)
    status.setdefault("conditions", []).append(
        {
            "type": kind,
            "status": str(value),
            "lastUpdateTime": moment,
            "lastTransitionTime": turned,
            "reason": reason,
            "message": message,
        }
    )


def drop_condition(status: Status, kind: str) -> None:
    """Remove a condition in place."""
    kept = [one for one in status.get("conditions") or () if one["type"] != kind]
    status.pop("conditions", None)
    if kept:
        status["conditions"] = kept


def deadline_s(deployment: ApiObject) -> int | None:
    """Return spec.progressDeadlineSeconds, or None where there is none."""
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    return None if seconds is None or seconds == NO_LIMIT else int(seconds)


def note_pause(deployment: ApiObject, status: Status, *, now: datetime) -> None:
    """Tell pausing and resuming in the Progressing condition, so that its clock starts anew."""
    condition = condition_of(status, PROGRESSING)
    if deadline_s(deployment) is None or (condition and condition.get("reason") == TIMED_OUT):
        return
    paused = bool(deployment["spec"].get("paused"))
    told = condition is not None and condition.get("reason") == PAUSED
    if paused == told:
        return
    reason, message = (
        (PAUSED, "Deployment is paused") if paused else (RESUMED, "Deployment is resumed")
    )
    set_condition(
        status, kind=PROGRESSING, value="Unknown", reason=reason, message=message, now=now
    )


def counted(
    deployment: ApiObject,
    status: Status,
    current: ApiObject | None,
    old: Sequence[ApiObject],
    *,
    now: datetime,
) -> Status:
    """Return the status with fresh counts and Available; other conditions are those of `status`."""
    every = [*old, *([current] if current else [])]
    available = _sum(every, "availableReplicas")
    asked = sum(size_of(one) for one in every)
    counts = {
        "replicas": _sum(every, "replicas"),
        "updatedReplicas": _sum([current] if current else [], "replicas"),
        "readyReplicas": _sum(every, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, asked - available),
    }
    fresh: Status = {"observedGeneration": deployment["metadata"].get("generation", 0)}
    fresh.update({key: count for key, count in counts.items() if count})
    fresh["terminatingReplicas"] = _sum(every, "terminatingReplicas")
    if status.get("collisionCount") is not None:
        fresh["collisionCount"] = status["collisionCount"]
    if status.get("conditions"):
        fresh["conditions"] = copy.deepcopy(status["conditions"])
    _set_available(fresh, enough=available >= bounds_of(deployment).least_available, now=now)
    return fresh


def _sum(sets: Sequence[ApiObject], field: str) -> int:
    return sum(int((one.get("status") or {}).get(field) or 0) for one in sets)


def _set_available(status: Status, *, enough: bool, now: datetime) -> None:
    says = "has" if enough else "does not have"
    set_condition(
        status,
        kind=AVAILABLE,
        value=enough,
        reason=ENOUGH if enough else TOO_FEW,
        message=f"Deployment {says} minimum availability.",
        now=now,
    )


def is_complete(deployment: ApiObject, status: Status) -> bool:
    """Say whether every pod is of the newest template and available. Source: rollout status."""
    wanted = wanted_of(deployment)
    fields = ("updatedReplicas", "replicas", "availableReplicas")
    observed = status.get("observedGeneration", 0)
    return observed >= deployment["metadata"].get("generation", 0) and all(
        status.get(field, 0) == wanted for field in fields
    )


def has_progressed(before: Status, after: Status) -> bool:
    """Say whether a roll-out is further than it was: more new, ready or available, fewer old."""
    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    if any(after.get(field, 0) > before.get(field, 0) for field in grown):
        return True
    return _old_pods(after) < _old_pods(before)


def _old_pods(status: Status) -> int:
    return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))


def _has_timed_out(deployment: ApiObject, status: Status, now: datetime) -> bool:
    condition = condition_of(status, PROGRESSING)
    limit_s = deadline_s(deployment)
    if condition is None or limit_s is None or condition.get("reason") == SET_AVAILABLE:
        return False
    if condition.get("reason") == TIMED_OUT:
        return True
    return parse_timestamp(condition["lastUpdateTime"]) + timedelta(seconds=limit_s) < now


def judge(
    deployment: ApiObject,
    status: Status,
    current: ApiObject | None,
    old: Sequence[ApiObject],
    *,
    before: Status,
    now: datetime,
) -> None:
    """Set Progressing and ReplicaFailure in place; `before` is the status as it was stored."""
    if deadline_s(deployment) is None:
        drop_condition(status, PROGRESSING)
    elif not _was_complete(status):
        _judge_progress(deployment, status, current, before=before, now=now)
    failure = _failure_of(current, old)
    if failure is None:
        drop_condition(status, REPLICA_FAILURE)
    else:
        set_condition(
            status,
            kind=REPLICA_FAILURE,
            value=failure["status"],
            reason=failure.get("reason", ""),
            message=failure.get("message", ""),
            now=parse_timestamp(failure["lastTransitionTime"]),
        )


def _was_complete(status: Status) -> bool:
    condition = condition_of(status, PROGRESSING)
    done = condition is not None and condition.get("reason") == SET_AVAILABLE
    return done and _old_pods(status) == 0


def _judge_progress(
    deployment: ApiObject,
    status: Status,
    current: ApiObject | None,
    *,
    before: Status,
    now: datetime,
) -> None:
    what = f'ReplicaSet "{name_of(current)}"' if current else f'Deployment "{name_of(deployment)}"'
    if is_complete(deployment, status):
        done = f"{what} has successfully progressed."
        _progressing(status, True, SET_AVAILABLE, done, now)
    elif has_progressed(before, status):
        _touch_progress(status, f"{what} is progressing.", now)
    elif _has_timed_out(deployment, status, now):
        _progressing(status, False, TIMED_OUT, f"{what} has timed out progressing.", now)


def _progressing(status: Status, value: bool, reason: str, message: str, now: datetime) -> None:
    set_condition(status, kind=PROGRESSING, value=value, reason=reason, message=message, now=now)


def _touch_progress(status: Status, message: str, now: datetime) -> None:
    """Write lastUpdateTime anew, also where value and reason stay: the deadline counts from it."""
    old = condition_of(status, PROGRESSING)
    drop_condition(status, PROGRESSING)
    _progressing(status, True, SET_UPDATED, message, now)
    if old and old["status"] == "True":
        status["conditions"][-1]["lastTransitionTime"] = old["lastTransitionTime"]


def _failure_of(current: ApiObject | None, old: Sequence[ApiObject]) -> Status | None:
    for one in [*([current] if current else []), *old]:
        failure = condition_of(one.get("status") or {}, REPLICA_FAILURE)
        if failure is not None:
            return failure
    return None


def next_check_s(deployment: ApiObject, status: Status, *, now: datetime) -> float | None:
    """Return the seconds until the progress deadline should be judged again, or None."""
    condition = condition_of(status, PROGRESSING)
    limit_s = deadline_s(deployment)
    if condition is None or limit_s is None or deployment["spec"].get("paused"):
        return None
    if is_complete(deployment, status) or condition.get("reason") == TIMED_OUT:
        return None
    due = parse_timestamp(condition["lastUpdateTime"]) + timedelta(seconds=limit_s)
    return max(1.0, (due - now).total_seconds() + 1.0)
