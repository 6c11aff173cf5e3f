"""The rules of CronJobs. Source: k8s.io/kubernetes/pkg/apis/batch/validation."""

import re
from zoneinfo import ZoneInfo

from paas.apimachinery.fielderrors import invalid, not_negative, not_supported, required
from paas.core.cron import ScheduleError, parse_schedule
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import number, submap, text
from paas.orchestration.kinds.job_rules import job_spec_errors

NAME_MAX = 52
_POLICIES = ("Allow", "Forbid", "Replace")
_ZONE_PART = re.compile(r"[A-Za-z._\-0-9+]{1,14}")


def cron_job_name_errors(name: str) -> list[str]:
    """Return what is wrong with the name of a CronJob: its Jobs get eleven characters more."""
    wrong = subdomain_errors(name)
    if len(name) > NAME_MAX:
        wrong.append(f"must be no more than {NAME_MAX} characters")
    return wrong


def cron_job_errors(obj: ApiObject) -> list[Cause]:
    """Return every rule that a CronJob breaks."""
    spec = submap(obj, "spec")
    wrong = _schedule_errors(text(spec, "schedule"))
    wrong += not_negative("spec.startingDeadlineSeconds", number(spec, "startingDeadlineSeconds"))
    wrong += _zone_errors(spec.get("timeZone"))
    policy = text(spec, "concurrencyPolicy")
    if policy not in _POLICIES:
        wrong.append(not_supported("spec.concurrencyPolicy", policy, _POLICIES))
    job_spec, path = submap(spec, "jobTemplate", "spec"), "spec.jobTemplate.spec"
    wrong += job_spec_errors(job_spec, path)
    if job_spec.get("selector") is not None:
        why = "`selector` will be auto-generated"
        wrong.append(invalid(f"{path}.selector", job_spec["selector"], why))
    if job_spec.get("manualSelector"):
        wrong.append(not_supported(f"{path}.manualSelector", True, ("nil", "false")))
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        wrong += not_negative(f"spec.{field}", number(spec, field))
    return wrong


def _schedule_errors(schedule: str) -> list[Cause]:
    path = "spec.schedule"
    if not schedule:
        return [required(path)]
    if "TZ" in schedule:
        why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [invalid(path, schedule, why)]
    try:
        parse_schedule(schedule)
    except ScheduleError as error:
        return [invalid(path, schedule, error.message)]
    return []


def _zone_errors(zone: object) -> list[Cause]:
    path = "spec.timeZone"
    if zone is None or not isinstance(zone, str):
        return []
    if not zone:
        return [invalid(path, zone, "timeZone must be nil or non-empty string")]
    for part in zone.split("/"):
        if part in {".", ".."} or part.startswith("-") or not _ZONE_PART.fullmatch(part):
            return [invalid(path, zone, f"unknown time zone {zone}")]
    if zone.lower() == "local":
        where = "https://www.iana.org/time-zones"
        return [
            invalid(path, zone, f"timeZone must be an explicit time zone as defined in {where}")
        ]
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError):  # KeyError: what is not there
        return [invalid(path, zone, f"unknown time zone {zone}")]
    return []
