"""Defaults of a structural schema, in place. A null that may not be null counts as left out.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting.
"""

from typing import Any

from paas.apimachinery.custom.extensions import (
    JsonSchema,
    additional_of,
    below,
    items_of,
    properties_of,
)
from paas.apimachinery.schema.scalars import copy_json


def apply_defaults(value: Any, schema: JsonSchema) -> None:
    """Drop nulls that the schema does not allow, then fill in what is left out."""
    _drop_nulls(value, schema)
    _fill(value, schema)


def _drop_nulls(value: Any, schema: JsonSchema | None) -> None:
    if isinstance(value, dict):
        for key in list(value):
            inner = below(schema, key) if schema is not None else None
            if value[key] is None and _is_forbidden_null(inner):
                del value[key]
            else:
                _drop_nulls(value[key], inner)
    elif isinstance(value, list):
        items = items_of(schema) if schema is not None else None
        for one in value:
            _drop_nulls(one, items)


def _is_forbidden_null(schema: JsonSchema | None) -> bool:
    return schema is not None and not schema.get("nullable") and schema.get("default") is None


def _fill(value: Any, schema: JsonSchema | None) -> None:
    if schema is None:
        return
    if isinstance(value, dict):
        _fill_map(value, schema)
    elif isinstance(value, list):
        items = items_of(schema)
        for place, one in enumerate(value):
            if one is None and items is not None and not items.get("nullable"):
                value[place] = copy_json(items.get("default"))
            _fill(value[place], items)


def _fill_map(value: dict[str, Any], schema: JsonSchema) -> None:
    known, others = properties_of(schema), additional_of(schema)
    for key, inner in known.items():
        wish = inner.get("default")
        if wish is None or (key in value and (value[key] is not None or inner.get("nullable"))):
            continue
        value[key] = copy_json(wish)
    for key, one in value.items():
        _fill(one, known.get(key, others))
