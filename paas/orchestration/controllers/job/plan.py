"""What a Job's pods amount to, whether it has ended, and which pods to make or remove. Pure.

Source: k8s.io/kubernetes/pkg/controller/job/job_controller.go, syncJob and manageJob.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from paas.core.conditions import condition_of
from paas.core.numbers import parse_whole
from paas.core.objects import (
    ApiObject,
    annotations_of,
    is_deleting,
    parse_timestamp,
    uid_of,
)
from paas.core.pods import (
    container_statuses,
    is_active,
    is_finished,
    phase_of,
)
from paas.core.shape import number, text, values
from paas.orchestration.controllers.job.backoff import Failures, finished_at
from paas.orchestration.controllers.job.indexes import Indexes, parse_indexes
from paas.orchestration.controllers.job.names import (
    FAILURE_TARGET,
    INDEX_FAILURES,
    INDEX_IGNORED,
    SUCCESS_MET,
    has_limit_per_index,
    index_of,
    is_indexed,
    is_suspended,
    is_tracked,
    replaces_only_failed,
)
from paas.orchestration.controllers.job.policies import judge, success_rule_met
from paas.orchestration.controllers.replicaset.plan import deletion_order

PODS_PER_STEP = 500


@dataclass(frozen=True, slots=True)
class Ending:
    """How the Job is to end: `kind` is FailureTarget or SuccessCriteriaMet."""

    kind: str
    reason: str
    message: str


@dataclass(slots=True)
class Tally:
    """What the pods of a Job amount to now. `retained` maps an index to its last failed pod."""

    job: ApiObject
    pods: list[ApiObject]
    active: list[ApiObject]
    terminating: int
    new_succeeded: list[ApiObject]
    new_failed: list[ApiObject]
    succeeded: int
    failed: int
    completed: Indexes = field(default_factory=Indexes)
    failed_indexes: Indexes | None = None
    retained: dict[int, ApiObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """One step: pods to remove, or how many to make (of these indexes), or how long to wait."""

    remove: tuple[ApiObject, ...] = ()
    create: int = 0
    indexes: tuple[int, ...] = ()
    wait_s: float | None = None


def is_pod_failed(pod: ApiObject, job: ApiObject) -> bool:
    """Say whether a pod counts as failed; one that is deleted does, unless it may end first."""
    if phase_of(pod) == "Failed":
        return True
    return not replaces_only_failed(job) and is_deleting(pod) and phase_of(pod) != "Succeeded"


def tally(job: ApiObject, pods: Sequence[ApiObject]) -> Tally:
    """Count a Job's pods, and what its status has counted before."""
    status = job.get("status") or {}
    waiting = {
        outcome: set(values(status, "uncountedTerminatedPods", outcome))
        for outcome in ("succeeded", "failed")
    }
    valid = [pod for pod in pods if is_tracked(pod) and _has_place(pod, job)]
    succeeded = [
        pod
        for pod in valid
        if phase_of(pod) == "Succeeded" and uid_of(pod) not in waiting["succeeded"]
    ]
    failed = [
        pod for pod in valid if is_pod_failed(pod, job) and uid_of(pod) not in waiting["failed"]
    ]
    counted = sum(1 for pod in failed if judge(job, pod).counts)
    found = Tally(
        job=job,
        pods=list(pods),
        active=[pod for pod in pods if is_active(pod)],
        terminating=sum(1 for pod in pods if is_deleting(pod) and not is_finished(pod)),
        new_succeeded=succeeded,
        new_failed=failed,
        succeeded=_count(status, "succeeded") + len(succeeded) + len(waiting["succeeded"]),
        failed=_count(status, "failed") + counted + len(waiting["failed"]),
    )
    if is_indexed(job):
        _tally_indexes(found, valid)
    return found


def _tally_indexes(found: Tally, valid: Iterable[ApiObject]) -> None:
    job, limit = found.job, completions_of(found.job) or 0
    before = parse_indexes(text(job, "status", "completedIndexes"), limit)
    done = (index_of(pod) for pod in valid if phase_of(pod) == "Succeeded")
    found.completed = before.with_all(index for index in done if index is not None)
    found.succeeded = len(found.completed)
    if not has_limit_per_index(job):
        return
    failed = parse_indexes(text(job, "status", "failedIndexes"), limit)
    lost = (index_of(pod) for pod in valid if _fails_index(job, pod))
    found.failed_indexes = failed.with_all(index for index in lost if index is not None)
    running = {index_of(pod) for pod in found.active}
    for pod in valid:
        index = index_of(pod)
        if index is None or index in running or not is_pod_failed(pod, job):
            continue
        if index in found.completed or index in found.failed_indexes:
            continue
        known = found.retained.get(index)
        if known is None or _is_later(pod, known):
            found.retained[index] = pod


def _has_place(pod: ApiObject, job: ApiObject) -> bool:
    if not is_indexed(job):
        return True
    index = index_of(pod)
    return index is not None and index < (completions_of(job) or 0)


def _fails_index(job: ApiObject, pod: ApiObject) -> bool:
    if not is_pod_failed(pod, job):
        return False
    verdict = judge(job, pod)
    limit = number(job, "spec", "backoffLimitPerIndex") or 0
    return verdict.fails_index or (verdict.counts and failures_of(pod)[0] >= limit)


def _is_later(pod: ApiObject, known: ApiObject) -> bool:
    more = sum(failures_of(pod)) >= sum(failures_of(known))
    return more and finished_at(pod) >= finished_at(known)


def failures_of(pod: ApiObject) -> tuple[int, int]:
    """Return how often pods of this pod's index failed before it: counted, and ignored."""
    notes = annotations_of(pod)
    counted, ignored = (parse_whole(notes.get(key, "")) for key in (INDEX_FAILURES, INDEX_IGNORED))
    return counted or 0, ignored or 0


def ending(found: Tally, *, now: datetime) -> Ending | None:
    """Return how the Job ends by what its pods and its deadline say, or None while it goes on.

    That enough pods have succeeded is not decided here: it needs to be known what still runs.
    """
    job = found.job
    status = job.get("status") or {}
    for kind in (SUCCESS_MET, FAILURE_TARGET):
        decided = condition_of(status, kind) or {}
        if decided.get("status") == "True":
            return Ending(kind, decided.get("reason", ""), decided.get("message", ""))
    return (
        _failed_by_policy(found)
        or _failed_by_limit(found, now)
        or _failed_by_indexes(found)
        or _succeeded_by_policy(found)
    )


def _failed_by_policy(found: Tally) -> Ending | None:
    for pod in found.pods:
        if is_pod_failed(pod, found.job) and (words := judge(found.job, pod).fails_job):
            return Ending(FAILURE_TARGET, "PodFailurePolicy", words)
    return None


def _failed_by_limit(found: Tally, now: datetime) -> Ending | None:
    job = found.job
    if found.failed > _count(job["spec"], "backoffLimit") or _restarted_too_often(found):
        words = "Job has reached the specified backoff limit"
        return Ending(FAILURE_TARGET, "BackoffLimitExceeded", words)
    left_s = deadline_left_s(job, now=now)
    if left_s is not None and left_s <= 0:
        words = "Job was active longer than specified deadline"
        return Ending(FAILURE_TARGET, "DeadlineExceeded", words)
    return None


def _restarted_too_often(found: Tally) -> bool:
    spec = found.job["spec"]
    if text(spec, "template", "spec", "restartPolicy") != "OnFailure":
        return False
    running = [pod for pod in found.pods if phase_of(pod) in {"Running", "Pending"}]
    restarts: int = sum(
        one.get("restartCount", 0) for pod in running for one in container_statuses(pod)
    )
    limit = _count(spec, "backoffLimit")
    return restarts >= limit if limit else restarts > 0


def _failed_by_indexes(found: Tally) -> Ending | None:
    if found.failed_indexes is None:
        return None
    lost, most = len(found.failed_indexes), number(found.job, "spec", "maxFailedIndexes")
    if most is not None and lost > most:
        words = "Job has exceeded the specified maximal number of failed indexes"
        return Ending(FAILURE_TARGET, "MaxFailedIndexesExceeded", words)
    if lost and lost + len(found.completed) >= (completions_of(found.job) or 0):
        return Ending(FAILURE_TARGET, "FailedIndexes", "Job has failed indexes")
    return None


def _succeeded_by_policy(found: Tally) -> Ending | None:
    if is_indexed(found.job) and (words := success_rule_met(found.job, found.completed)):
        return Ending(SUCCESS_MET, "SuccessPolicy", words)
    return None


def completed(found: Tally, active: int) -> Ending | None:
    """Return the good end if enough pods have succeeded and none of `active` runs any more."""
    wanted = completions_of(found.job)
    enough = found.succeeded > 0 if wanted is None else found.succeeded >= wanted
    if not enough or active:
        return None
    return Ending(SUCCESS_MET, "CompletionsReached", "Reached expected number of succeeded pods")


def deadline_left_s(job: ApiObject, *, now: datetime) -> float | None:
    """Return the seconds until the active deadline passes; None where none runs."""
    limit_s, started = (
        number(job, "spec", "activeDeadlineSeconds"),
        text(job, "status", "startTime"),
    )
    if limit_s is None or not started or is_suspended(job):
        return None
    return (parse_timestamp(started) + timedelta(seconds=limit_s) - now).total_seconds()


def completions_of(job: ApiObject) -> int | None:
    """Return spec.completions; None for a Job that ends with its first success."""
    return number(job, "spec", "completions")


def plan(found: Tally, failures: Failures, *, now: datetime) -> Plan:
    """Compare how many pods should run with those that do."""
    job, active = found.job, len(found.active)
    if is_suspended(job):
        return Plan(remove=tuple(_surplus(found, active, now)))
    wanted = _wanted(found)
    remove = _surplus(found, max(active - wanted, 0), now)
    if remove:
        return Plan(remove=tuple(remove[:PODS_PER_STEP]))
    going = found.terminating if replaces_only_failed(job) else 0
    lacking = min(wanted - going - active, PODS_PER_STEP)
    if lacking <= 0:
        return Plan()
    if not is_indexed(job):
        left_s = failures.left_s(now)
        return Plan(wait_s=left_s) if left_s else Plan(create=lacking)
    return _plan_indexes(found, lacking, failures, now)


def _plan_indexes(found: Tally, lacking: int, failures: Failures, now: datetime) -> Plan:
    indexes = list(islice(_pending(found), lacking))
    if not has_limit_per_index(found.job):
        left_s = failures.left_s(now)
        return Plan(wait_s=left_s) if left_s else Plan(create=len(indexes), indexes=tuple(indexes))
    waits = {index: _index_left_s(found.retained.get(index), now) for index in indexes}
    ready = tuple(index for index in indexes if not waits[index])
    if ready or not waits:
        return Plan(create=len(ready), indexes=ready)
    return Plan(wait_s=min(waits.values()))


def _index_left_s(last: ApiObject | None, now: datetime) -> float:
    if last is None:
        return 0.0
    return Failures(sum(failures_of(last)) + 1, finished_at(last)).left_s(now)


def _pending(found: Tally) -> Iterable[int]:
    """Yield the indexes that have no pod and no end yet, in order."""
    taken = [index_of(pod) for pod in found.active]
    if replaces_only_failed(found.job):
        taken += [index_of(pod) for pod in found.pods if is_deleting(pod) and not is_finished(pod)]
    busy = found.completed.with_all(index for index in taken if index is not None)
    if found.failed_indexes is not None:
        busy = busy.merged(found.failed_indexes)
    return busy.missing(completions_of(found.job) or 0)


def _wanted(found: Tally) -> int:
    """Return how many pods should run."""
    parallelism, wanted = number(found.job, "spec", "parallelism"), completions_of(found.job)
    parallelism = 1 if parallelism is None else parallelism
    if wanted is None:
        return len(found.active) if found.succeeded else parallelism
    return max(min(wanted - found.succeeded, parallelism), 0)


def _surplus(found: Tally, least: int, now: datetime) -> list[ApiObject]:
    """Return at least so many pods to remove, those least missed first.

    Of an indexed Job all without a place and all but the best of one index go anyway.
    """
    left, remove = list(found.active), list[ApiObject]()
    if is_indexed(found.job):
        remove, left = _doubles(found, now)
    lacking = least - len(remove)
    if lacking > 0:
        remove += deletion_order(left, related=left, now=now)[:lacking]
    return remove


def _doubles(found: Tally, now: datetime) -> tuple[list[ApiObject], list[ApiObject]]:
    remove: list[ApiObject] = []
    left: list[ApiObject] = []
    by_index: dict[int, list[ApiObject]] = defaultdict(list)
    for pod in found.active:
        index = index_of(pod)
        if index is None or not _has_place(pod, found.job):
            remove.append(pod)
        else:
            by_index[index].append(pod)
    for pods in by_index.values():
        *worse, best = deletion_order(pods, related=pods, now=now)
        remove += worse
        left.append(best)
    return remove, left


def _count(obj: ApiObject, field_name: str) -> int:
    return number(obj, field_name) or 0
