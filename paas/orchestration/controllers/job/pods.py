"""The pods of a Job, as they are made from its template. Pure.

Source: k8s.io/kubernetes/pkg/controller/job/{job_controller,indexed_job_utils}.go.
"""

import copy

from paas.core.objects import ApiObject, name_of
from paas.core.shape import Json, maps
from paas.orchestration.controllers.job.names import (
    FINALIZER,
    INDEX,
    INDEX_FAILURES,
    INDEX_IGNORED,
    has_limit_per_index,
)
from paas.orchestration.controllers.job.plan import failures_of
from paas.orchestration.controllers.job.policies import judge
from paas.orchestration.controllers.podcontrol import pod_from

PREFIX_MAX = 58
_VARIABLE = "JOB_COMPLETION_INDEX"


def pod_of(job: ApiObject, index: int | None, replaced: ApiObject | None = None) -> ApiObject:
    """Return a new pod; `replaced` is the failed one of the same index, whose count goes on."""
    pod = pod_from(job, job["spec"]["template"])
    data, spec = pod["metadata"], pod["spec"]
    finalizers = [one for one in data.get("finalizers") or () if one != FINALIZER]
    data["finalizers"] = [*finalizers, FINALIZER]
    if index is None:
        return pod
    notes = {INDEX: str(index)}
    if has_limit_per_index(job):
        notes |= _failure_notes(job, replaced)
    data["generateName"] = _prefix(name_of(job), f"-{index}-")
    data["labels"] = {**(data.get("labels") or {}), INDEX: str(index)}
    data["annotations"] = {**(data.get("annotations") or {}), **notes}
    spec["hostname"] = f"{name_of(job)}-{index}"
    _tell_index(spec)
    return pod


def _prefix(name: str, end: str) -> str:
    return f"{name[: PREFIX_MAX - len(end)]}{end}"


def _failure_notes(job: ApiObject, replaced: ApiObject | None) -> dict[str, str]:
    counted = ignored = 0
    if replaced is not None:
        counted, ignored = failures_of(replaced)
        if judge(job, replaced).counts:
            counted += 1
        else:
            ignored += 1
    notes = {INDEX_FAILURES: str(counted)}
    return {**notes, INDEX_IGNORED: str(ignored)} if ignored else notes


def _tell_index(spec: Json) -> None:
    """Give each container the index in its environment, unless it has such a variable."""
    source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
    for container in (*maps(spec, "initContainers"), *maps(spec, "containers")):
        env = container.setdefault("env", [])
        if not any(one.get("name") == _VARIABLE for one in env):
            env.append({"name": _VARIABLE, "valueFrom": copy.deepcopy(source)})
