"""Pruning: fields that a structural schema does not name are dropped, in place.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning.
"""

from typing import Any

from paas.apimachinery.custom.extensions import (
    EMBEDDED,
    NOTHING,
    PRESERVE,
    TYPE_META,
    JsonSchema,
    additional_of,
    items_of,
    properties_of,
)


def prune(value: Any, schema: JsonSchema) -> list[str]:
    """Drop unknown fields in place; return the path of each, sorted: `spec.parts[0].foo`."""
    dropped: list[str] = []
    _prune(value, schema, "", dropped)
    return sorted(dropped)


def _prune(value: Any, schema: JsonSchema, path: str, dropped: list[str]) -> None:
    keeps = bool(schema.get(PRESERVE))
    if isinstance(value, dict):
        _prune_map(value, schema, path, dropped, keeps=keeps)
    elif isinstance(value, list):
        items = items_of(schema)
        # below a list whose unknown fields are kept, what is not described is kept as well
        inner = items if items is not None else ({PRESERVE: True} if keeps else NOTHING)
        for place, one in enumerate(value):
            _prune(one, {**inner, PRESERVE: True} if keeps else inner, f"{path}[{place}]", dropped)


def _prune_map(
    value: dict[str, Any], schema: JsonSchema, path: str, dropped: list[str], *, keeps: bool
) -> None:
    known, others = properties_of(schema), additional_of(schema)
    prefix = f"{path}." if path else ""
    for key in list(value):
        if schema.get(EMBEDDED) and key in TYPE_META:
            continue
        inner = known.get(key, others)
        if inner is not None:
            _prune(value[key], inner, prefix + key, dropped)
        elif not keeps:
            if path or key not in TYPE_META:
                dropped.append(prefix + key)
            del value[key]
