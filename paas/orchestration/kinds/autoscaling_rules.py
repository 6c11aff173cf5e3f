"""The rules of HorizontalPodAutoscalers. Source: k8s.io/kubernetes/pkg/apis/autoscaling/validation.

Rules that upstream forgives where an old object broke them already have no such exception here:
no object that breaks one has ever been stored.
"""

from collections.abc import Callable

from paas.apimachinery.fielderrors import (
    forbidden,
    invalid,
    invalid_all,
    not_negative,
    not_supported,
    required,
)
from paas.core.errors import Cause
from paas.core.names import label_errors, path_segment_errors
from paas.core.objects import ApiObject
from paas.core.quantities import parse_quantity
from paas.core.shape import Json, maps, number, submap, text
from paas.orchestration.podspec.resources import container_resource_errors

PERIOD_MAX_S = 1800
STABILIZATION_MAX_S = 3600
SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
"""The field that describes each type of metric."""
_POLICIES = ("Disabled", "Max", "Min")
_POLICY_TYPES = ("Percent", "Pods")
_TARGET_TYPES = ("Utilization", "Value", "AverageValue")


def autoscaler_errors(obj: ApiObject) -> list[Cause]:
    """Return every rule that an autoscaling/v2 HorizontalPodAutoscaler breaks."""
    spec = submap(obj, "spec")
    least, most = number(spec, "minReplicas"), number(spec, "maxReplicas") or 0
    wrong: list[Cause] = []
    if least is not None and least < 1:
        wrong.append(invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        wrong.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if least is not None and most < least:
        why = "must be greater than or equal to `minReplicas`"
        wrong.append(invalid("spec.maxReplicas", most, why))
    target, path = submap(spec, "scaleTargetRef"), "spec.scaleTargetRef"
    grouped = text(target, "kind") != "ReplicationController"
    wrong += _reference_errors(target, path, needs_group=grouped)
    for position, metric in enumerate(maps(spec, "metrics")):
        wrong += _metric_errors(metric, f"spec.metrics[{position}]")
    for direction in ("scaleUp", "scaleDown"):
        rules = submap(spec, "behavior").get(direction)
        if isinstance(rules, dict):
            wrong += _scaling_errors(rules, f"spec.behavior.{direction}")
    return wrong


def status_errors(obj: ApiObject) -> list[Cause]:
    """Return the rules that a status breaks."""
    wrong: list[Cause] = []
    for field in ("currentReplicas", "desiredReplicas"):
        wrong += not_negative(f"status.{field}", number(obj, "status", field))
    return wrong


def _reference_errors(reference: Json, path: str, *, needs_group: bool) -> list[Cause]:
    wrong: list[Cause] = []
    for field in ("kind", "name"):
        value = text(reference, field)
        if not value:
            wrong.append(required(f"{path}.{field}"))
        else:
            wrong += invalid_all(f"{path}.{field}", value, path_segment_errors(value))
    version = text(reference, "apiVersion")
    if version.count("/") > 1:
        why = f"unexpected GroupVersion string: {version}"
        wrong.append(invalid(f"{path}.apiVersion", version, why))
    elif needs_group and not version.partition("/")[1]:
        wrong.append(invalid(f"{path}.apiVersion", version, "apiVersion must specify API group"))
    return wrong


def _metric_errors(metric: Json, path: str) -> list[Cause]:
    kind = text(metric, "type")
    wrong = [] if kind else [required(f"{path}.type", "must specify a metric source type")]
    if kind not in SOURCES:
        wrong.append(not_supported(f"{path}.type", kind, SOURCES))
    present = [field for field in _CHECKS if isinstance(metric.get(field), dict)]
    if present:
        first = present[0]
        wrong += _CHECKS[first](metric[first], f"{path}.{first}")
    expected = SOURCES.get(kind)
    if expected is not None and expected not in present:
        why = "must populate information for the given metric source"
        wrong.append(required(f"{path}.{expected}", why))
    if len(present) > 1:
        others = [field for field in present if field != expected]
        why = "must populate the given metric source only"
        wrong += [forbidden(f"{path}.{field}", why) for field in others]
    return wrong


def _object_errors(source: Json, path: str) -> list[Cause]:
    described = submap(source, "describedObject")
    wrong = _reference_errors(described, f"{path}.describedObject", needs_group=False)
    wrong += [*_identifier_errors(source, path), *_target_errors(source, path)]
    if not _has(source, "value") and not _has(source, "averageValue"):
        why = "must set either a target value or averageValue"
        wrong.append(required(f"{path}.target.averageValue", why))
    return wrong


def _external_errors(source: Json, path: str) -> list[Cause]:
    wrong = [*_identifier_errors(source, path), *_target_errors(source, path)]
    given = [field for field in ("value", "averageValue") if _has(source, field)]
    if not given:
        why = "must set either a target value for metric or a per-pod target"
        wrong.append(required(f"{path}.target.averageValue", why))
    if len(given) > 1:
        why = "may not set both a target value for metric and a per-pod target"
        wrong.append(forbidden(f"{path}.target.value", why))
    return wrong


def _pods_errors(source: Json, path: str) -> list[Cause]:
    wrong = [*_identifier_errors(source, path), *_target_errors(source, path)]
    if not _has(source, "averageValue"):
        why = "must specify a positive target averageValue"
        wrong.append(required(f"{path}.target.averageValue", why))
    return wrong


def _resource_errors(source: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    if not text(source, "name"):
        wrong.append(required(f"{path}.name", "must specify a resource name"))
    return [*wrong, *_resource_target_errors(source, path)]


def _container_resource_errors(source: Json, path: str) -> list[Cause]:
    name, container = text(source, "name"), text(source, "container")
    wrong: list[Cause] = []
    if name:
        wrong += container_resource_errors(name, f"{path}.name")
    else:
        wrong.append(required(f"{path}.name", "must specify a resource name"))
    if container:
        wrong += invalid_all(f"{path}.container", container, label_errors(container))
    else:
        wrong.append(required(f"{path}.container", "must specify a container"))
    return [*wrong, *_resource_target_errors(source, path)]


def _resource_target_errors(source: Json, path: str) -> list[Cause]:
    wrong = _target_errors(source, path)
    given = [field for field in ("averageUtilization", "averageValue") if _has(source, field)]
    if not given:
        why = "must set either a target raw value or a target utilization"
        wrong.append(required(f"{path}.target.averageUtilization", why))
    if len(given) > 1:
        why = "may not set both a target raw value and a target utilization"
        wrong.append(forbidden(f"{path}.target.averageValue", why))
    return wrong


_CHECKS: dict[str, Callable[[Json, str], list[Cause]]] = {
    "object": _object_errors,
    "external": _external_errors,
    "pods": _pods_errors,
    "resource": _resource_errors,
    "containerResource": _container_resource_errors,
}
"""In upstream's order: of several that are given, only the first is looked at."""


def _has(source: Json, field: str) -> bool:
    return submap(source, "target").get(field) is not None


def _target_errors(source: Json, path: str) -> list[Cause]:
    target, path = submap(source, "target"), f"{path}.target"
    kind = text(target, "type")
    wrong = [] if kind else [required(f"{path}.type", "must specify a metric target type")]
    if kind not in _TARGET_TYPES:
        why = "must be either Utilization, Value, or AverageValue"
        wrong.append(invalid(f"{path}.type", kind, why))
    for field in ("value", "averageValue"):
        value = target.get(field)
        if value is not None and parse_quantity(value) <= 0:
            wrong.append(invalid(f"{path}.{field}", value, "must be positive"))
    share = number(target, "averageUtilization")
    if share is not None and share < 1:
        wrong.append(invalid(f"{path}.averageUtilization", share, "must be greater than 0"))
    return wrong


def _identifier_errors(source: Json, path: str) -> list[Cause]:
    name, path = text(source, "metric", "name"), f"{path}.metric.name"
    if not name:
        return [required(path, "must specify a metric name")]
    return invalid_all(path, name, path_segment_errors(name))


def _scaling_errors(rules: Json, path: str) -> list[Cause]:
    wrong = _window_errors(number(rules, "stabilizationWindowSeconds"), path)
    choice = rules.get("selectPolicy")
    if choice is not None and choice not in _POLICIES:
        wrong.append(not_supported(f"{path}.selectPolicy", choice, _POLICIES))
    policies = maps(rules, "policies")
    if not policies:
        wrong.append(required(f"{path}.policies", "must specify at least one Policy"))
    for position, policy in enumerate(policies):
        wrong += _policy_errors(policy, f"{path}.policies[{position}]")
    tolerance = rules.get("tolerance")
    if tolerance is not None and parse_quantity(tolerance) < 0:
        why = "must be greater than or equal to 0"
        wrong.append(invalid(f"{path}.tolerance", tolerance, why))
    return wrong


def _window_errors(window: int | None, path: str) -> list[Cause]:
    path = f"{path}.stabilizationWindowSeconds"
    if window is None:
        return []
    if window < 0:
        return [invalid(path, window, "must be greater than or equal to zero")]
    if window > STABILIZATION_MAX_S:
        return [invalid(path, window, f"must be less than or equal to {STABILIZATION_MAX_S}")]
    return []


def _policy_errors(policy: Json, path: str) -> list[Cause]:
    kind, value, period = (
        text(policy, "type"),
        number(policy, "value") or 0,
        number(policy, "periodSeconds") or 0,
    )
    wrong: list[Cause] = []
    if kind not in _POLICY_TYPES:
        wrong.append(not_supported(f"{path}.type", kind, _POLICY_TYPES))
    if value <= 0:
        wrong.append(invalid(f"{path}.value", value, "must be greater than zero"))
    if period <= 0:
        wrong.append(invalid(f"{path}.periodSeconds", period, "must be greater than zero"))
    if period > PERIOD_MAX_S:
        why = f"must be less than or equal to {PERIOD_MAX_S}"
        wrong.append(invalid(f"{path}.periodSeconds", period, why))
    return wrong
