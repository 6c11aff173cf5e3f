"""batch/v1 Job and CronJob.

Source: k8s.io/kubernetes/pkg/{apis/batch/v1/defaults.go,registry/batch}.
"""

from paas.apimachinery.columns import (
    AGE,
    NAME,
    NONE,
    selector_text,
)
from paas.apimachinery.kinds import Column, Kind, Since, WriteContext
from paas.core.conditions import is_true
from paas.core.durations import human_duration
from paas.core.names import subdomain_errors
from paas.core.objects import (
    ApiObject,
    is_deleting,
    labels_of,
    meta,
    name_of,
    parse_timestamp,
    uid_of,
)
from paas.core.shape import Json, default, ensure, maps, number, submap, text
from paas.orchestration.kinds.cron_job_rules import cron_job_errors, cron_job_name_errors
from paas.orchestration.kinds.job_rules import (
    CONTROLLER_UID,
    JOB_NAME,
    LEGACY_CONTROLLER_UID,
    LEGACY_JOB_NAME,
    job_errors,
    job_update_errors,
)
from paas.orchestration.kinds.workload import pods_columns
from paas.orchestration.podspec import default_template

_NO_LIMIT = 2**31 - 1
_STATES = ("Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet")


def _default_job(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    labels = submap(spec, "template", "metadata", "labels")
    if labels and not labels_of(obj):
        meta(obj)["labels"] = dict(labels)
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    default(spec, "parallelism", 1)
    per_index = spec.get("backoffLimitPerIndex") is not None
    default(spec, "backoffLimit", _NO_LIMIT if per_index else 6)
    default(spec, "completionMode", "NonIndexed")
    default(spec, "suspend", False)
    replaces = "Failed" if spec.get("podFailurePolicy") is not None else "TerminatingOrFailed"
    default(spec, "podReplacementPolicy", replaces)
    default(spec, "manualSelector", False)
    _default_pods(spec)


def _default_cron_job(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    default(spec, "concurrencyPolicy", "Allow")
    default(spec, "suspend", False)
    default(spec, "successfulJobsHistoryLimit", 3)
    default(spec, "failedJobsHistoryLimit", 1)
    _default_pods(ensure(spec, "jobTemplate", "spec"))


def _default_pods(job_spec: Json) -> None:
    for rule in maps(job_spec, "podFailurePolicy", "rules"):
        for pattern in maps(rule, "onPodConditions"):
            default(pattern, "status", "True")
    default_template(ensure(job_spec, "template"))


def _prepare_job(obj: ApiObject, _: WriteContext) -> None:
    """Give the Job its selector and its pods the labels for it, unless it brings its own."""
    obj["status"] = {}
    spec = ensure(obj, "spec")
    if spec.get("manualSelector"):
        return
    if not labels_of(obj) and (given := submap(spec, "template", "metadata", "labels")):
        meta(obj)["labels"] = dict(given)  # before ours are added
    labels = ensure(spec, "template", "metadata", "labels")
    for key, value in (
        (LEGACY_JOB_NAME, name_of(obj)),
        (JOB_NAME, name_of(obj)),
        (LEGACY_CONTROLLER_UID, uid_of(obj)),
        (CONTROLLER_UID, uid_of(obj)),
    ):
        labels.setdefault(key, value)
    ensure(spec, "selector", "matchLabels").setdefault(CONTROLLER_UID, uid_of(obj))


def _prepare_cron_job(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = {}


def _job_state(obj: ApiObject) -> str:
    status = submap(obj, "status")
    for state in _STATES:
        if state == "Suspended" and is_deleting(obj):
            return "Terminating"
        if is_true(status, state):
            return state
    return "Running"


def _completions(obj: ApiObject) -> str:
    done = number(obj, "status", "succeeded") or 0
    wanted = number(obj, "spec", "completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallelism = number(obj, "spec", "parallelism") or 0
    return f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"


def _cron_template_spec(obj: ApiObject) -> Json:
    return submap(obj, "spec", "jobTemplate", "spec", "template", "spec")


def _cron_selector(obj: ApiObject) -> str:
    return selector_text(submap(obj, "spec", "jobTemplate", "spec").get("selector"))


def _duration(obj: ApiObject) -> str:
    began, ended = text(obj, "status", "startTime"), text(obj, "status", "completionTime")
    if not began:
        return ""
    if not ended:
        return Since("", "{}", began)
    return human_duration((parse_timestamp(ended) - parse_timestamp(began)).total_seconds())


def _last_start(obj: ApiObject) -> str:
    moment = text(obj, "status", "lastScheduleTime")
    return Since(NONE, "{}", moment) if moment else NONE


JOB = Kind(
    group="batch",
    version="v1",
    kind="Job",
    plural="jobs",
    name_errors=subdomain_errors,
    schema="io.k8s.api.batch.v1.Job",
    categories=("all",),
    status=True,
    orphans_by_default=True,
    default=_default_job,
    prepare_create=_prepare_job,
    validate=job_errors,
    validate_update=job_update_errors,
    fields=lambda obj: {"status.successful": str(number(obj, "status", "succeeded") or 0)},
    columns=(
        NAME,
        Column("Status", _job_state, description="Where the Job is."),
        Column("Completions", _completions, description="Pods that succeeded, of how many wanted."),
        Column("Duration", _duration, description="How long it took, or has taken so far."),
        AGE,
        *pods_columns(),
    ),
)

CRON_JOB = Kind(
    group="batch",
    version="v1",
    kind="CronJob",
    plural="cronjobs",
    name_errors=cron_job_name_errors,
    schema="io.k8s.api.batch.v1.CronJob",
    short_names=("cj",),
    categories=("all",),
    status=True,
    orphans_by_default=True,
    default=_default_cron_job,
    prepare_create=_prepare_cron_job,
    validate=cron_job_errors,
    columns=(
        NAME,
        Column("Schedule", lambda obj: text(obj, "spec", "schedule")),
        Column("Timezone", lambda obj: text(obj, "spec", "timeZone") or NONE),
        Column("Suspend", lambda obj: str(bool(obj["spec"].get("suspend"))), "boolean"),
        Column("Active", lambda obj: len(maps(obj, "status", "active")), "integer"),
        Column("Last Schedule", _last_start),
        AGE,
        *pods_columns(_cron_selector, _cron_template_spec),
    ),
)

KINDS = (JOB, CRON_JOB)
