"""The rules of Jobs. Source: k8s.io/kubernetes/pkg/apis/batch/validation."""

import copy

from paas.apimachinery.fielderrors import (
    duplicate,
    immutable,
    invalid,
    invalid_all,
    not_negative,
    not_supported,
    required,
    too_long,
    too_many,
)
from paas.apimachinery.metadata import label_selector_errors
from paas.core.errors import Cause
from paas.core.names import label_errors, qualified_errors, subdomain_errors
from paas.core.numbers import parse_whole
from paas.core.objects import ApiObject, name_of, uid_of
from paas.core.selectors import selector_from_object
from paas.core.shape import Json, maps, number, submap, text, values
from paas.orchestration.podspec import template_errors

JOB_NAME, LEGACY_JOB_NAME = "batch.kubernetes.io/job-name", "job-name"
CONTROLLER_UID, LEGACY_CONTROLLER_UID = "batch.kubernetes.io/controller-uid", "controller-uid"
_PARALLELISM_MAX = 100_000
_MANY_COMPLETIONS, _PARALLELISM_OF_MANY, _FAILED_OF_MANY = 100_000, 10_000, 10_000
_RULES_MAX, _VALUES_MAX, _PATTERNS_MAX = 20, 255, 20
_INDEXES_TEXT_MAX = 64 * 1024
_MANAGED_BY_MAX = 63
_NUMBERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_MODES = ("NonIndexed", "Indexed")
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_INDEXED = "requires indexed completion mode"


def job_errors(obj: ApiObject) -> list[Cause]:
    """Return every rule that a Job breaks."""
    spec = submap(obj, "spec")
    wrong = [*_generated_errors(obj, spec), *job_spec_errors(spec, "spec")]
    wrong += _selector_errors(spec)
    completions = number(spec, "completions")
    if text(spec, "completionMode") == "Indexed" and completions:
        hostname = f"{name_of(obj)}-{completions - 1}"
        if label_errors(hostname):
            why = f"will not able to create pod with invalid DNS label: {hostname}"
            wrong.append(invalid("metadata.name", name_of(obj), why))
    return wrong


def job_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Return what may not change of a Job."""
    spec, before = submap(new, "spec"), submap(old, "spec")
    wrong = _completions_errors(spec, before)
    wrong += immutable("spec.selector", spec.get("selector"), before.get("selector"))
    template = submap(spec, "template")
    kept = _with_scheduling(old, template)
    wrong += immutable("spec.template", template, kept)
    for field in (
        "completionMode",
        "podFailurePolicy",
        "backoffLimitPerIndex",
        "managedBy",
        "successPolicy",
    ):
        wrong += immutable(f"spec.{field}", spec.get(field), before.get(field))
    return wrong


def _generated_errors(obj: ApiObject, spec: Json) -> list[Cause]:
    """Check what the Job was given for a selector: nothing of it may contradict."""
    if spec.get("manualSelector") or spec.get("selector") is None:
        return []
    expected = {
        LEGACY_CONTROLLER_UID: uid_of(obj),
        LEGACY_JOB_NAME: name_of(obj),
        CONTROLLER_UID: uid_of(obj),
        JOB_NAME: name_of(obj),
    }
    labels, path = submap(spec, "template", "metadata", "labels"), "spec.template.metadata.labels"
    wrong: list[Cause] = []
    for key, value in expected.items():
        if key not in labels:
            wrong.append(required(f"{path}[{key}]", f"must be '{value}'"))
        elif labels[key] != value:
            wrong.append(invalid(f"{path}[{key}]", labels, f"must be '{value}'"))
    selector = submap(spec, "selector")
    fits = label_selector_errors(selector, "spec.selector") or selector_from_object(
        selector
    ).matches(expected)
    if not fits:
        wrong.append(invalid("spec.selector", selector, "`selector` not auto-generated"))
    return wrong


def _selector_errors(spec: Json) -> list[Cause]:
    if spec.get("selector") is None:
        return [required("spec.selector")]
    selector = submap(spec, "selector")
    if broken := label_selector_errors(selector, "spec.selector"):
        return broken
    labels = submap(spec, "template", "metadata", "labels")
    if selector_from_object(selector).matches(labels):
        return []
    why = "`selector` does not match template `labels`"
    return [invalid("spec.template.metadata.labels", labels, why)]


def job_spec_errors(spec: Json, path: str) -> list[Cause]:
    """Return every rule that the spec of a Job breaks, or of what is to become one."""
    wrong = [
        cause
        for field in _NUMBERS
        for cause in not_negative(f"{path}.{field}", number(spec, field))
    ]
    if (
        number(spec, "maxFailedIndexes") is not None
        and number(spec, "backoffLimitPerIndex") is None
    ):
        wrong.append(required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    wrong += _managed_by_errors(text(spec, "managedBy"), f"{path}.managedBy")
    mode = text(spec, "completionMode") or "NonIndexed"
    if mode not in _MODES:
        wrong.append(not_supported(f"{path}.completionMode", mode, _MODES))
    wrong += _indexed_errors(spec, path) if mode == "Indexed" else _plain_errors(spec, path)
    if spec.get("podFailurePolicy") is not None:
        wrong += _failure_policy_errors(spec, f"{path}.podFailurePolicy.rules")
    if spec.get("successPolicy") is not None and mode == "Indexed":
        wrong += _success_policy_errors(spec, f"{path}.successPolicy.rules")
    wrong += _replacement_errors(spec, f"{path}.podReplacementPolicy")
    wrong += template_errors(submap(spec, "template"), f"{path}.template")
    return [*wrong, *_restart_errors(spec, f"{path}.template.spec.restartPolicy")]


def _managed_by_errors(value: str, path: str) -> list[Cause]:
    if not value:
        return []
    domain, slash, rest = value.partition("/")
    wrong = invalid_all(path, domain, subdomain_errors(domain)) if slash and rest else []
    if not slash or not rest:
        why = 'must be a domain-prefixed path (such as "acme.io/foo")'
        wrong.append(invalid(path, value, why))
    return [*wrong, *([too_long(path, _MANAGED_BY_MAX)] if len(value) > _MANAGED_BY_MAX else [])]


def _indexed_errors(spec: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    completions, parallelism = number(spec, "completions"), number(spec, "parallelism") or 0
    failed = number(spec, "maxFailedIndexes")
    if completions is None:
        wrong.append(required(f"{path}.completions", "when completion mode is Indexed"))
    if parallelism > _PARALLELISM_MAX:
        why = f"must be less than or equal to {_PARALLELISM_MAX} when completion mode is Indexed"
        wrong.append(invalid(f"{path}.parallelism", parallelism, why))
    if failed is None or completions is None:
        pass
    elif failed > completions:
        why = "must be less than or equal to completions"
        wrong.append(invalid(f"{path}.maxFailedIndexes", failed, why))
    if failed is not None and failed > _PARALLELISM_MAX:
        why = f"must be less than or equal to {_PARALLELISM_MAX}"
        wrong.append(invalid(f"{path}.maxFailedIndexes", failed, why))
    many = (completions or 0) > _MANY_COMPLETIONS
    if many and number(spec, "backoffLimitPerIndex") is not None:
        wrong += _many_errors(parallelism, failed, path)
    return wrong


def _many_errors(parallelism: int, failed: int | None, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    end = f"when completions are above {_MANY_COMPLETIONS} and used with backoff limit per index"
    if failed is None:
        why = f"must be specified when completions is above {_MANY_COMPLETIONS}"
        wrong.append(required(f"{path}.maxFailedIndexes", why))
    if parallelism > _PARALLELISM_OF_MANY:
        why = f"must be less than or equal to {_PARALLELISM_OF_MANY} {end}"
        wrong.append(invalid(f"{path}.parallelism", parallelism, why))
    if failed is not None and failed > _FAILED_OF_MANY:
        why = f"must be less than or equal to {_FAILED_OF_MANY} {end}"
        wrong.append(invalid(f"{path}.maxFailedIndexes", failed, why))
    return wrong


def _plain_errors(spec: Json, path: str) -> list[Cause]:
    return [
        invalid(f"{path}.{field}", spec[field], _INDEXED)
        for field in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy")
        if spec.get(field) is not None
    ]


def _failure_policy_errors(spec: Json, path: str) -> list[Cause]:
    rules = maps(spec, "podFailurePolicy", "rules")
    wrong = [too_many(path, len(rules), _RULES_MAX)] if len(rules) > _RULES_MAX else []
    pod = submap(spec, "template", "spec")
    names = {text(one, "name") for one in (*maps(pod, "containers"), *maps(pod, "initContainers"))}
    for place, rule in enumerate(rules):
        wrong += _rule_errors(spec, rule, f"{path}[{place}]", names)
    return wrong


def _rule_errors(spec: Json, rule: Json, path: str, names: set[str]) -> list[Cause]:
    wrong: list[Cause] = []
    action, at = text(rule, "action"), f"{path}.action"
    if not action:
        offered = " ".join(f'"{one}"' for one in _ACTIONS)
        wrong.append(required(at, f"valid values: [{offered}]"))
    elif action == "FailIndex" and number(spec, "backoffLimitPerIndex") is None:
        wrong.append(invalid(at, action, "requires the backoffLimitPerIndex to be set"))
    elif action not in _ACTIONS:
        wrong.append(not_supported(at, action, _ACTIONS))
    codes, patterns = rule.get("onExitCodes"), maps(rule, "onPodConditions")
    if isinstance(codes, dict):
        wrong += _exit_code_errors(codes, f"{path}.onExitCodes", names)
    wrong += _pattern_errors(patterns, f"{path}.onPodConditions")
    if codes is not None and patterns:
        why = "specifying both OnExitCodes and OnPodConditions is not supported"
        wrong.append(Cause("FieldValueInvalid", f"Invalid value: {why}", path))
    if codes is None and not patterns:
        why = "specifying one of OnExitCodes and OnPodConditions is required"
        wrong.append(Cause("FieldValueInvalid", f"Invalid value: {why}", path))
    return wrong


def _exit_code_errors(codes: Json, path: str, names: set[str]) -> list[Cause]:
    wrong: list[Cause] = []
    operator, container = text(codes, "operator"), text(codes, "containerName")
    if not operator:
        wrong.append(required(f"{path}.operator", 'valid values: ["In" "NotIn"]'))
    elif operator not in {"In", "NotIn"}:
        wrong.append(not_supported(f"{path}.operator", operator, ("In", "NotIn")))
    if codes.get("containerName") is not None and container not in names:
        why = "must be one of the container or initContainer names in the pod template"
        wrong.append(invalid(f"{path}.containerName", container, why))
    found, at = values(codes, "values"), f"{path}.values"
    if not found:
        wrong.append(invalid(at, found, "at least one value is required"))
    elif len(found) > _VALUES_MAX:
        wrong.append(too_many(at, len(found), _VALUES_MAX))
    for place, code in enumerate(found):
        if operator == "In" and code == 0:
            wrong.append(invalid(f"{at}[{place}]", code, "must not be 0 for the In operator"))
        if code in found[:place]:
            wrong.append(duplicate(f"{at}[{place}]", code))
    if found != sorted(found):
        wrong.append(invalid(at, found, "must be ordered"))
    return wrong


def _pattern_errors(patterns: list[Json], path: str) -> list[Cause]:
    wrong: list[Cause] = []
    if len(patterns) > _PATTERNS_MAX:
        wrong.append(too_many(path, len(patterns), _PATTERNS_MAX))
    for place, pattern in enumerate(patterns):
        at, kind, status = f"{path}[{place}]", text(pattern, "type"), text(pattern, "status")
        wrong += invalid_all(f"{at}.type", kind, qualified_errors(kind))
        if status not in {"True", "False", "Unknown"}:
            wrong.append(not_supported(f"{at}.status", status, ("False", "True", "Unknown")))
    return wrong


def _success_policy_errors(spec: Json, path: str) -> list[Cause]:
    rules = maps(spec, "successPolicy", "rules")
    if not rules:
        why = "at least one rules must be specified when the successPolicy is specified"
        return [required(path, why)]
    wrong = [too_many(path, len(rules), _RULES_MAX)] if len(rules) > _RULES_MAX else []
    for place, rule in enumerate(rules):
        wrong += _success_rule_errors(rule, f"{path}[{place}]", number(spec, "completions") or 0)
    return wrong


def _success_rule_errors(rule: Json, path: str, completions: int) -> list[Cause]:
    count, indexes = number(rule, "succeededCount"), rule.get("succeededIndexes")
    if count is None and indexes is None:
        why = "at least one of succeededCount or succeededIndexes must be specified"
        return [required(path, why)]
    wrong: list[Cause] = []
    named = completions
    if isinstance(indexes, str):
        at = f"{path}.succeededIndexes"
        named, why = _parsed_indexes(indexes, completions)
        if len(indexes) > _INDEXES_TEXT_MAX:
            wrong.append(too_long(at, _INDEXES_TEXT_MAX))
        if why:
            wrong.append(invalid(at, indexes, f"error parsing succeededIndexes: {why}"))
    at = f"{path}.succeededCount"
    wrong += not_negative(at, count)
    for limit, what in (
        (completions, "the number of specified completions"),
        (named, "the number of indexes in the specified succeededIndexes field"),
    ):
        if count is not None and count > limit:
            wrong.append(invalid(at, count, f"must be less than or equal to {limit} ({what})"))
            break
    return wrong


def _parsed_indexes(given: str, completions: int) -> tuple[int, str]:
    """Return how many indexes a text names, and what is wrong with it."""
    total, before = 0, -1
    for piece in given.split(",") if given else ():
        limits = piece.split("-")
        if len(limits) > 2:  # noqa: PLR2004 -- first and last
            rule = "that an index interval can have at most two parts separated by '-'"
            return 0, f'the fragment "{piece}" violates the requirement {rule}'
        numbers: list[int] = []
        for limit in limits:
            if (index := parse_whole(limit)) is None:
                return 0, f'cannot convert string to integer for index: "{limit}"'
            if index >= completions:
                return 0, f'too large index: "{limit}"'
            numbers.append(index)
        first, last = numbers[0], numbers[-1]
        pairs = [(first, last)] * (len(numbers) - 1) + [(before, first)]
        for lower, higher in pairs:
            if lower >= higher:
                return 0, f"non-increasing order, previous: {lower}, current: {higher}"
        total, before = total + last - first + 1, last
    return total, ""


def _replacement_errors(spec: Json, path: str) -> list[Cause]:
    policy = text(spec, "podReplacementPolicy")
    offered = ("Failed",) if spec.get("podFailurePolicy") else ("Failed", "TerminatingOrFailed")
    return [] if not policy or policy in offered else [not_supported(path, policy, offered)]


def _restart_errors(spec: Json, path: str) -> list[Cause]:
    policy = text(spec, "template", "spec", "restartPolicy")
    if policy in {"", "Always"}:
        return [required(path, 'valid values: "OnFailure", "Never"')]
    if policy == "OnFailure" and spec.get("podFailurePolicy") is not None:
        why = 'only "Never" is supported when podFailurePolicy is specified'
        return [invalid(path, policy, why)]
    return []  # what is none at all the template's own rules have said


def _completions_errors(spec: Json, before: Json) -> list[Cause]:
    new, old = spec.get("completions"), before.get("completions")
    if text(spec, "completionMode") != "Indexed":
        return immutable("spec.completions", new, old)
    if new == old or new is None or new == spec.get("parallelism"):
        return []
    return [
        invalid("spec.completions", new, "can only be modified in tandem with spec.parallelism")
    ]


def _with_scheduling(old: ApiObject, template: Json) -> Json:
    """Return the old template with what of the new one may differ.

    That is where the pods are to run, while the Job is suspended and has not begun.
    """
    before = copy.deepcopy(submap(old, "spec", "template"))
    if not submap(old, "spec").get("suspend") or text(old, "status", "startTime"):
        return before
    new_pod, pod = submap(template, "spec"), before.setdefault("spec", {})
    for field in ("nodeSelector", "tolerations", "schedulingGates"):
        _take(pod, new_pod, field)
    metadata, new_metadata = before.setdefault("metadata", {}), submap(template, "metadata")
    for field in ("annotations", "labels"):
        _take(metadata, new_metadata, field)
    affinity = dict(submap(pod, "affinity"))
    _take(affinity, submap(new_pod, "affinity"), "nodeAffinity")
    pod.pop("affinity", None)
    if affinity or new_pod.get("affinity") is not None:
        pod["affinity"] = affinity
    return before


def _take(target: Json, source: Json, field: str) -> None:
    target.pop(field, None)
    if field in source:
        target[field] = source[field]
