"""Uniqueness in lists of type `set` and `map`.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype.
"""

from typing import Any

import orjson

from paas.apimachinery.custom.extensions import (
    LIST_MAP_KEYS,
    LIST_TYPE,
    JsonSchema,
    additional_of,
    items_of,
    properties_of,
)
from paas.apimachinery.fielderrors import duplicate, invalid
from paas.core.errors import Cause


def list_errors(value: Any, schema: JsonSchema, path: str = "") -> list[Cause]:
    """Return the first repetition of each item, whole (`set`) or by its keys (`map`)."""
    if isinstance(value, dict):
        return _in_map(value, schema, path)
    if not isinstance(value, list):
        return []
    kind = schema.get(LIST_TYPE)
    wrong: list[Cause] = []
    if kind == "set":
        wrong += _repeated(value, path)
    elif kind == "map":
        wrong += _repeated_keys(value, schema.get(LIST_MAP_KEYS) or (), path)
    items = items_of(schema)
    if items is not None:
        for place, one in enumerate(value):
            wrong += list_errors(one, items, f"{path}[{place}]")
    return wrong


def _in_map(value: dict[str, Any], schema: JsonSchema, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    known, others = properties_of(schema), additional_of(schema)
    for key, one in value.items():
        if key in known:
            wrong += list_errors(one, known[key], f"{path}.{key}" if path else key)
        elif others is not None:
            wrong += list_errors(one, others, f"{path}[{key}]")
    return wrong


def _repeated_keys(value: list[Any], keys: Any, path: str) -> list[Cause]:
    for place, one in enumerate(value):
        if one is not None and not isinstance(one, dict):
            why = "must be an object for an array of list-type map"
            return [invalid(f"{path}[{place}]", one, why)]
    return _repeated([{key: one[key] for key in keys if key in (one or {})} for one in value], path)


def _repeated(value: list[Any], path: str) -> list[Cause]:
    seen: dict[bytes, int] = {}
    wrong: list[Cause] = []
    for place, one in enumerate(value):
        text = orjson.dumps(one, option=orjson.OPT_SORT_KEYS)
        seen[text] = seen.get(text, 0) + 1
        if seen[text] == 2:  # noqa: PLR2004 -- only the first repetition is reported
            wrong.append(duplicate(f"{path}[{place}]", one))
    return wrong
