"""Makes the Job of each start that is due, and clears old Jobs away. Source: batch/v1 CronJob."""

import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from zoneinfo import ZoneInfoNotFoundError

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, its_controller, itself
from paas.apimachinery.options import DeleteOptions
from paas.core.conditions import is_true
from paas.core.cron import Schedule, ScheduleError
from paas.core.ending import namespace_is_ending
from paas.core.errors import AlreadyExistsError, NotFoundError, PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    annotations_of,
    controller_of,
    is_deleting,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from paas.core.shape import Json, maps, text
from paas.orchestration.controllers.cronjob.plan import (
    MANY,
    SCHEDULED_AT,
    NeverDueError,
    due,
    is_too_late,
    job_name,
    job_of,
    next_start_s,
    reference_to,
    schedule_of,
    surplus,
)
from paas.orchestration.controllers.job.names import COMPLETE, FAILED, is_job_finished
from paas.orchestration.controllers.job.names import RESOURCE as JOBS

NAME = "cronjob-controller"
RESOURCE = "cronjobs.batch"


class CronJobs:
    """Reconciles one CronJob per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._now = context.now
        self._cron_jobs = context.of(RESOURCE)
        self._jobs = context.of(JOBS)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._cron_jobs, itself(RESOURCE)),
                Source(self._jobs, its_controller(RESOURCE, "CronJob")),
            ],
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Make what is due; return the seconds until the next start.

        Raises what creating or deleting a Job raised, after the status tells what was done.
        """
        cron_job = self._cron_jobs.find(key)
        if cron_job is None:
            return None
        jobs = self._jobs.controlled_by(key.uid)
        status: Json = copy.deepcopy(cron_job.get("status") or {})
        try:
            self._clean(cron_job, status, jobs)
            self._note_jobs(cron_job, status, jobs)
            return self._start({**cron_job, "status": status})
        finally:
            self._store(cron_job, status)

    def _clean(self, cron_job: ApiObject, status: Json, jobs: Sequence[ApiObject]) -> None:
        for job in surplus(cron_job, jobs):
            if not is_deleting(job):
                self._delete(cron_job, status, job)

    def _note_jobs(self, cron_job: ApiObject, status: Json, jobs: Sequence[ApiObject]) -> None:
        """Make the active list true: what runs is on it, what has ended or is gone is not.

        A Job of ours that is not on it yet was made just before a crash or a conflict.
        """
        active = {one.get("uid") for one in maps(status, "active")}
        for job in jobs:
            if not is_job_finished(job):
                if uid_of(job) not in active:
                    status["active"] = [*maps(status, "active"), reference_to(job)]
                    self._tell_stranger(cron_job, job)
                continue
            if uid_of(job) in active:
                _forget(status, uid_of(job))
                end = COMPLETE if is_true(job["status"], COMPLETE) else FAILED
                words = f"Saw completed job: {name_of(job)}, condition: {end}"
                self._events.normal(cron_job, "SawCompletedJob", words)
            _note_success(status, job)
        known = {uid_of(job) for job in jobs}
        for one in maps(status, "active"):
            if one.get("uid") not in known and self._is_gone(one):
                words = f"Active job went missing: {one.get('name')}"
                self._events.normal(cron_job, "MissingJob", words)
                _forget(status, str(one.get("uid")))

    def _tell_stranger(self, cron_job: ApiObject, job: ApiObject) -> None:
        if SCHEDULED_AT not in annotations_of(job):
            words = f"Saw a job that the controller did not create or forgot: {name_of(job)}"
            self._events.warning(cron_job, "UnexpectedJob", words)

    def _is_gone(self, reference: Json) -> bool:
        found = self._client.find(JOBS, text(reference, "name"), text(reference, "namespace"))
        return found is None or uid_of(found) != reference.get("uid")

    def _start(self, cron_job: ApiObject) -> float | None:
        if is_deleting(cron_job):
            return None
        schedule = self._schedule(cron_job)
        if schedule is None or cron_job["spec"].get("suspend"):
            return None
        now = self._now()
        try:
            found = due(cron_job, schedule, now=now)
        except NeverDueError as error:
            words = f"invalid schedule: {text(cron_job, 'spec', 'schedule')} : {error}"
            self._events.warning(cron_job, "InvalidSchedule", words)
            return None
        if found.missed > MANY:
            words = (
                "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or "
                "check clock skew"
            )
            self._events.warning(cron_job, "TooManyMissedTimes", words)
        if found.start is not None and self._may_start(cron_job, found.start, now):
            self._create(cron_job, found.start)
        return next_start_s(cron_job, schedule, now=now)

    def _schedule(self, cron_job: ApiObject) -> Schedule | None:
        try:
            return schedule_of(cron_job)
        except ScheduleError as error:
            given = text(cron_job, "spec", "schedule")
            words = f'unparseable schedule: "{given}" : {error.message}'
            self._events.warning(cron_job, "UnparseableSchedule", words)
        except (ZoneInfoNotFoundError, ValueError) as error:
            zone = text(cron_job, "spec", "timeZone")
            words = f'invalid timeZone: "{zone}": {error}'
            self._events.warning(cron_job, "UnknownTimeZone", words)
        return None

    def _may_start(self, cron_job: ApiObject, start: datetime, now: datetime) -> bool:
        active = maps(cron_job, "status", "active")
        if is_too_late(cron_job, start, now=now):
            words = f"Missed scheduled time to start a job: {_spelled(start)}"
            self._events.warning(cron_job, "MissSchedule", words)
            return False
        done = text(cron_job, "status", "lastScheduleTime") == timestamp(start)
        if done or any(one.get("name") == job_name(cron_job, start) for one in active):
            return False
        policy = text(cron_job, "spec", "concurrencyPolicy")
        if policy == "Forbid" and active:
            words = (
                "Not starting job because prior execution is running and concurrency policy is "
                "Forbid"
            )
            self._events.normal(cron_job, "JobAlreadyActive", words)
            return False
        if policy == "Replace":
            for one in active:
                self._replace(cron_job, one)
        return True

    def _replace(self, cron_job: ApiObject, reference: Json) -> None:
        job = self._client.find(JOBS, text(reference, "name"), text(reference, "namespace"))
        if job is None:
            _forget(cron_job["status"], text(reference, "uid"))
        elif (error := self._delete(cron_job, cron_job["status"], job)) is not None:
            raise error

    def _create(self, cron_job: ApiObject, start: datetime) -> None:
        status: Json = cron_job["status"]
        wanted = job_of(cron_job, start)
        try:
            job = self._client.create(wanted)
        except AlreadyExistsError:
            job = self._client.get(JOBS, name_of(wanted), namespace_of(wanted))
            owner = controller_of(job)
            known = any(one.get("uid") == uid_of(job) for one in maps(status, "active"))
            if owner is None or owner["uid"] != uid_of(cron_job) or known:
                return
        except PaasError as error:
            if not namespace_is_ending(error):
                words = f"Error creating job: {error.message}"
                self._events.warning(cron_job, "FailedCreate", words)
            raise
        else:
            self._events.normal(cron_job, "SuccessfulCreate", f"Created job {name_of(job)}")
        status["active"] = [*maps(status, "active"), reference_to(job)]
        status["lastScheduleTime"] = timestamp(start)

    def _delete(self, cron_job: ApiObject, status: Json, job: ApiObject) -> PaasError | None:
        options = DeleteOptions(uid=uid_of(job), propagation="Background")
        try:
            self._client.delete(JOBS, name_of(job), namespace_of(job), options=options)
        except NotFoundError:
            pass
        except PaasError as error:
            words = f"Deleted job: {error.message}"
            self._events.warning(cron_job, "FailedDelete", words)
            return error
        _forget(status, uid_of(job))
        self._events.normal(cron_job, "SuccessfulDelete", f"Deleted job {name_of(job)}")
        return None

    def _store(self, cron_job: ApiObject, status: Json) -> None:
        if status != (cron_job.get("status") or {}):
            self._client.update_status({**cron_job, "status": status})


def _forget(status: Json, uid: str) -> None:
    kept = [one for one in maps(status, "active") if one.get("uid") != uid]
    status.pop("active", None)
    if kept:
        status["active"] = kept


def _note_success(status: Json, job: ApiObject) -> None:
    ended = text(job, "status", "completionTime")
    if is_true(job["status"], COMPLETE) and ended > text(status, "lastSuccessfulTime"):
        status["lastSuccessfulTime"] = ended


def _spelled(moment: datetime) -> str:
    """Return Go's RFC1123Z: `Mon, 02 Jan 2006 15:04:05 +0000`."""
    return format_datetime(moment.astimezone(UTC))
