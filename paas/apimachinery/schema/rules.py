"""The rules that a schema states beyond types: required fields, enumerations, bounds.

Upstream's OpenAPI calls every field without `omitempty` required, though its validation accepts
some of them left out; `_OPTIONAL` names those. Status is never held to it: controllers write
zero values that JSON may leave out.
Source: k8s.io/kubernetes/pkg/apis/*/validation; k8s.io/kube-openapi/pkg/validation.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from paas.apimachinery import fielderrors
from paas.apimachinery.schema.nodes import Check, Node
from paas.core.errors import Cause

_OPTIONAL: Mapping[str, frozenset[str]] = {
    "io.k8s.api.apps.v1.ControllerRevision": frozenset({"revision"}),
    "io.k8s.api.authentication.v1.TokenReviewSpec": frozenset({"token"}),
    "io.k8s.api.authorization.v1.LocalSubjectAccessReview": frozenset({"spec"}),
    "io.k8s.api.authorization.v1.SelfSubjectAccessReview": frozenset({"spec"}),
    "io.k8s.api.authorization.v1.SelfSubjectRulesReview": frozenset({"spec"}),
    "io.k8s.api.authorization.v1.SubjectAccessReview": frozenset({"spec"}),
    "io.k8s.api.core.v1.Event": frozenset({"metadata", "involvedObject"}),
    "io.k8s.api.core.v1.HTTPHeader": frozenset({"value"}),
    "io.k8s.api.core.v1.ISCSIPersistentVolumeSource": frozenset({"lun"}),
    "io.k8s.api.core.v1.ISCSIVolumeSource": frozenset({"lun"}),
    "io.k8s.api.core.v1.LimitRangeSpec": frozenset({"limits"}),
    "io.k8s.api.core.v1.PreferredSchedulingTerm": frozenset({"preference"}),
    "io.k8s.api.core.v1.SleepAction": frozenset({"seconds"}),
    "io.k8s.api.core.v1.Sysctl": frozenset({"value"}),
    "io.k8s.api.events.v1.Event": frozenset({"eventTime"}),
    "io.k8s.api.storage.v1.CSINodeSpec": frozenset({"drivers"}),
    "io.k8s.api.storage.v1.TokenRequest": frozenset({"audience"}),
}
_POINTERS = frozenset(
    {
        "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector",
        "io.k8s.api.core.v1.LocalObjectReference",
        "io.k8s.api.core.v1.SecretReference",
        "io.k8s.api.networking.v1.ParentReference",
    }
)


def required_of(name: str, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of a definition that must be there."""
    optional = _OPTIONAL.get(name, frozenset())
    return tuple(one for one in schema.get("required") or () if one not in optional)


def is_pointer(name: str) -> bool:
    """Say whether a left-out struct is itself the fault, not the fields within."""
    return name in _POINTERS


def rules_of(schema: Mapping[str, Any]) -> tuple[Check, ...]:
    """Return the checks of one value: enum, minimum, maximum, lengths and pattern."""
    makers: dict[str, Callable[[Any], Check]] = {
        "enum": _enum,
        "minimum": _minimum,
        "maximum": _maximum,
        "minLength": _min_length,
        "maxLength": _max_length,
        "pattern": _pattern,
        "minItems": _min_items,
        "maxItems": _max_items,
    }
    return tuple(make(schema[key]) for key, make in makers.items() if key in schema)


def _enum(supported: list[Any]) -> Check:
    def check(value: Any, path: str, found: list[Cause]) -> None:
        if value not in supported:
            found.append(fielderrors.not_supported(path, value, supported))

    return check


def _minimum(limit: float) -> Check:
    def check(value: Any, path: str, found: list[Cause]) -> None:
        if value < limit:
            rule = f"must be greater than or equal to {limit}"
            found.append(fielderrors.invalid(path, value, rule))

    return check


def _maximum(limit: float) -> Check:
    def check(value: Any, path: str, found: list[Cause]) -> None:
        if value > limit:
            found.append(fielderrors.invalid(path, value, f"must be less than or equal to {limit}"))

    return check


def _min_length(limit: int) -> Check:
    def check(value: Any, path: str, found: list[Cause]) -> None:
        if len(value) < limit:
            rule = f"should be at least {limit} chars long"
            found.append(fielderrors.invalid(path, value, rule))

    return check


def _max_length(limit: int) -> Check:
    def check(value: Any, path: str, found: list[Cause]) -> None:
        if len(value) > limit:
            found.append(fielderrors.too_long(path, limit))

    return check


def _pattern(pattern: str) -> Check:
    search = re.compile(pattern).search

    def check(value: Any, path: str, found: list[Cause]) -> None:
        if not search(value):
            found.append(fielderrors.invalid(path, value, f"should match '{pattern}'"))

    return check


def _min_items(limit: int) -> Check:
    def check(value: Any, path: str, found: list[Cause]) -> None:
        if len(value) < limit:
            rule = f"should have at least {limit} items"
            found.append(fielderrors.invalid(path, len(value), rule))

    return check


def _max_items(limit: int) -> Check:
    def check(value: Any, path: str, found: list[Cause]) -> None:
        if len(value) > limit:
            found.append(fielderrors.too_many(path, len(value), limit))

    return check


def check_node(node: Node, value: Any, path: str, found: list[Cause]) -> None:
    """Append every broken rule of a decoded value; `path` is "" at the root."""
    for rule in node.rules:
        rule(value, path, found)
    if node.fields is not None:
        _check_struct(node, value, path, found)
    elif node.items is not None:
        if node.items.has_rules:
            for at, one in enumerate(value):
                check_node(node.items, one, f"{path}[{at}]", found)
    elif node.values is not None and node.values.has_rules:
        for key, one in value.items():
            check_node(node.values, one, f"{path}[{key}]", found)


def _check_struct(node: Node, value: dict[str, Any], path: str, found: list[Cause]) -> None:
    checked = node.checked_fields()
    prefix = f"{path}." if path else ""
    for key in node.required:
        if key not in value:
            _report_missing(node, key, prefix + key, found)
    for key, one in value.items():
        if key in checked:
            check_node(checked[key], one, prefix + key, found)


def _report_missing(node: Node, key: str, path: str, found: list[Cause]) -> None:
    """Report a left-out field as upstream does: by the required fields within, if it has any."""
    field = (node.fields or {}).get(key)
    before = len(found)
    if field and field.node.fields is not None and not field.node.pointer:
        check_node(field.node, {}, path, found)
    if len(found) == before:
        found.append(fielderrors.required(path))
