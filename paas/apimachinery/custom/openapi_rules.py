"""What a schema in a definition may say, beyond being structural: words, lists, defaults.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation
(ValidateCustomResourceDefinitionOpenAPISchema).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from paas.apimachinery.custom.extensions import (
    EMBEDDED,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    TYPE_META,
    JsonSchema,
    items_of,
    properties_of,
)
from paas.apimachinery.fielderrors import forbidden, invalid, not_supported, required
from paas.core.errors import Cause

TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = (
    "id",
    "additionalItems",
    "patternProperties",
    "definitions",
    "dependencies",
    "$ref",
)
_LIST_TYPES = ("atomic", "set", "map")
_MAP_TYPES = ("atomic", "granular")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the whole schema: whether a default may stand here, and whether it is metadata."""

    is_root: bool = False
    no_defaults: str = ""
    in_metadata: bool = False


def openapi_errors(schema: JsonSchema, path: str) -> list[Cause]:
    """Return every rule that a version's `openAPIV3Schema` breaks."""
    return list(_errors(schema, path, _Place(is_root=True)))


def _errors(schema: JsonSchema, path: str, place: _Place) -> Iterator[Cause]:
    yield from _word_errors(schema, path, place)
    yield from _additional_errors(schema, path, place)
    for key, one in properties_of(schema).items():
        inner = _within(place, key, is_head=place.is_root or bool(schema.get(EMBEDDED)))
        yield from _errors(one, f"{path}.properties[{key}]", inner)
    inner = replace(place, is_root=False)
    if schema.get("not") is not None:
        yield from _errors(schema["not"], f"{path}.not", inner)
    for word in ("allOf", "oneOf", "anyOf"):
        for at, one in enumerate(schema.get(word) or ()):
            yield from _errors(one, f"{path}.{word}[{at}]", inner)
    items = items_of(schema)
    if items is not None:
        yield from _errors(items, f"{path}.items", inner)
    yield from _extension_errors(schema, path)
    yield from _list_errors(schema, path)


def _within(place: _Place, key: str, *, is_head: bool) -> _Place:
    inner = replace(place, is_root=False)
    if is_head and key in TYPE_META:
        inner = replace(inner, in_metadata=True)
        if place.is_root:
            inner = replace(inner, no_defaults=f" in top-level {key}")
    return inner


def _word_errors(schema: JsonSchema, path: str, place: _Place) -> Iterator[Cause]:
    kind = schema.get("type") or ""
    if kind and kind not in TYPES:
        yield not_supported(f"{path}.type", kind, TYPES)
    if schema.get("default") is not None and place.no_defaults:
        yield forbidden(f"{path}.default", f"must not be set{place.no_defaults}")
    for word in _UNSUPPORTED:
        if schema.get(word) not in (None, "", {}):
            yield forbidden(f"{path}.{word}", f"{word} is not supported")
    if kind == "null":
        why = "type cannot be set to null, use nullable as an alternative"
        yield forbidden(f"{path}.type", why)
    if isinstance(schema.get("items"), list):
        yield forbidden(f"{path}.items", "items must be a schema object and not an array")
    if place.in_metadata and schema.get(EMBEDDED):
        yield forbidden(f"{path}.{EMBEDDED}", "must not be used inside of resource meta")
    if schema.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{path}.uniqueItems", why)


def _additional_errors(schema: JsonSchema, path: str, place: _Place) -> Iterator[Cause]:
    additional = schema.get("additionalProperties")
    if additional is None:
        return
    at = f"{path}.additionalProperties"
    if properties_of(schema) and additional is not True:
        yield forbidden(at, "additionalProperties and properties are mutual exclusive")
    if isinstance(additional, Mapping):
        inner = replace(place, is_root=False)
        if place.in_metadata:
            why = " inside additionalProperties applying to object metadata"
            inner = replace(inner, no_defaults=why)
        yield from _errors(additional, at, inner)


def _extension_errors(schema: JsonSchema, path: str) -> Iterator[Cause]:
    kind, shape = schema.get("type") or "", schema.get(MAP_TYPE)
    if schema.get(PRESERVE) is False:
        yield invalid(f"{path}.{PRESERVE}", False, "must be true or undefined")
    if shape is not None:
        if kind != "object":
            yield _typed(f"{path}.type", kind, f"must be object if {MAP_TYPE} is specified")
        if shape not in _MAP_TYPES:
            yield not_supported(f"{path}.{MAP_TYPE}", shape, _MAP_TYPES)


def _typed(path: str, kind: str, why: str) -> Cause:
    return invalid(path, kind, why) if kind else required(path, why)


# -- lists -----------------------------------------------------------------------------------------


def _list_errors(schema: JsonSchema, path: str) -> Iterator[Cause]:
    shape, kind, items = schema.get(LIST_TYPE), schema.get("type") or "", items_of(schema)
    keys = schema.get(LIST_MAP_KEYS) or []
    if shape is not None and kind != "array":
        yield _typed(f"{path}.type", kind, f"must be array if {LIST_TYPE} is specified")
    elif shape == "set" and items is not None:
        yield from _set_errors(items, path)
    if shape is not None and shape not in _LIST_TYPES:
        yield not_supported(f"{path}.{LIST_TYPE}", shape, _LIST_TYPES)
    if keys and shape != "map":
        why = f"must be map if {LIST_MAP_KEYS} is non-empty"
        at = f"{path}.{LIST_TYPE}"
        yield required(at, why) if shape is None else invalid(at, shape, why)
    if shape == "map":
        yield from _map_errors(schema, items, keys, path)
    if shape in {"set", "map"} and items is not None:
        yield from _item_errors(items, keys, str(shape), f"{path}.items")


def _set_errors(items: JsonSchema, path: str) -> Iterator[Cause]:
    why = f"must be atomic as item of a list with {LIST_TYPE}=set"
    if items.get("type") == "array" and items.get(LIST_TYPE) not in {None, "atomic"}:
        yield invalid(f"{path}.items.{LIST_TYPE}", items[LIST_TYPE], why)
    if items.get("type") == "object" and items.get(MAP_TYPE) != "atomic":
        yield invalid(f"{path}.items.{MAP_TYPE}", items.get(LIST_TYPE), why)


def _map_errors(
    schema: JsonSchema, items: JsonSchema | None, keys: list[str], path: str
) -> Iterator[Cause]:
    if not keys:
        why = f"must not be empty if {LIST_TYPE} is map"
        yield required(f"{path}.{LIST_MAP_KEYS}", why)
    if schema.get("items") is None:
        why = f"must have a schema if {LIST_TYPE} is map"
        yield required(f"{path}.items", why)
    if items is None:
        return
    parent = f"parent array's {LIST_TYPE} is map"
    kind = items.get("type") or ""
    if kind != "object":
        yield invalid(f"{path}.items.type", kind, f"must be object if {parent}")
        return
    yield from _key_errors(items, keys, path)


def _key_errors(items: JsonSchema, keys: list[str], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    known = properties_of(items)
    for key in keys:
        if key not in known:
            why = "entries must all be names of item properties"
            yield invalid(f"{path}.{LIST_MAP_KEYS}", keys, why)
        elif known[key].get("type") in {"array", "object"}:
            at = f"{path}.items.properties[{key}].type"
            why = f"must be a scalar type if parent array's {LIST_TYPE} is map"
            yield invalid(at, items.get("type"), why)
        if key in seen:
            yield invalid(f"{path}.{LIST_MAP_KEYS}", keys, "must not contain duplicate entries")
        seen.add(key)


def _item_errors(items: JsonSchema, keys: list[str], shape: str, path: str) -> Iterator[Cause]:
    if items.get("nullable"):
        yield forbidden(f"{path}.nullable", f"cannot be nullable when {LIST_TYPE} is {shape}")
    if shape != "map":
        return
    needed: Any = items.get("required") or ()
    for key in keys:
        one = properties_of(items).get(key)
        if one is None:
            continue
        at, about = f"{path}.properties[{key}]", f"this property is in {LIST_MAP_KEYS}, so it "
        if key not in needed and one.get("default") is None:
            yield required(f"{at}.default", f"{about}must have a default or be a required property")
        if one.get("nullable"):
            yield forbidden(f"{at}.nullable", f"{about}cannot be nullable")
