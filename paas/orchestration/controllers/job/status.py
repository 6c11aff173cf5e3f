"""A Job's status, step by step: nothing is counted twice, and no pod goes uncounted. Pure.

A pod that has ended is noted in `uncountedTerminatedPods` while its finalizer keeps it; then the
finalizer goes; then the note becomes a number. A death anywhere in between is made good.
Source: k8s.io/kubernetes/pkg/controller/job, trackJobStatusAndRemoveFinalizers.
"""

import copy
from collections.abc import Collection
from datetime import datetime
from typing import Any

from paas.core.conditions import condition_of, is_true, set_condition
from paas.core.objects import ApiObject, is_deleting, timestamp, uid_of
from paas.core.pods import phase_of
from paas.core.shape import Json, values
from paas.orchestration.controllers.job.names import (
    COMPLETE,
    FAILED,
    FAILURE_TARGET,
    SUCCESS_MET,
    SUSPENDED,
    index_of,
    is_indexed,
    is_suspended,
    is_tracked,
)
from paas.orchestration.controllers.job.plan import Ending, Tally, completions_of, is_pod_failed
from paas.orchestration.controllers.job.policies import judge

UNCOUNTED_MAX = 500
_UNCOUNTED = "uncountedTerminatedPods"
_FINAL = {FAILURE_TARGET: FAILED, SUCCESS_MET: COMPLETE}


def begun(job: ApiObject, *, now: datetime) -> Json:
    """Return a copy of the status to work on; it says when the Job began."""
    status: Json = copy.deepcopy(job.get("status") or {})
    if not status.get("startTime") and not is_suspended(job):
        status["startTime"] = timestamp(now)
    return status


def note_numbers(status: Json, *, active: int, ready: int, terminating: int) -> None:
    """Write how many pods run, are ready and are going away."""
    _put(status, "active", active)
    status["ready"], status["terminating"] = ready, terminating


def note_suspension(job: ApiObject, status: Json, *, now: datetime) -> str:
    """Keep the Suspended condition; return the reason of an event if it changed.

    A Job that goes on begins anew: its deadline counts from now.
    """
    before, suspended = is_true(status, SUSPENDED), is_suspended(job)
    if before == suspended:
        return ""
    word = "Suspended" if suspended else "Resumed"
    _condition(status, SUSPENDED, f"Job{word}", f"Job {word.lower()}", now, value=suspended)
    if not suspended:
        status["startTime"] = timestamp(now)
    return word


def note_ended(found: Tally, status: Json, ending: Ending | None) -> list[ApiObject]:
    """Note the pods that have ended; return those whose finalizer may go once this is stored."""
    job, released = found.job, list[ApiObject]()
    uncounted = _uncounted(status)
    done = found.completed
    for pod in _in_order(found):
        if not is_tracked(pod) or not _may_go(found, pod, ending):
            continue
        released.append(pod)
        if phase_of(pod) == "Succeeded":
            if not is_indexed(job):
                _add(uncounted, "succeeded", uid_of(pod))
        elif _is_lost(pod, job, ending) and _counts(job, pod):
            _add(uncounted, "failed", uid_of(pod))
        if len(uncounted["succeeded"]) + len(uncounted["failed"]) >= UNCOUNTED_MAX:
            break
    if is_indexed(job):
        _put(status, "succeeded", len(done))
        _put(status, "completedIndexes", str(done))
        if found.failed_indexes is not None:
            status["failedIndexes"] = str(found.failed_indexes)
    return released


def _in_order(found: Tally) -> list[ApiObject]:
    return sorted(found.pods, key=lambda pod: index_of(pod) or 0)


def _may_go(found: Tally, pod: ApiObject, ending: Ending | None) -> bool:
    """Say whether a pod is needed no more: it has ended, or the whole Job has.

    The last failed pod of an index stays until its successor carries its count on.
    """
    if is_deleting(found.job) or ending is not None or phase_of(pod) == "Succeeded":
        return True
    if not is_pod_failed(pod, found.job):
        return False
    return all(uid_of(kept) != uid_of(pod) for kept in found.retained.values())


def _is_lost(pod: ApiObject, job: ApiObject, ending: Ending | None) -> bool:
    """Say whether a pod has failed; of a Job that has, every pod that did not succeed."""
    return is_pod_failed(pod, job) or (ending is not None and ending.kind != SUCCESS_MET)


def _counts(job: ApiObject, pod: ApiObject) -> bool:
    if is_indexed(job):
        index = index_of(pod)
        if index is None or index >= (completions_of(job) or 0):
            return False
    return judge(job, pod).counts


def count_released(status: Json, tracked: Collection[str]) -> None:
    """Turn the notes of pods that have no finalizer any more into numbers."""
    uncounted = _uncounted(status)
    for outcome in ("succeeded", "failed"):
        kept = [uid for uid in uncounted[outcome] if uid in tracked]
        gone = len(uncounted[outcome]) - len(kept)
        if gone:
            status[outcome] = status.get(outcome, 0) + gone
        uncounted[outcome] = kept


def has_uncounted(status: Json) -> bool:
    """Say whether pods are noted that are not counted yet."""
    return any(_uncounted(status).values())


def note_ending(status: Json, ending: Ending, *, now: datetime) -> None:
    """Write how the Job is to end, before any pod is let go."""
    if not is_true(status, ending.kind):
        _condition(status, ending.kind, ending.reason, ending.message, now)


def note_end(status: Json, ending: Ending, *, now: datetime) -> None:
    """Write that the Job has ended."""
    kind = _FINAL[ending.kind]
    _condition(status, kind, ending.reason, ending.message, now)
    if kind == COMPLETE:
        status["completionTime"] = timestamp(now)


def tidied(status: Json) -> Json:
    """Return the status as it is stored: empty lists are left out, as upstream does."""
    found = dict(status)
    uncounted = {key: uids for key, uids in (found.get(_UNCOUNTED) or {}).items() if uids}
    found[_UNCOUNTED] = uncounted
    return found


def _uncounted(status: Json) -> Json:
    found: Json = status.setdefault(_UNCOUNTED, {})
    for outcome in ("succeeded", "failed"):
        found[outcome] = values(found, outcome)
    return found


def _add(uncounted: Json, outcome: str, uid: str) -> None:
    if uid not in uncounted["succeeded"] and uid not in uncounted["failed"]:
        uncounted[outcome].append(uid)


def _put(status: Json, key: str, value: Any) -> None:
    """Set a field that upstream leaves out where it is zero or empty."""
    if value:
        status[key] = value
    else:
        status.pop(key, None)


def _condition(
    status: Json, kind: str, reason: str, message: str, now: datetime, *, value: bool = True
) -> None:
    changed = set_condition(status, kind=kind, value=value, reason=reason, message=message, now=now)
    if changed:
        probed = condition_of(status, kind) or {}
        place = [one["type"] for one in status["conditions"]].index(kind)
        status["conditions"][place] = {**probed, "lastProbeTime": timestamp(now)}
