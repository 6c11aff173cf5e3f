"""What each metric of an autoscaler proposes, or why it cannot; upstream's words. Pure.

There is no custom and no external metrics API here: such metrics end as upstream's do where none
is registered. Source: k8s.io/kubernetes/pkg/controller/podautoscaler/{horizontal.go,metrics}.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from paas.core.objects import ApiObject, namespace_of
from paas.core.quantities import format_quantity, milli_value
from paas.core.shape import Json, maps, submap, text
from paas.core.usage import PodUsage
from paas.orchestration.controllers.autoscaler.replicas import (
    Measured,
    MetricError,
    Proposal,
    by_average,
    by_utilization,
    samples_of,
)
from paas.orchestration.kinds.autoscaling_rules import SOURCES

_NO_CUSTOM = (
    "unable to fetch metrics from custom metrics API: no custom metrics API "
    "(custom.metrics.k8s.io) registered"
)
_NO_EXTERNAL = (
    "unable to fetch metrics from external metrics API: the server could not find the requested "
    "resource (get {}.external.metrics.k8s.io)"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a metric proposes nothing: a condition's reason, its words, and those around them."""

    reason: str
    message: str
    whole: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one metric says: a number of pods with the metric's name and status, or a failure."""

    status: Json = field(default_factory=lambda: {"type": ""})
    replicas: int = 0
    name: str = ""
    failure: Failure | None = None


def judged(hpa: ApiObject, metric: Json, measured: Measured, usages: Sequence[PodUsage]) -> Verdict:
    """Return what a metric of the autoscaler says; `usages` are those of the selected pods."""
    kind = text(metric, "type")
    source = submap(metric, SOURCES[kind])
    if kind in {"Resource", "ContainerResource"}:
        return _of_resource(kind, source, measured, usages)
    failure = {"Pods": _no_pods, "Object": _no_object, "External": _no_external}[kind]
    return Verdict(failure=failure(source, namespace_of(hpa)))


def _of_resource(
    kind: str, source: Json, measured: Measured, usages: Sequence[PodUsage]
) -> Verdict:
    resource, container = text(source, "name"), text(source, "container")
    target = submap(source, "target")
    by_value = target.get("averageValue") is not None
    samples = samples_of(usages, resource, container)
    measured = replace(measured, samples=samples, resource=resource, container=container)
    try:
        found = _proposed(measured, target, any_usage=bool(usages))
    except MetricError as error:
        message = f"failed to get {resource} {'usage' if by_value else 'utilization'}: {error}"
        return Verdict(failure=_resource_failure(kind, source, message))
    current: Json = {"averageValue": format_quantity(Decimal(found.average).scaleb(-3))}
    if found.utilization is not None:
        current["averageUtilization"] = found.utilization
    field_name = SOURCES[kind]
    identity = {"container": container} if container else {}
    status: Json = {"type": kind, field_name: {"name": resource, **identity, "current": current}}
    return Verdict(status, found.replicas, _name(kind, resource, by_value=by_value))


def _proposed(measured: Measured, target: Json, *, any_usage: bool) -> Proposal:
    if not any_usage:
        raise MetricError(
            f"unable to get metrics for resource {measured.resource}: "
            "no metrics returned from resource metrics API"
        )
    if target.get("averageValue") is not None:
        return by_average(measured, milli_value(target["averageValue"]))
    return by_utilization(measured, target["averageUtilization"])


def _name(kind: str, resource: str, *, by_value: bool) -> str:
    if by_value:
        return f"{resource} resource"
    inner = "container resource" if kind == "ContainerResource" else "resource"
    return f"{resource} {inner} utilization (percentage of request)"


def _resource_failure(kind: str, source: Json, message: str) -> Failure:
    if kind == "Resource":
        whole = f"failed to get {text(source, 'name')} resource metric value: {message}"
        return Failure("FailedGetResourceMetric", message, whole)
    whole = f"failed to get {text(source, 'container')} container metric value: {message}"
    return Failure("FailedGetContainerResourceMetric", message, whole)


def _no_pods(source: Json, _namespace: str) -> Failure:
    message = f"unable to get metric {text(source, 'metric', 'name')}: {_NO_CUSTOM}"
    return Failure("FailedGetPodsMetric", message, f"failed to get pods metric value: {message}")


def _no_object(source: Json, namespace: str) -> Failure:
    name, described = text(source, "metric", "name"), submap(source, "describedObject")
    # upstream's words, in its order
    place = f"{text(described, 'kind')} on {namespace} {text(described, 'name')}/{_NO_CUSTOM}"
    message = f"unable to get metric {name}: {place}"
    inner = message
    if submap(source, "target").get("averageValue") is not None:
        inner = f"failed to get {name} object metric: {message}"
    return Failure("FailedGetObjectMetric", message, f"failed to get object metric value: {inner}")


def _no_external(source: Json, namespace: str) -> Failure:
    name = text(source, "metric", "name")
    selector = _selector_text(submap(source, "metric").get("selector"))
    why = _NO_EXTERNAL.format(name)
    message = f"unable to get external metric {namespace}/{name}/{selector}: {why}"
    if submap(source, "target").get("averageValue") is not None:
        inner = f"failed to get {name} external metric: {message}"
    else:
        inner = f"failed to get external metric {name}: {message}"
    whole = f"failed to get {name} external metric value: {inner}"
    return Failure("FailedGetExternalMetric", message, whole)


def _selector_text(selector: Json | None) -> str:
    """Return a selector as Go prints it."""
    if selector is None:
        return "nil"
    labels = submap(selector, "matchLabels")
    pairs = "".join(f"{key}: {labels[key]}," for key in sorted(labels))
    terms = "".join(
        "LabelSelectorRequirement{"
        f"Key:{text(term, 'key')},Operator:{text(term, 'operator')},"
        f"Values:[{' '.join(term.get('values') or ())}],"
        "},"
        for term in maps(selector, "matchExpressions")
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{pairs}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{terms}}},}}"
    )
