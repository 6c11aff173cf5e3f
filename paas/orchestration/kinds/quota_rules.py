"""The rules of ResourceQuota and LimitRange.

Source: k8s.io/kubernetes/pkg/apis/core/validation (ValidateResourceQuota, ValidateLimitRange).
"""

from decimal import Decimal

from paas.apimachinery.fielderrors import IMMUTABLE, duplicate, forbidden, invalid, required
from paas.core.errors import Cause
from paas.core.objects import ApiObject
from paas.core.quantities import parse_quantity
from paas.core.shape import Json, maps, submap, text, values
from paas.orchestration.podspec.resources import (
    QUOTA_RESOURCES,
    container_resource_errors,
    is_overcommit_allowed,
    list_errors,
    quota_resource_errors,
    resource_name_errors,
)

COMPUTE = frozenset(
    {"cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"}
)
_POD_SCOPES = frozenset(
    {
        "Terminating",
        "NotTerminating",
        "NotBestEffort",
        "PriorityClass",
        "CrossNamespacePodAffinity",
    }
)
_SCOPES = _POD_SCOPES | {"BestEffort", "VolumeAttributesClass"}
_VALUELESS_SCOPES = _SCOPES - {"PriorityClass", "VolumeAttributesClass"}
_CONFLICTS = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_MUST_EXIST = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
    "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
    "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
_LIMIT_TYPES = frozenset({"Pod", "Container", "PersistentVolumeClaim"})
_LIMIT_FIELDS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")

Bounds = dict[str, Decimal]


def quota_errors(quota: ApiObject) -> list[Cause]:
    """Return every rule that a quota breaks."""
    wrong: list[Cause] = []
    for path, amounts in (
        ("spec.hard", submap(quota, "spec", "hard")),
        ("status.hard", submap(quota, "status", "hard")),
        ("status.used", submap(quota, "status", "used")),
    ):
        wrong += list_errors(amounts, path, quota_resource_errors)
    spec = submap(quota, "spec")
    return [*wrong, *_scopes_errors(spec), *_selector_errors(spec)]


def quota_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Return a cause where the scopes have changed."""
    after, before = values(new, "spec", "scopes"), values(old, "spec", "scopes")
    return [invalid("spec.scopes", after, IMMUTABLE)] if set(after) != set(before) else []


def _scopes_errors(spec: Json) -> list[Cause]:
    scopes, path = values(spec, "scopes"), "spec.scopes"
    wrong: list[Cause] = []
    for scope in scopes:
        if scope not in _SCOPES:
            wrong.append(invalid(path, scopes, "unsupported scope"))
        elif not _applies(scope, spec):
            wrong.append(invalid(path, scopes, "unsupported scope applied to resource"))
    return [*wrong, *_conflict_errors(set(scopes), scopes, path)]


def _applies(scope: str, spec: Json) -> bool:
    allowed: frozenset[str] | set[str]
    if scope == "BestEffort":
        allowed = {"pods"}
    elif scope == "VolumeAttributesClass":
        allowed = {"persistentvolumeclaims", "requests.storage"}
    else:
        allowed = COMPUTE | {"pods"}
    return all(name in allowed for name in submap(spec, "hard") if name in QUOTA_RESOURCES)


def _conflict_errors(scopes: set[str], shown: object, path: str) -> list[Cause]:
    return [invalid(path, shown, "conflicting scopes") for pair in _CONFLICTS if pair <= scopes]


def _selector_errors(spec: Json) -> list[Cause]:
    path, terms = (
        "spec.scopeSelector.matchExpressions",
        maps(spec, "scopeSelector", "matchExpressions"),
    )
    wrong: list[Cause] = []
    for term in terms:
        scope, operator = text(term, "scopeName"), text(term, "operator")
        if scope not in _SCOPES:
            wrong.append(invalid(f"{path}.scopeName", scope, "unsupported scope"))
        elif not _applies(scope, spec):
            why = "unsupported scope applied to resource"
            wrong.append(invalid(path, submap(spec, "scopeSelector"), why))
        if scope in _VALUELESS_SCOPES and operator != "Exists":
            wrong.append(invalid(f"{path}.operator", operator, _MUST_EXIST))
        wrong += _operator_errors(operator, values(term, "values"), path)
    scopes = {text(term, "scopeName") for term in terms}
    return [*wrong, *_conflict_errors(scopes, values(spec, "scopes"), path)]


def _operator_errors(operator: str, given: list[str], path: str) -> list[Cause]:
    if operator in {"In", "NotIn"}:
        why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        return [] if given else [required(f"{path}.values", why)]
    if operator in {"Exists", "DoesNotExist"}:
        why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        return [invalid(f"{path}.values", given, why)] if given else []
    return [invalid(f"{path}.operator", operator, "not a valid selector operator")]


def limit_range_errors(obj: ApiObject) -> list[Cause]:
    """Return every rule that a LimitRange breaks."""
    wrong: list[Cause] = []
    types: set[str] = set()
    for position, limit in enumerate(maps(obj, "spec", "limits")):
        at, kind = f"spec.limits[{position}]", text(limit, "type")
        if kind not in _LIMIT_TYPES and "/" not in kind:
            why = "must be a standard limit type or fully qualified"
            wrong.append(invalid(f"{at}.type", kind, why))
        if kind in types:
            wrong.append(duplicate(f"{at}.type", kind))
        types.add(kind)
        named = _names_errors(limit, kind, at)
        wrong += named or [*_kind_errors(limit, kind, at), *_bounds_errors(limit, at)]
    return wrong


def _names_errors(limit: Json, kind: str, path: str) -> list[Cause]:
    rule = container_resource_errors if kind in {"Pod", "Container"} else resource_name_errors
    return [
        cause
        for field in _LIMIT_FIELDS
        for cause in list_errors(submap(limit, field), f"{path}.{field}", rule)
    ]


def _kind_errors(limit: Json, kind: str, path: str) -> list[Cause]:
    if kind == "Pod":
        why = "may not be specified when `type` is 'Pod'"
        fields = ("default", "defaultRequest")
        return [forbidden(f"{path}.{field}", why) for field in fields if submap(limit, field)]
    storage = {**submap(limit, "min"), **submap(limit, "max")}
    if kind == "PersistentVolumeClaim" and "storage" not in storage:
        why = "either minimum or maximum storage value is required, but neither was provided"
        return [required(f"{path}.limits", why)]
    return []


def _bounds_errors(limit: Json, path: str) -> list[Cause]:
    bounds = {
        field: {name: parse_quantity(value) for name, value in submap(limit, field).items()}
        for field in _LIMIT_FIELDS
    }
    names = sorted({name for amounts in bounds.values() for name in amounts})
    return [cause for name in names for cause in _resource_errors(name, limit, bounds, path)]


# (field named in the error, smaller, larger, words)
_ORDER = (
    ("min", "min", "max", "min value {} is greater than max value {}"),
    (
        "defaultRequest",
        "min",
        "defaultRequest",
        "min value {} is greater than default request value {}",
    ),
    (
        "defaultRequest",
        "defaultRequest",
        "max",
        "default request value {} is greater than max value {}",
    ),
    (
        "defaultRequest",
        "defaultRequest",
        "default",
        "default request value {} is greater than default limit value {}",
    ),
    ("default", "min", "default", "min value {} is greater than default value {}"),
    ("default", "default", "max", "default value {} is greater than max value {}"),
)
# which of the two values upstream shows as the invalid one
_SHOWN = {"min": "min", "defaultRequest": "defaultRequest"}


def _resource_errors(name: str, limit: Json, bounds: dict[str, Bounds], path: str) -> list[Cause]:
    wrong: list[Cause] = []
    for field, low, high, words in _ORDER:
        if name in bounds[low] and name in bounds[high] and bounds[low][name] > bounds[high][name]:
            small, large = str(limit[low][name]), str(limit[high][name])
            bad = str(limit[_SHOWN.get(field, low if low == "min" else high)][name])
            wrong.append(invalid(f"{path}.{field}[{name}]", bad, words.format(small, large)))
    wrong += _ratio_errors(name, limit, bounds, f"{path}.maxLimitRequestRatio[{name}]")
    both = name in bounds["default"] and name in bounds["defaultRequest"]
    if (
        both
        and not is_overcommit_allowed(name)
        and (bounds["default"][name] != bounds["defaultRequest"][name])
    ):
        have, ask = str(limit["default"][name]), str(limit["defaultRequest"][name])
        why = f"default value {have} must equal to defaultRequest value {ask} in {name}"
        wrong.append(invalid(f"{path}.defaultRequest[{name}]", ask, why))
    return wrong


def _ratio_errors(name: str, limit: Json, bounds: dict[str, Bounds], path: str) -> list[Cause]:
    ratio = bounds["maxLimitRequestRatio"].get(name)
    if ratio is None:
        return []
    shown = str(limit["maxLimitRequestRatio"][name])
    if ratio < 1:
        return [invalid(path, shown, f"ratio {shown} is less than 1")]
    low, high = bounds["min"].get(name), bounds["max"].get(name)
    if not low or high is None or ratio <= high / low:
        return []
    return [invalid(path, shown, f"ratio {shown} is greater than max/min = {float(high / low):f}")]
