"""What makes a schema structural: types everywhere, and value validations that only validate.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paas.apimachinery.custom.extensions import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    VALIDATIONS,
    JsonSchema,
    items_of,
    properties_of,
)
from paas.apimachinery.custom.validation import PatternError, pattern_of
from paas.apimachinery.fielderrors import forbidden, invalid, required
from paas.core.errors import Cause

_INT_OR_STRING_ANY_OF = [{"type": "integer"}, {"type": "string"}]
_NO_TYPE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_EMPTY_IN_VALIDATIONS = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    PRESERVE: "must be false to be structural",
    EMBEDDED: "must be false to be structural",
    INT_OR_STRING: "must be false to be structural",
    LIST_MAP_KEYS: "must be empty to be structural",
    LIST_TYPE: "must be undefined to be structural",
    MAP_TYPE: "must be undefined to be structural",
    VALIDATIONS: "must be empty to be structural",
}


def structural_errors(schema: JsonSchema, path: str) -> list[Cause]:
    """Return every rule that keeps a schema from being structural, in order of their text."""
    wrong = [*_invariant_errors(schema, "root", path)]
    wrong += _named_by_validations(schema, schema, path, path)
    return sorted(wrong, key=lambda cause: f"{cause.field}: {cause.message}")


def _invariant_errors(schema: JsonSchema, level: str, path: str) -> Iterator[Cause]:
    items, additional = items_of(schema), schema.get("additionalProperties")
    if schema.get("type") == "array" and items is None:
        yield required(f"{path}.items", "must be specified")
    if items is not None:
        yield from _invariant_errors(items, "item", f"{path}.items")
    for key, one in properties_of(schema).items():
        yield from _invariant_errors(one, "field", f"{path}.properties[{key}]")
    if additional and level == "root":
        yield forbidden(f"{path}.additionalProperties", "must not be used at the root")
    if isinstance(additional, Mapping):
        yield from _invariant_errors(additional, "field", f"{path}.additionalProperties")
    yield from _extension_errors(schema, path)
    yield from _validation_errors(schema, path)
    yield from _type_errors(schema, level, path)
    yield from _head_errors(schema, level, path)


def _extension_errors(schema: JsonSchema, path: str) -> Iterator[Cause]:
    if not schema.get(INT_OR_STRING):
        return
    for word in (PRESERVE, EMBEDDED):
        if schema.get(word):
            yield invalid(f"{path}.{word}", True, f"must be false if {INT_OR_STRING} is true")


def _type_errors(schema: JsonSchema, level: str, path: str) -> Iterator[Cause]:
    kind, embedded = schema.get("type") or "", schema.get(EMBEDDED)
    if embedded and kind != "object":
        why = f"must be object if {EMBEDDED} is true"
        yield invalid(f"{path}.type", kind, why) if kind else required(f"{path}.type", why)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield required(f"{path}.type", _NO_TYPE[level])
    if embedded and schema.get("additionalProperties"):
        yield forbidden(f"{path}.additionalProperties", f"must not be used if {EMBEDDED} is set")
    if level == "root" and kind and kind != "object":
        yield invalid(f"{path}.type", kind, "must be object at the root")
    if embedded and not schema.get(PRESERVE) and not properties_of(schema):
        why = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
        yield required(f"{path}.properties", why)


def _head_errors(schema: JsonSchema, level: str, path: str) -> Iterator[Cause]:
    """Check what is said of apiVersion, kind and metadata, which are implied."""
    is_head = level == "root" or bool(schema.get(EMBEDDED))
    known = properties_of(schema)
    for key in ("kind", "apiVersion"):
        if is_head and key in known and known[key].get("type") != "string":
            at = f"{path}.properties[{key}].type"
            yield invalid(at, known[key].get("type") or "", "must be string")
    if "metadata" not in known:
        return
    at = f"{path}.properties[metadata]"
    if is_head and known["metadata"].get("type") != "object":
        yield invalid(f"{at}.type", known["metadata"].get("type") or "", "must be object")
    if level == "root" and not _restricts_names_only(known["metadata"]):
        why = (
            "must not specify anything other than name and generateName, but metadata is "
            "implicitly specified"
        )
        yield forbidden(at, why)


def _restricts_names_only(metadata: JsonSchema) -> bool:
    others = {key for key, one in metadata.items() if one and key not in {"type", "default"}}
    return others <= {"properties"} and set(properties_of(metadata)) <= {"name", "generateName"}


# -- value validations -----------------------------------------------------------------------------


def _validation_errors(schema: JsonSchema, path: str) -> Iterator[Cause]:
    any_of, all_of = schema.get("anyOf") or [], schema.get("allOf") or []
    if any_of != _INT_OR_STRING_ANY_OF:
        for place, one in enumerate(any_of):
            yield from _nested_errors(one, f"{path}.anyOf[{place}]")
    for place, one in enumerate(all_of):
        allowed = not place and one.get("anyOf") == _INT_OR_STRING_ANY_OF
        inner = {key: value for key, value in one.items() if key != "anyOf"} if allowed else one
        yield from _nested_errors(inner, f"{path}.allOf[{place}]")
    for place, one in enumerate(schema.get("oneOf") or []):
        yield from _nested_errors(one, f"{path}.oneOf[{place}]")
    if schema.get("not") is not None:
        yield from _nested_errors(schema["not"], f"{path}.not")
    if pattern := schema.get("pattern"):
        yield from _pattern_errors(pattern, f"{path}.pattern")


def _pattern_errors(pattern: str, path: str) -> Iterator[Cause]:
    try:
        pattern_of(pattern)
    except PatternError as error:
        yield invalid(path, pattern, f"must be a valid regular expression, but isn't: {error}")


def _nested_errors(schema: JsonSchema, path: str) -> Iterator[Cause]:
    yield from _validation_errors(schema, path)
    items = items_of(schema)
    if items is not None:
        yield from _nested_errors(items, f"{path}.items")
    for key, one in properties_of(schema).items():
        yield from _nested_errors(one, f"{path}.properties[{key}]")
    for word, why in _EMPTY_IN_VALIDATIONS.items():
        if schema.get(word) not in (None, False, "", []):
            yield forbidden(f"{path}.{word}", why)
    if "metadata" in properties_of(schema):
        why = "must not be specified in a nested context"
        yield forbidden(f"{path}.properties[metadata]", why)


# -- completeness: what a validation names must be there outside of it -----------------------------


def _named_by_validations(
    schema: JsonSchema, skeleton: JsonSchema | None, said: str, path: str
) -> Iterator[Cause]:
    for word in ("allOf", "anyOf", "oneOf"):
        for place, one in enumerate(schema.get(word) or []):
            yield from _named(one, skeleton, f"{said}.{word}[{place}]", path)
    if schema.get("not") is not None:
        yield from _named(schema["not"], skeleton, f"{said}.not", path)


def _named(
    schema: JsonSchema, skeleton: JsonSchema | None, said: str, path: str
) -> Iterator[Cause]:
    if skeleton is None:
        yield required(path, f"because it is defined in {said}")
        return
    yield from _named_by_validations(schema, skeleton, said, path)
    items = items_of(schema)
    if items is not None:
        yield from _named(items, items_of(skeleton), f"{said}.items", f"{path}.items")
    for key, one in properties_of(schema).items():
        known: Any = properties_of(skeleton).get(key)
        at, where = f"{said}.properties[{key}]", f"{path}.properties[{key}]"
        yield from _named(one, known, at, where)
