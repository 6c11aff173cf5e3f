"""autoscaling/v2 and v1 HorizontalPodAutoscaler: one stored object, which is v2's.

Source: k8s.io/kubernetes/pkg/{apis/autoscaling/v2/defaults.go,registry/autoscaling,printers}.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from paas.apimachinery.columns import AGE, NAME, NONE, UNKNOWN, UNSET
from paas.apimachinery.kinds import Column, Kind, WriteContext
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import Json, default, ensure, maps, number, submap, text
from paas.orchestration.kinds.autoscaling_rules import SOURCES, autoscaler_errors, status_errors
from paas.orchestration.kinds.autoscaling_v1 import (
    SPEC_NOTES,
    STATUS_NOTES,
    notes_dropped,
    to_v1,
    to_v2,
)

CPU_PERCENT = 80
_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
# how long falling recommendations are waited out is the controller's setting, if nobody says
_DOWN = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
_SHOWN = 2


def _default(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    default(spec, "minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": CPU_PERCENT}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if spec.get("behavior") is None:
        return
    for direction, rules in (("scaleUp", _UP), ("scaleDown", _DOWN)):
        given = ensure(spec, "behavior", direction)
        for field, value in rules.items():
            if given.get(field) is None:
                given[field] = [dict(one) for one in value] if isinstance(value, list) else value


def _prepare_create(obj: ApiObject, _: WriteContext) -> None:
    notes_dropped(obj, SPEC_NOTES + STATUS_NOTES)
    obj["status"] = {"desiredReplicas": 0}


def _prepare_update(new: ApiObject, _old: ApiObject, _: WriteContext) -> None:
    notes_dropped(new, SPEC_NOTES + STATUS_NOTES)


def _errors(obj: ApiObject) -> list[Cause]:
    return [*autoscaler_errors(obj), *status_errors(obj)]


def _reference(obj: ApiObject) -> str:
    target = submap(obj, "spec", "scaleTargetRef")
    return f"{text(target, 'kind')}/{text(target, 'name')}"


def targets_text(obj: ApiObject) -> str:
    """Return `cpu: 10%/50%, memory: 5Mi/10Mi + 1 more...`."""
    specs, statuses = maps(obj, "spec", "metrics"), maps(obj, "status", "currentMetrics")
    if not specs:
        return NONE
    listed = [
        _target(spec, statuses[position] if position < len(statuses) else {})
        for position, spec in enumerate(specs)
    ]
    shown = ", ".join(listed[:_SHOWN])
    return f"{shown} + {len(listed) - _SHOWN} more..." if len(listed) > _SHOWN else shown


def _target(spec: Json, status: Json) -> str:
    kind = text(spec, "type")
    source = SOURCES.get(kind)
    if source is None:
        return "<unknown type>"
    target, current = submap(spec, source, "target"), submap(status, source, "current")
    if kind in {"Resource", "ContainerResource"}:
        name = text(spec, source, "name")
        return f"{name}: {_resource_target(target, current)}"
    if target.get("averageValue") is not None:
        words = f"{current.get('averageValue', UNKNOWN)}/{target['averageValue']}"
        return words if kind == "Pods" else f"{words} (avg)"
    return f"{current.get('value', UNKNOWN)}/{target.get('value')}"


def _resource_target(target: Json, current: Json) -> str:
    if target.get("averageValue") is not None:
        return f"{current.get('averageValue', UNKNOWN)}/{target['averageValue']}"
    share, wanted = current.get("averageUtilization"), target.get("averageUtilization")
    now = UNKNOWN if share is None else f"{share}%"
    return f"{now}/{'<auto>' if wanted is None else f'{wanted}%'}"


def least_pods(obj: ApiObject) -> str:
    """Return the fewest pods that there may be; `<unset>` where nobody said."""
    found = number(obj, "spec", "minReplicas")
    return UNSET if found is None else str(found)


def most_pods(obj: ApiObject) -> int:
    """Return the most pods that there may be."""
    return number(obj, "spec", "maxReplicas") or 0


COLUMNS = (
    NAME,
    Column("Reference", _reference, description="What is scaled."),
    Column("Targets", targets_text, description="What is measured, and what it should be."),
    Column("MinPods", least_pods, description="The fewest pods that there may be."),
    Column("MaxPods", most_pods, description="The most pods that there may be."),
    Column("Replicas", lambda obj: number(obj, "status", "currentReplicas") or 0, "string"),
    AGE,
)

AUTOSCALER = Kind(
    group="autoscaling",
    version="v2",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    name_errors=subdomain_errors,
    schema="io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    short_names=("hpa",),
    categories=("all",),
    status=True,
    generation=False,
    default=_default,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_errors,
    columns=COLUMNS,
)


class _Conversion:
    """Between v1 and what is stored, with v2's defaults."""

    def stored(self, obj: ApiObject) -> ApiObject:
        """Return the v2 object of a v1."""
        new = to_v2(obj)
        _default(new)
        return new

    def served(self, obj: ApiObject) -> ApiObject:
        """Return the v1 object of a v2."""
        return to_v1(obj)


_CONVERSION = _Conversion()


def _default_v1(obj: ApiObject) -> None:
    """Give the object the one form that what it means has in v1."""
    default(ensure(obj, "spec"), "minReplicas", 1)
    same = _CONVERSION.served(_CONVERSION.stored(obj))
    obj.clear()
    obj.update(same)


def _prepare_create_v1(obj: ApiObject, _: WriteContext) -> None:
    notes_dropped(obj, STATUS_NOTES)
    obj["status"] = {"currentReplicas": 0, "desiredReplicas": 0}


def _prepare_update_v1(new: ApiObject, old: ApiObject, _: WriteContext) -> None:
    _keep_notes(new, old, STATUS_NOTES)


def _prepare_status_v1(new: ApiObject, old: ApiObject) -> None:
    _keep_notes(new, old, SPEC_NOTES)


def _keep_notes(new: ApiObject, old: ApiObject, notes: tuple[str, ...]) -> None:
    """Let these notes be as they were: they are part of what this write may not change."""
    notes_dropped(new, notes)
    before = submap(old, "metadata", "annotations")
    kept = {note: before[note] for note in notes if note in before}
    if kept:
        ensure(new, "metadata", "annotations").update(kept)


def _column_v1(column: Column) -> Column:
    value: Callable[[ApiObject], Any] = column.value
    return replace(column, value=lambda obj: value(_CONVERSION.stored(obj)))


AUTOSCALER_V1 = Kind(
    group="autoscaling",
    version="v1",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    name_errors=subdomain_errors,
    schema="io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
    short_names=("hpa",),
    categories=("all",),
    status=True,
    generation=False,
    default=_default_v1,
    prepare_create=_prepare_create_v1,
    prepare_update=_prepare_update_v1,
    prepare_status=_prepare_status_v1,
    validate=lambda obj: _errors(_CONVERSION.stored(obj)),
    columns=tuple(_column_v1(column) for column in COLUMNS),
    conversion=_CONVERSION,
)

KINDS = (AUTOSCALER, AUTOSCALER_V1)
