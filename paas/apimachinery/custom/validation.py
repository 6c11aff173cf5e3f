"""Value validation of custom resources, in the words of upstream's validator.

On update a value that did not change is not held against the writer ("ratcheting"): it is left
alone wherever it can be found again, that is in objects, maps and lists of type `map`.
Source: k8s.io/kube-openapi/pkg/validation/{validate,errors};
k8s.io/apiextensions-apiserver/pkg/apiserver/validation.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from paas.apimachinery.custom.extensions import (
    INT_OR_STRING,
    LIST_MAP_KEYS,
    LIST_TYPE,
    JsonSchema,
    additional_of,
    items_of,
    properties_of,
)
from paas.apimachinery.custom.formats import checker_of
from paas.apimachinery.fielderrors import (
    invalid,
    not_supported,
    required,
    shown,
    too_long,
    too_many,
    type_invalid,
)
from paas.apimachinery.patch.values import same
from paas.core.errors import Cause

ROOT = "<nil>"
"""How upstream spells the path of a whole object, and that of what no one field broke."""

_PATTERNS = 1024
_ROUNDING = 1e-9
_RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "": (-(2**63), 2**63 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


class PatternError(ValueError):
    """A pattern that is no regular expression as Go reads them."""


class _Nowhere:
    """The old value of what has none."""


NOWHERE = _Nowhere()


def value_errors(value: Any, schema: JsonSchema, path: str = "", old: Any = NOWHERE) -> list[Cause]:
    """Return every rule that a value breaks and that its old one did not break already."""
    return list(_errors(value, schema, path, old))


def _errors(value: Any, schema: JsonSchema, path: str, old: Any) -> Iterator[Cause]:
    if old is not NOWHERE and same(value, old):
        return
    yield from _type_errors(value, schema, path)
    if value is None:
        yield from _enum_errors(value, schema, path)
        return
    yield from _combined_errors(value, schema, path, old)
    if isinstance(value, str):
        yield from _text_errors(value, schema, path)
    elif _is_number(value):
        yield from _number_errors(value, schema, path)
    elif isinstance(value, list):
        yield from _list_errors(value, schema, path, old)
    yield from _enum_errors(value, schema, path)
    if isinstance(value, dict):
        yield from _map_errors(value, schema, path, old)


# -- types ---------------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def json_type(value: Any) -> str:
    """Return what JSON Schema calls the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _type_errors(value: Any, schema: JsonSchema, path: str) -> Iterator[Cause]:
    if value is None and schema.get("nullable"):
        return
    wanted = _types_of(schema)
    have = json_type(value)
    if not wanted or have in wanted:
        return
    whole = have == "number" and float(value).is_integer()
    if (whole and "integer" in wanted) or (have == "integer" and "number" in wanted):
        return
    yield _wrong_type(path, ",".join(wanted), have)


def _types_of(schema: JsonSchema) -> tuple[str, ...]:
    if schema.get(INT_OR_STRING):
        return ("integer", "string")
    return (schema["type"],) if schema.get("type") else ()


def _wrong_type(path: str, wanted: str, value: str) -> Cause:
    why = f"{path} in body must be of type {wanted}: {shown(value)}"
    return type_invalid(_placed(path), value, why)


def _placed(path: str) -> str:
    return path or ROOT


# -- combinations --------------------------------------------------------------------------------


def _combined_errors(value: Any, schema: JsonSchema, path: str, old: Any) -> Iterator[Cause]:
    # alternatives are tried as they are: what is forgiven would make several of them fit
    yield from _any_of_errors(value, schema.get("anyOf") or (), path)
    yield from _one_of_errors(value, schema.get("oneOf") or (), path)
    yield from _all_of_errors(value, schema.get("allOf") or (), path, old)
    if schema.get("not") is not None and not value_errors(value, schema["not"], path):
        yield _of_none(f"{shown(path)} must not validate the schema (not)")


def _any_of_errors(value: Any, schemas: Any, path: str) -> Iterator[Cause]:
    found = [value_errors(value, one, path) for one in schemas]
    if found and all(found):
        yield _of_none(f"{shown(path)} must validate at least one schema (anyOf)")
        yield from min(found, key=len)


def _one_of_errors(value: Any, schemas: Any, path: str) -> Iterator[Cause]:
    found = [value_errors(value, one, path) for one in schemas]
    valid = sum(not one for one in found)
    if not found or valid == 1:
        return
    why = f"Found {valid} valid alternatives" if valid else "Found none valid"
    yield _of_none(f"{shown(path)} must validate one and only one schema (oneOf). {why}")
    if not valid:
        yield from min(found, key=len)


def _all_of_errors(value: Any, schemas: Any, path: str, old: Any) -> Iterator[Cause]:
    found = [value_errors(value, one, path, old) for one in schemas]
    for one in found:
        yield from one
    if any(found):
        why = ". None validated" if all(found) else ""
        yield _of_none(f"{shown(path)} must validate all the schemas (allOf){why}")


def _of_none(why: str) -> Cause:
    return invalid(ROOT, "", why)


# -- scalars -------------------------------------------------------------------------------------


def _text_errors(value: str, schema: JsonSchema, path: str) -> Iterator[Cause]:
    longest, shortest, pattern = (schema.get(key) for key in ("maxLength", "minLength", "pattern"))
    if longest is not None and len(value) > longest:
        yield too_long(path, longest)
    elif shortest is not None and len(value) < shortest:
        yield _broken(path, value, f"should be at least {shortest} chars long")
    elif pattern and not pattern_of(pattern).search(value):
        yield _broken(path, value, f"should match '{pattern}'")
    name = schema.get("format")
    check = checker_of(name) if name and schema.get("type") in {None, "string"} else None
    if check is not None and not check(value):
        why = f"{path} in body must be of type {name}: {shown(value)}"
        yield type_invalid(_placed(path), value, why)


@lru_cache(maxsize=_PATTERNS)
def pattern_of(pattern: str) -> Any:
    """Return a compiled RE2 pattern: Go's syntax, and linear in time. Raises PatternError."""
    import re2  # 5 MiB, for processes that meet a pattern

    try:
        return re2.compile(pattern)
    except re2.error as error:
        said = error.args[0] if error.args else error
        raise PatternError(said.decode() if isinstance(said, bytes) else str(said)) from error


def _number_errors(value: float, schema: JsonSchema, path: str) -> Iterator[Cause]:
    if (why := _range_error(value, schema, path)) is not None:
        yield invalid(ROOT, "", why)
    factor, least, most = (schema.get(key) for key in ("multipleOf", "minimum", "maximum"))
    if factor and not _is_whole(value / factor):
        yield _broken(path, value, f"should be a multiple of {_go_number(factor)}")
    if least is not None:
        strict = bool(schema.get("exclusiveMinimum"))
        if value < least or (strict and value == least):
            words = "greater than" if strict else "greater than or equal to"
            yield _broken(path, value, f"should be {words} {_go_number(least)}")
    if most is not None:
        strict = bool(schema.get("exclusiveMaximum"))
        if value > most or (strict and value == most):
            words = "less than" if strict else "less than or equal to"
            yield _broken(path, value, f"should be {words} {_go_number(most)}")


def _is_whole(ratio: float) -> bool:
    return abs(ratio - round(ratio)) <= _ROUNDING


def _range_error(value: float, schema: JsonSchema, path: str) -> str | None:
    if schema.get("type") != "integer":
        return None
    name = schema.get("format") or ""
    low, high = _RANGES.get(name, _RANGES[""])
    if low <= value <= high:
        return None
    form = f"with format {name}" if name in _RANGES and name else "(default format)"
    return f"Checked value must be of type integer {form} in {path}"


def _go_number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _enum_errors(value: Any, schema: JsonSchema, path: str) -> Iterator[Cause]:
    offered = schema.get("enum")
    if not offered or any(same(value, one) for one in offered):
        return
    if value is None and schema.get("nullable") and None in offered:
        return
    yield not_supported(
        _placed(path), value, [one if isinstance(one, str) else shown(one) for one in offered]
    )


def _broken(path: str, value: Any, why: str) -> Cause:
    return invalid(_placed(path), value, f"{path} in body {why}")


# -- lists and objects -----------------------------------------------------------------------------


def _list_errors(value: list[Any], schema: JsonSchema, path: str, old: Any) -> Iterator[Cause]:
    items = items_of(schema)
    if items is not None:
        find = old_items(schema, old)
        for place, one in enumerate(value):
            yield from _errors(one, items, f"{path}[{place}]", find(one))
    fewest, most = schema.get("minItems"), schema.get("maxItems")
    if fewest is not None and len(value) < fewest:
        yield _broken(path, len(value), f"should have at least {fewest} items")
    if most is not None and len(value) > most:
        yield too_many(_placed(path), len(value), most)


def old_items(schema: JsonSchema, old: Any) -> Callable[[Any], Any]:
    """Return what finds an item's old self: only lists of type `map` have one."""
    if schema.get(LIST_TYPE) != "map" or not isinstance(old, list):
        return lambda _: NOWHERE
    keys = schema.get(LIST_MAP_KEYS) or ()
    known = {_key_of(one, keys): one for one in old if isinstance(one, dict)}
    return lambda item: known.get(_key_of(item, keys), NOWHERE)


def _key_of(item: Any, keys: Any) -> tuple[str, ...]:
    return tuple(shown(item.get(key)) for key in keys) if isinstance(item, dict) else ()


def _map_errors(value: dict[str, Any], schema: JsonSchema, path: str, old: Any) -> Iterator[Cause]:
    fewest, most = schema.get("minProperties"), schema.get("maxProperties")
    if fewest is not None and len(value) < fewest:
        yield _broken(path, value, f"should have at least {fewest} properties")
    if most is not None and len(value) > most:
        yield too_many(_placed(path), len(value), most)
    known, others = properties_of(schema), additional_of(schema)
    for key, one in value.items():
        inner = known.get(key, others)
        if inner is not None:
            yield from _errors(one, inner, f"{path}.{key}" if path else key, old_field(old, key))
    for key in schema.get("required") or ():
        if key not in value:
            yield required(f"{path}.{key}" if path else key)


def old_field(old: Any, key: str) -> Any:
    """Return a field's old self."""
    return old.get(key, NOWHERE) if isinstance(old, dict) else NOWHERE
