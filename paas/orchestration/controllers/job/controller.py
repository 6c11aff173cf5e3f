"""Runs the pods of each Job to its end. Source: batch/v1 Job."""

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import (
    Controller,
    Source,
    itself,
    key_of,
)
from paas.core.errors import NotFoundError, PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    controller_of,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.pods import ORPHANS, is_ready
from paas.core.shape import Json
from paas.orchestration.controllers.job import status as statuses
from paas.orchestration.controllers.job.backoff import Failures
from paas.orchestration.controllers.job.names import (
    FAILURE_TARGET,
    FINALIZER,
    RESOURCE,
    is_job_finished,
    is_ours,
    is_tracked,
)
from paas.orchestration.controllers.job.plan import (
    Ending,
    Plan,
    Tally,
    completed,
    completions_of,
    deadline_left_s,
    ending,
    plan,
    tally,
)
from paas.orchestration.controllers.job.pods import pod_of
from paas.orchestration.controllers.ownership import Children, Rules
from paas.orchestration.controllers.podcontrol import PodControl
from paas.orchestration.controllers.replicaset.plan import batches

NAME = "job-controller"
ORPHANS_NAME = "job-orphan-pods"


def _tracked_pods(pod: ApiObject) -> Iterable[ObjectKey]:
    return (key_of(pod, "pods"),) if is_tracked(pod) else ()


@dataclass(slots=True)
class _Outcome:
    """What is left running after a step, and what went wrong with it."""

    active: list[ApiObject]
    made: int = 0
    removed: int = 0
    error: PaasError | None = None


class Jobs:
    """Reconciles one Job per call. How often pods failed in a row is kept in memory only."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._control = PodControl(self._client, self._events)
        self._now = context.now
        self._jobs = context.of(RESOURCE)
        self._pods = context.of("pods")
        rules = Rules(finalizer=FINALIZER)
        self._children = Children(self._client, self._jobs, "Job", self._pods, rules)
        self._failures: dict[str, Failures] = {}

    def controllers(self) -> list[Controller]:
        """Return the declarations for the engine: of Jobs, and of pods that lost theirs."""
        return [
            Controller(
                NAME,
                self.reconcile,
                [
                    Source(self._jobs, itself(RESOURCE)),
                    Source(self._pods, self._children.owners_of),
                ],
                workers=2,
            ),
            Controller(
                ORPHANS_NAME,
                self.release,
                [Source(self._pods, _tracked_pods), Source(self._jobs, self._pods_of)],
            ),
        ]

    def reconcile(self, key: ObjectKey) -> float | None:
        """Move one Job one step on; return the seconds until time alone changes something.

        Raises what creating or removing a pod raised, after the status tells what was done.
        """
        job = self._jobs.find(key)
        if job is None or is_job_finished(job):
            self._failures.pop(key.uid, None)
            return None
        if not is_ours(job):
            return None
        now = self._now()
        status = statuses.begun(job, now=now)
        found = tally({**job, "status": status}, self._children.of(job))
        failures = self._failures.get(key.uid, Failures()).after(
            found.new_succeeded, found.new_failed
        )
        end, wait_s = ending(found, now=now), None
        if end is not None:
            outcome = self._remove(job, found.active, found)
            if outcome.error is not None or outcome.removed != len(found.active):
                end = None
        elif is_deleting(job):
            outcome = _Outcome(found.active)
        else:
            todo = plan(found, failures, now=now)
            outcome, wait_s = self._act(found, todo), todo.wait_s
            end = completed(found, len(outcome.active) + outcome.made)
            if end is None and (word := statuses.note_suspension(job, status, now=now)):
                self._events.normal(job, word, f"Job {word.lower()}")
        self._note_numbers(status, found, outcome)
        self._track(job, status, found, end)
        self._failures[key.uid] = failures
        if outcome.error is not None:
            raise outcome.error
        waits = [wait_s, deadline_left_s({**job, "status": status}, now=now)]
        return min((math.ceil(one) for one in waits if one is not None), default=None)

    def release(self, key: ObjectKey) -> None:
        """Let go of a pod that no Job counts any more, so that it can be deleted."""
        pod = self._pods.find(key)
        if pod is None or not is_tracked(pod):
            return
        owner = controller_of(pod)
        if owner is None:
            if not any(self._children.owners_of(pod)):
                self._let_go(pod)
        elif owner["kind"] == "Job" and owner["apiVersion"] == "batch/v1":
            owner_key = ObjectKey(RESOURCE, namespace_of(pod), owner["name"], owner["uid"])
            job = self._jobs.find(owner_key)
            if job is None or (is_job_finished(job) and is_ours(job)):
                self._let_go(pod)

    def _pods_of(self, job: ApiObject) -> Iterable[ObjectKey]:
        """Name its pods, and those that it let go: they waited while it might adopt them again."""
        orphans = self._pods.by_index(ORPHANS, namespace_of(job))
        return [
            *(key_of(pod, "pods") for pod in self._pods.controlled_by(uid_of(job))),
            *(key_of(pod, "pods") for pod in orphans if is_tracked(pod)),
        ]

    # -- pods ----------------------------------------------------------------------------------

    def _act(self, found: Tally, todo: Plan) -> _Outcome:
        if todo.remove:
            return self._remove(found.job, todo.remove, found, uncounted=True)
        outcome = _Outcome(found.active)
        indexes: list[int | None] = [*todo.indexes]
        indexes += [None] * (todo.create - len(indexes))
        for size in batches(todo.create):
            chosen, indexes = indexes[:size], indexes[size:]
            errors = [self._create(found, index) for index in chosen]
            outcome.made += errors.count(None)
            outcome.error = next((error for error in errors if error is not None), None)
            if outcome.error is not None:
                break
        return outcome

    def _create(self, found: Tally, index: int | None) -> PaasError | None:
        replaced = None if index is None else found.retained.get(index)
        return self._control.create(found.job, pod_of(found.job, index, replaced))

    def _remove(
        self,
        job: ApiObject,
        pods: Sequence[ApiObject],
        found: Tally,
        *,
        uncounted: bool = False,
    ) -> _Outcome:
        """Delete pods; `uncounted` ones are taken for superfluous, not for failed."""
        gone: list[str] = []
        outcome = _Outcome(found.active)
        for pod in pods:
            if uncounted:
                self._let_go(pod)
            error = self._control.delete(job, pod)
            outcome.error = outcome.error or error
            if error is None:
                gone.append(uid_of(pod))
        outcome.active = [pod for pod in found.active if uid_of(pod) not in gone]
        outcome.removed = len(gone)
        return outcome

    def _let_go(self, pod: ApiObject) -> None:
        """Take our finalizer off a pod that is counted, or that nobody counts."""
        if not is_tracked(pod):
            return
        with suppress(NotFoundError):
            self._client.remove_finalizer("pods", name_of(pod), namespace_of(pod), FINALIZER)

    # -- status --------------------------------------------------------------------------------

    def _note_numbers(self, status: Json, found: Tally, outcome: _Outcome) -> None:
        statuses.note_numbers(
            status,
            active=len(outcome.active) + outcome.made,
            ready=sum(1 for pod in outcome.active if is_ready(pod)),
            terminating=found.terminating + outcome.removed,
        )

    def _track(self, job: ApiObject, status: Json, found: Tally, end: Ending | None) -> None:
        """Store what is known, let counted pods go, and store the end once nothing is left."""
        now = self._now()
        tracked = {uid_of(pod) for pod in found.pods if is_tracked(pod)}
        statuses.count_released(status, tracked)
        released = statuses.note_ended(found, status, end)
        if end is not None:
            statuses.note_ending(status, end, now=now)
        job = self._store(job, status)
        for pod in released:
            self._let_go(pod)
            tracked.discard(uid_of(pod))
        statuses.count_released(status, tracked)
        is_over = end is not None and not statuses.has_uncounted(status)
        if end is not None and is_over and not status["terminating"]:
            statuses.note_end(status, end, now=now)
            self._tell_end(job, status, end)
        self._store(job, status)

    def _store(self, job: ApiObject, status: Json) -> ApiObject:
        wanted = statuses.tidied(status)
        if wanted == (job.get("status") or {}):
            return job
        return self._client.update_status({**job, "status": wanted})

    def _tell_end(self, job: ApiObject, status: Json, end: Ending) -> None:
        if end.kind == FAILURE_TARGET:
            self._events.warning(job, end.reason, end.message)
            return
        wanted = completions_of(job)
        if wanted is not None and status.get("succeeded", 0) > wanted:
            words = "Too many succeeded pods running after completion count reached"
            self._events.warning(job, "TooManySucceededPods", words)
        self._events.normal(job, "Completed", "Job completed")
