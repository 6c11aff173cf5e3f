"""Which start of a CronJob is due, what its Jobs say of it, and the Job of a start. Pure.

Source: k8s.io/kubernetes/pkg/controller/cronjob/{utils,cronjob_controllerv2}.go.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from paas.core.conditions import is_true
from paas.core.cron import Schedule, parse_schedule
from paas.core.objects import (
    ApiObject,
    name_of,
    namespace_of,
    owner_reference,
    parse_timestamp,
    uid_of,
)
from paas.core.shape import Json, number, submap, text
from paas.orchestration.controllers.job.names import COMPLETE, FAILED

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MANY = 100
MARGIN_S = 0.1
"""Added to the wait for the next start, against clocks that differ."""

_MINUTE_S = 60


class NeverDueError(ValueError):
    """A schedule that can be read, but names no day there is."""


@dataclass(frozen=True, slots=True)
class Due:
    """The latest start that has not been made; None where none is due. `missed` is how many are."""

    earliest: datetime
    start: datetime | None = None
    missed: int = 0


def schedule_of(cron_job: ApiObject) -> Schedule:
    """Return the schedule in its time zone. Raises ScheduleError, ZoneInfoNotFoundError."""
    zone = text(cron_job, "spec", "timeZone")
    return parse_schedule(text(cron_job, "spec", "schedule"), ZoneInfo(zone) if zone else UTC)


def due(cron_job: ApiObject, schedule: Schedule, *, now: datetime, deadline: bool = True) -> Due:
    """Return the start to make now. Raises NeverDueError.

    `deadline` leaves out what lies before the startingDeadlineSeconds.
    """
    last = text(cron_job, "status", "lastScheduleTime")
    earliest = parse_timestamp(last or text(cron_job, "metadata", "creationTimestamp"))
    limit_s = number(cron_job, "spec", "startingDeadlineSeconds")
    if deadline and limit_s is not None:
        earliest = max(earliest, now - timedelta(seconds=limit_s))
    first = schedule.next_after(earliest)
    second = schedule.next_after(first) if first is not None else None
    if first is None or second is None:
        raise NeverDueError("time difference between two schedules is less than 1 second")
    if now < first:
        return Due(earliest)
    if now < second:
        return Due(earliest, first, missed=0)
    apart = second - first
    missed = int((now - first) / apart) + 1
    start, here = first, schedule.next_after(first + (missed - 2) * apart)
    while here is not None and here <= now:
        start, here = here, schedule.next_after(here)
    return Due(earliest, start, missed)


def next_start_s(cron_job: ApiObject, schedule: Schedule, *, now: datetime) -> float:
    """Return the seconds until the CronJob is to be looked at again."""
    try:
        found = due(cron_job, schedule, now=now, deadline=False)
    except NeverDueError:
        found = Due(now)
    start = schedule.next_after(found.start or (now if found.missed else found.earliest))
    if start is None:
        return timedelta(days=1).total_seconds()
    return max((start - now).total_seconds(), 0.0) + MARGIN_S


def is_too_late(cron_job: ApiObject, start: datetime, *, now: datetime) -> bool:
    """Say whether a start has missed its deadline."""
    limit_s = number(cron_job, "spec", "startingDeadlineSeconds")
    return limit_s is not None and start + timedelta(seconds=limit_s) < now


def job_name(cron_job: ApiObject, start: datetime) -> str:
    """Return the name of the Job of a start: one name for one start, whoever makes it."""
    return f"{name_of(cron_job)}-{int(start.timestamp()) // _MINUTE_S}"


def job_of(cron_job: ApiObject, start: datetime) -> ApiObject:
    """Return the Job of a start."""
    template = submap(cron_job, "spec", "jobTemplate")
    zone = text(cron_job, "spec", "timeZone")
    moment = start.astimezone(ZoneInfo(zone) if zone else UTC)
    annotations = dict(submap(template, "metadata", "annotations"))
    annotations[SCHEDULED_AT] = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    metadata: Json = {
        "name": job_name(cron_job, start),
        "namespace": namespace_of(cron_job),
        "annotations": annotations,
        "ownerReferences": [owner_reference(cron_job)],
    }
    if labels := submap(template, "metadata", "labels"):
        metadata["labels"] = dict(labels)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": copy.deepcopy(submap(template, "spec")),
    }


def reference_to(job: ApiObject) -> Json:
    """Return the entry of status.active for a Job."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": name_of(job),
        "namespace": namespace_of(job),
        "uid": uid_of(job),
        "resourceVersion": str(job["metadata"].get("resourceVersion", "")),
    }


def surplus(cron_job: ApiObject, jobs: Sequence[ApiObject]) -> list[ApiObject]:
    """Return the ended Jobs that the history limits leave no place for, oldest first."""
    found: list[ApiObject] = []
    for kind, field in (
        (COMPLETE, "successfulJobsHistoryLimit"),
        (FAILED, "failedJobsHistoryLimit"),
    ):
        limit = number(cron_job, "spec", field)
        ended = [job for job in jobs if is_true(job.get("status") or {}, kind)]
        if limit is not None and len(ended) > limit:
            found += sorted(ended, key=_begun)[: len(ended) - limit]
    return found


def _begun(job: ApiObject) -> tuple[bool, str, str]:
    started = text(job, "status", "startTime")
    return not started, started, name_of(job)
