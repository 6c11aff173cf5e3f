"""Causes of an Invalid object, in upstream's words: one function per type of field error.

Source: k8s.io/apimachinery/pkg/util/validation/field. A path is spelled as upstream spells it:
`spec.containers[0].name`, `spec.hard[pods]`.
"""

import json
from collections.abc import Iterable
from typing import Any

from paas.core.errors import Cause

IMMUTABLE = "field is immutable"
NOT_NEGATIVE = "must be greater than or equal to 0"


def required(path: str, why: str = "") -> Cause:
    """Say that a value is missing or empty."""
    return Cause("FieldValueRequired", _sentence("Required value", why), path)


def invalid(path: str, value: Any, why: str) -> Cause:
    """Say that a value breaks a rule; the value is shown."""
    return Cause("FieldValueInvalid", _sentence(f"Invalid value: {shown(value)}", why), path)


def invalid_whole(path: str, why: str) -> Cause:
    """Say that an object or list breaks a rule; it is not shown, being what it is: large."""
    return Cause("FieldValueInvalid", _sentence("Invalid value", why), path)


def type_invalid(path: str, value: Any, why: str) -> Cause:
    """Say that a value is of the wrong JSON type."""
    return Cause("FieldValueTypeInvalid", _sentence(f"Invalid value: {shown(value)}", why), path)


def not_supported(path: str, value: Any, supported: Iterable[str]) -> Cause:
    """Say that a value is none of those offered; they are named in the order given."""
    offered = ", ".join(shown(one) for one in supported)
    why = f"supported values: {offered}" if offered else ""
    return Cause(
        "FieldValueNotSupported", _sentence(f"Unsupported value: {shown(value)}", why), path
    )


def duplicate(path: str, value: Any) -> Cause:
    """Say that a value, which must be unique, is there already."""
    return Cause("FieldValueDuplicate", f"Duplicate value: {shown(value)}", path)


def forbidden(path: str, why: str) -> Cause:
    """Say that a field may not be used here."""
    return Cause("FieldValueForbidden", _sentence("Forbidden", why), path)


def not_found(path: str, value: Any) -> Cause:
    """Say that a name refers to nothing."""
    return Cause("FieldValueNotFound", f"Not found: {shown(value)}", path)


def too_long(path: str, limit: int, unit: str = "bytes") -> Cause:
    """Say that a value has more than `limit` bytes (or characters); it is not shown."""
    return Cause("FieldValueTooLong", f"Too long: may not be more than {limit} {unit}", path)


def too_many(path: str, actual: int, limit: int) -> Cause:
    """Say that a list has more than `limit` items."""
    items = "item" if limit == 1 else "items"
    return Cause(
        "FieldValueTooMany", f"Too many: {actual}: must have at most {limit} {items}", path
    )


def invalid_all(path: str, value: Any, reasons: Iterable[str]) -> list[Cause]:
    """Return one cause for each rule that a value breaks."""
    return [invalid(path, value, why) for why in reasons]


def immutable(path: str, new: Any, old: Any) -> list[Cause]:
    """Return a cause if a value that must stay has changed."""
    return [] if new == old else [invalid(path, new, IMMUTABLE)]


def not_negative(path: str, value: Any) -> list[Cause]:
    """Return a cause if a number is below zero; an absent one is fine."""
    return [invalid(path, value, NOT_NEGATIVE)] if value is not None and value < 0 else []


def shown(value: Any) -> str:
    """Return a value as upstream shows it: strings quoted, everything else as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sentence(head: str, why: str) -> str:
    return f"{head}: {why}" if why else head
