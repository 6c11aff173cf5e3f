"""What a failed pod means for its Job, and when enough has succeeded. Pure.

Source: k8s.io/kubernetes/pkg/controller/job/{pod_failure_policy,success_policy}.go.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from paas.core.objects import ApiObject, name_of, namespace_of
from paas.core.shape import Json, maps, number, text, values
from paas.orchestration.controllers.job.indexes import Indexes, parse_indexes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the failure policy says of one pod; `fails_job` is the message if the Job is to fail."""

    counts: bool = True
    fails_index: bool = False
    fails_job: str = ""


def judge(job: ApiObject, pod: ApiObject) -> Verdict:
    """Return what the first rule that matches a failed pod makes of it; it counts without one."""
    for place, rule in enumerate(maps(job, "spec", "podFailurePolicy", "rules")):
        subject = _match(rule, pod)
        if not subject:
            continue
        action = text(rule, "action")
        if action == "Ignore":
            return Verdict(counts=False)
        if action == "FailIndex":
            return Verdict(fails_index=True)
        if action == "FailJob":
            words = f"{subject} matching {action} rule at index {place}"
            return Verdict(fails_job=words)
        return Verdict()
    return Verdict()


def _match(rule: Json, pod: ApiObject) -> str:
    """Return the beginning of the sentence that says what matched, or nothing."""
    place = f"{namespace_of(pod)}/{name_of(pod)}"
    codes = rule.get("onExitCodes")
    if isinstance(codes, dict):
        status = _by_exit_code(codes, pod)
        if status is None:
            return ""
        code = status["state"]["terminated"]["exitCode"]
        return f"Container {status['name']} for pod {place} failed with exit code {code}"
    for condition in maps(pod, "status", "conditions"):
        for pattern in maps(rule, "onPodConditions"):
            same = condition.get("type") == pattern.get("type")
            if same and condition.get("status") == pattern.get("status"):
                return f"Pod {place} has condition {condition['type']}"
    return ""


def _by_exit_code(codes: Json, pod: ApiObject) -> Json | None:
    name, listed = text(codes, "containerName"), values(codes, "values")
    for status in _statuses(pod):
        code = number(status, "state", "terminated", "exitCode")
        if not code or (name and name != text(status, "name")):
            continue
        if (code in listed) == (text(codes, "operator") == "In"):
            return status
    return None


def _statuses(pod: ApiObject) -> Iterable[Json]:
    yield from maps(pod, "status", "containerStatuses")
    yield from maps(pod, "status", "initContainerStatuses")


def success_rule_met(job: ApiObject, succeeded: Indexes) -> str:
    """Return the message of the first success rule that is met, or nothing."""
    if not succeeded.intervals:
        return ""
    completions = number(job, "spec", "completions") or 0
    for place, rule in enumerate(maps(job, "spec", "successPolicy", "rules")):
        wanted, count = text(rule, "succeededIndexes"), number(rule, "succeededCount")
        if rule.get("succeededIndexes") is not None:
            required = parse_indexes(wanted, completions)
            there = succeeded.common(required)
            met = bool(required.intervals) and (
                there == len(required) or (count is not None and there >= count)
            )
        else:
            met = count is not None and len(succeeded) >= count
        if met:
            return f"Matched rules at index {place}"
    return ""
