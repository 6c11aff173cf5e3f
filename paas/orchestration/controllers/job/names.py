"""What of a Job everybody calls the same. Source: k8s.io/api/batch/v1/types.go."""

from paas.core.conditions import is_true
from paas.core.numbers import parse_whole
from paas.core.objects import ApiObject, annotations_of
from paas.core.shape import number, text

RESOURCE = "jobs.batch"
FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
CONTROLLER = "kubernetes.io/job-controller"
COMPLETE, FAILED, SUSPENDED = "Complete", "Failed", "Suspended"
FAILURE_TARGET, SUCCESS_MET = "FailureTarget", "SuccessCriteriaMet"


def is_indexed(job: ApiObject) -> bool:
    """Say whether each pod has an index of its own."""
    return text(job, "spec", "completionMode") == "Indexed"


def is_job_finished(job: ApiObject) -> bool:
    """Say whether it is Complete or Failed, for good."""
    status = job.get("status") or {}
    return is_true(status, COMPLETE) or is_true(status, FAILED)


def is_ours(job: ApiObject) -> bool:
    """Say whether the built-in controller runs it, and not one that spec.managedBy names."""
    return text(job, "spec", "managedBy") in {"", CONTROLLER}


def is_suspended(job: ApiObject) -> bool:
    """Say whether no pod of it is to run now."""
    return job["spec"].get("suspend") is True


def replaces_only_failed(job: ApiObject) -> bool:
    """Say whether a pod that is going away counts as failed only when it has ended."""
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or bool(spec.get("podFailurePolicy"))


def has_limit_per_index(job: ApiObject) -> bool:
    """Say whether each index fails on its own."""
    return number(job, "spec", "backoffLimitPerIndex") is not None


def index_of(pod: ApiObject) -> int | None:
    """Return the pod's completion index; None where it has none."""
    return parse_whole(annotations_of(pod).get(INDEX, ""))


def is_tracked(pod: ApiObject) -> bool:
    """Say whether the pod's end is still to be counted."""
    return FINALIZER in (pod["metadata"].get("finalizers") or ())
