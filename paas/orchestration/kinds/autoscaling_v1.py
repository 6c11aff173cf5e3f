"""autoscaling/v1's view of a HorizontalPodAutoscaler: CPU in fields, all else in annotations.

What an annotation says is taken only if all of it has the form that v1 gives it; otherwise it is
as if it were not there. Source: k8s.io/kubernetes/pkg/apis/autoscaling/{annotations.go,v1}.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from paas.core.objects import ApiObject
from paas.core.quantities import parse_quantity
from paas.core.shape import Json, ensure, maps, submap, text
from paas.orchestration.kinds.autoscaling_rules import SOURCES

_PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, BEHAVIOR = f"{_PREFIX}metrics", f"{_PREFIX}behavior"
CURRENT_METRICS, CONDITIONS = f"{_PREFIX}current-metrics", f"{_PREFIX}conditions"
SPEC_NOTES = (METRICS, BEHAVIOR)
STATUS_NOTES = (CURRENT_METRICS, CONDITIONS)
_VERSIONS = {"v1": "autoscaling/v1", "v2": "autoscaling/v2"}

Path = tuple[str, ...]
Fields = tuple[tuple[str, Path], ...]
"""Names in v1, each with where v2 has it."""
_NAME: Fields = (("name", ("name",)),)
_METRIC: Fields = (("metricName", ("metric", "name")), ("selector", ("metric", "selector")))
_OUTER: Fields = (("metricName", ("metric", "name")), ("metricSelector", ("metric", "selector")))
_CONTAINER: Fields = (*_NAME, ("container", ("container",)))
_SHARES: Fields = (
    ("targetAverageUtilization", ("target", "averageUtilization")),
    ("targetAverageValue", ("target", "averageValue")),
)
_CURRENT_SHARES: Fields = (
    ("currentAverageUtilization", ("current", "averageUtilization")),
    ("currentAverageValue", ("current", "averageValue")),
)
_SPECS: Mapping[str, Fields] = {
    "Object": (
        ("target", ("describedObject",)),
        *_METRIC,
        ("targetValue", ("target", "value")),
        ("averageValue", ("target", "averageValue")),
    ),
    "Pods": (*_METRIC, ("targetAverageValue", ("target", "averageValue"))),
    "Resource": (*_NAME, *_SHARES),
    "ContainerResource": (*_CONTAINER, *_SHARES),
    "External": (
        *_OUTER,
        ("targetValue", ("target", "value")),
        ("targetAverageValue", ("target", "averageValue")),
    ),
}
_STATUSES: Mapping[str, Fields] = {
    "Object": (
        ("target", ("describedObject",)),
        *_METRIC,
        ("currentValue", ("current", "value")),
        ("averageValue", ("current", "averageValue")),
    ),
    "Pods": (*_METRIC, ("currentAverageValue", ("current", "averageValue"))),
    "Resource": (*_NAME, *_CURRENT_SHARES),
    "ContainerResource": (*_CONTAINER, *_CURRENT_SHARES),
    "External": (
        *_OUTER,
        ("currentValue", ("current", "value")),
        ("currentAverageValue", ("current", "averageValue")),
    ),
}
# what v1 cannot leave out: it writes "0" where there is nothing
_ALWAYS = {
    ("Object", "targetValue"),
    ("Pods", "targetAverageValue"),
    *((kind, "currentAverageValue") for kind in ("Pods", "Resource", "ContainerResource")),
    *((kind, "currentValue") for kind in ("Object", "External")),
}
_CONDITION = ("type", "status", "lastTransitionTime", "reason", "message")


def notes_dropped(obj: ApiObject, notes: tuple[str, ...]) -> None:
    """Take these annotations off an object, in place."""
    annotations = submap(obj, "metadata", "annotations")
    for note in notes:
        annotations.pop(note, None)
    if not annotations:
        submap(obj, "metadata").pop("annotations", None)


def to_v1(obj: ApiObject) -> ApiObject:
    """Return the v1 object; the one given stays as it is."""
    spec, status = submap(obj, "spec"), submap(obj, "status")
    new = _head(obj, "v1")
    new["spec"] = _picked(spec, ("scaleTargetRef", "minReplicas", "maxReplicas"))
    new["status"] = {"currentReplicas": 0, "desiredReplicas": 0}
    counts = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")
    new["status"] |= _picked(status, counts)
    metrics, current = maps(spec, "metrics"), maps(status, "currentMetrics")
    if (share := _cpu_share(metrics, "target")) is not None:
        new["spec"]["targetCPUUtilizationPercentage"] = share
    if (share := _cpu_share(current, "current")) is not None:
        new["status"]["currentCPUUtilizationPercentage"] = share
    others = [one for one in metrics if _cpu_share([one], "target") is None]
    for note, value in (
        (METRICS, [_metric_v1(one, _SPECS) for one in others]),
        (BEHAVIOR, _renamed(submap(spec, "behavior"), str.upper)),
        (CURRENT_METRICS, [_metric_v1(one, _STATUSES) for one in current]),
        (CONDITIONS, [_picked(one, _CONDITION) for one in maps(status, "conditions")]),
    ):
        if value:
            ensure(new, "metadata", "annotations")[note] = orjson.dumps(value).decode()
    return new


def to_v2(obj: ApiObject) -> ApiObject:
    """Return the v2 object; the one given stays as it is. Metrics may be missing altogether."""
    spec, status = submap(obj, "spec"), submap(obj, "status")
    notes = submap(obj, "metadata", "annotations")
    new = _head(obj, "v2")
    new["spec"] = _picked(spec, ("scaleTargetRef", "minReplicas", "maxReplicas"))
    metrics = _noted(notes, METRICS, lambda found: [_metric_v2(one, _SPECS) for one in found])
    if (share := spec.get("targetCPUUtilizationPercentage")) is not None:
        target = {"type": "Utilization", "averageUtilization": share}
        metrics = [*(metrics or []), _cpu(target=target)]
    if metrics:
        new["spec"]["metrics"] = metrics
    if behavior := _noted(notes, BEHAVIOR, _behavior_v2):
        new["spec"]["behavior"] = behavior
    new["status"] = _status_v2(status, notes)
    return new


def _status_v2(status: Json, notes: Json) -> Json:
    counts = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")
    new = _picked(status, counts)
    if (share := status.get("currentCPUUtilizationPercentage")) is not None:
        new["currentMetrics"] = [_cpu(current={"averageUtilization": share})]
    # the annotation knows more than the field
    if current := _noted(notes, CURRENT_METRICS, _current_v2):
        new["currentMetrics"] = current
    if found := _noted(notes, CONDITIONS, lambda items: [_condition_v2(one) for one in items]):
        new["conditions"] = found
    return new


def _current_v2(metrics: list[Any]) -> list[Json]:
    return [_metric_v2(one, _STATUSES) for one in metrics]


def _head(obj: ApiObject, version: str) -> ApiObject:
    metadata = copy.deepcopy(obj.get("metadata") or {})
    kind = obj.get("kind", "HorizontalPodAutoscaler")
    new = {"apiVersion": _VERSIONS[version], "kind": kind, "metadata": metadata}
    notes_dropped(new, SPEC_NOTES + STATUS_NOTES)
    return new


def _picked(obj: Json, fields: tuple[str, ...]) -> Json:
    return {field: copy.deepcopy(obj[field]) for field in fields if obj.get(field) is not None}


def _cpu(**more: Json) -> Json:
    return {"type": "Resource", "resource": {"name": "cpu", **more}}


def _cpu_share(metrics: list[Json], part: str) -> int | None:
    for metric in metrics:
        if text(metric, "type") == "Resource" and text(metric, "resource", "name") == "cpu":
            share: int | None = submap(metric, "resource", part).get("averageUtilization")
            if share is not None:
                return share
    return None


def _metric_v1(metric: Json, forms: Mapping[str, Fields]) -> Json:
    kind = text(metric, "type")
    if kind not in forms:  # the status of a metric that could not be had
        return {"type": kind}
    source = submap(metric, SOURCES[kind])
    found = {}
    for name, path in forms[kind]:
        value = submap(source, *path[:-1]).get(path[-1])
        if value is None and (kind, name) in _ALWAYS:
            value = "0"
        if value is not None:
            found[name] = value
    return {"type": kind, SOURCES[kind]: found}


def _metric_v2(metric: Any, forms: Mapping[str, Fields]) -> Json:
    """Return the metric of an annotation. Raises ValueError where it is none."""
    kind = text(_dictionary(metric), "type")
    if not kind and forms is _STATUSES:
        return {"type": ""}
    if kind not in forms:
        raise ValueError(kind)
    source = submap(metric, SOURCES[kind])
    found: Json = {}
    for name, path in forms[kind]:
        if source.get(name) is not None:
            ensure(found, *path[:-1])[path[-1]] = _read(path, source[name])
    for part in ("target", "current"):
        values = submap(found, part)
        if values.get("value") == "0" and "averageValue" in values:
            del values["value"]
    if forms is _SPECS:
        ensure(found, "target")["type"] = _target_type(submap(found, "target"))
    return {"type": kind, SOURCES[kind]: found}


def _target_type(target: Json) -> str:
    if "averageUtilization" in target:
        return "Utilization"
    return "Value" if "value" in target else "AverageValue"


def _read(path: Path, value: Any) -> Any:
    """Return a value that has the type of v2's field. Raises ValueError."""
    if path[-1] == "averageUtilization":
        return _whole(value)
    if path[-1] in {"value", "averageValue"}:
        parse_quantity(value if isinstance(value, int | float) else _words(value))
        return str(value)
    if path == ("describedObject",):
        return {key: _words(one) for key, one in _dictionary(value).items() if key in _REFERENCE}
    return _selector(value) if path[-1] == "selector" else _words(value)


_REFERENCE = frozenset({"kind", "name", "apiVersion"})


def _selector(value: Any) -> Json:
    found: Json = {}
    if labels := _dictionary(_dictionary(value).get("matchLabels") or {}):
        found["matchLabels"] = {key: _words(one) for key, one in labels.items()}
    if terms := value.get("matchExpressions"):
        found["matchExpressions"] = [_term(one) for one in _list(terms)]
    return found


def _term(value: Any) -> Json:
    term = _dictionary(value)
    found: Json = {"key": _words(term.get("key")), "operator": _words(term.get("operator"))}
    if term.get("values"):
        found["values"] = [_words(one) for one in _list(term["values"])]
    return found


def _behavior_v2(value: Any) -> Json:
    behavior = _renamed(_dictionary(value), str.lower)
    found: Json = {}
    for direction in ("scaleUp", "scaleDown"):
        if behavior.get(direction) is not None:
            found[direction] = _rules_v2(_dictionary(behavior[direction]))
    return found


def _rules_v2(rules: Json) -> Json:
    readers: dict[str, Callable[[Any], Any]] = {
        "stabilizationWindowSeconds": _whole,
        "selectPolicy": _words,
        "policies": lambda found: [_policy_v2(_dictionary(one)) for one in _list(found)],
        "tolerance": lambda found: _read(("value",), found),
    }
    return {key: read(rules[key]) for key, read in readers.items() if rules.get(key) is not None}


def _policy_v2(policy: Json) -> Json:
    whole = {key: _whole(policy.get(key)) for key in ("value", "periodSeconds")}
    return {"type": _words(policy.get("type")), **whole}


def _condition_v2(value: Any) -> Json:
    return {
        key: _words(value[key]) for key in _CONDITION if _dictionary(value).get(key) is not None
    }


def _noted(notes: Json, note: str, read: Callable[[Any], Any]) -> Any:
    """Return what an annotation says; None where it says nothing that has the form."""
    said = notes.get(note)
    if not isinstance(said, str):
        return None
    try:
        found = orjson.loads(said)
        return read(found if note == BEHAVIOR else _list(found))
    except ValueError:  # JSONDecodeError is one as well
        return None


def _renamed(value: Any, case: Callable[[str], str]) -> Any:
    """Return JSON with the first letters of all names in upper or lower case, as Go's."""
    if isinstance(value, dict):
        return {case(key[:1]) + key[1:]: _renamed(one, case) for key, one in value.items()}
    return [_renamed(one, case) for one in value] if isinstance(value, list) else value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 31:
        raise ValueError(value)
    return value


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004 -- to whoever reads an annotation it is a value
    return value


def _dictionary(value: Any) -> Json:
    if not isinstance(value, dict):
        raise ValueError(value)  # noqa: TRY004 -- as above
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(value)  # noqa: TRY004 -- as above
    return value
