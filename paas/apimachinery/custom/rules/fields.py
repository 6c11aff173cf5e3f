"""Whether an expression names only fields that the schema has.

The library is told that objects are maps, since it knows no other types without protobuf; so what
upstream's compiler says of an undefined field is found out here, in the tree that it made.
Source: cel.expr.CheckedExpr (google/cel-spec, checked.proto and syntax.proto).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paas.apimachinery.custom.extensions import (
    EMBEDDED,
    PRESERVE,
    JsonSchema,
    additional_of,
    items_of,
    properties_of,
)
from paas.apimachinery.custom.rules.values import escaped, with_head
from paas.apimachinery.protobuf.wire import BYTES, read_length, read_varint, skip

Scope = Mapping[str, JsonSchema]
_ANY_VALUE, _CHECKED_EXPR, _CHECKED_SOURCE, _POSITIONS = 2, 4, 5, 4
_ID, _CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = 2, 3, 4, 5, 6, 7, 8, 9
_CONST_STRING = 6
_INDEX = frozenset({"_[_]", "_[?_]"})
_OPTIONAL_FIELD = "_?._"


@dataclass(frozen=True, slots=True)
class Undefined:
    """A field that is not there, and the offset in the expression at which it is named."""

    name: str
    offset: int


def undefined_fields(program: bytes, scope: Scope) -> list[Undefined]:
    """Return each select of a compiled expression that its schema does not have.

    `scope` has the schema of each variable.
    """
    checked = _one(_members(program), _ANY_VALUE)
    parts = _members(checked)
    source = _members(_one(parts, _CHECKED_SOURCE))
    places = dict(_position(one) for one in source.get(_POSITIONS, ()))
    walker = _Walker(places)
    walker.walk(_one(parts, _CHECKED_EXPR), scope)
    return walker.found


class _Walker:
    """Follows an expression with what is known of each value's schema; None is anything."""

    def __init__(self, places: Mapping[int, int]) -> None:
        self._places = places
        self.found: list[Undefined] = []

    def walk(self, expression: bytes, scope: Scope) -> JsonSchema | None:
        """Return the schema of the value of an expression."""
        parts = _members(expression)
        if _IDENT in parts:
            return scope.get(_text(_members(_one(parts, _IDENT)), 1))
        if _SELECT in parts:
            select = _members(_one(parts, _SELECT))
            inner = self.walk(_one(select, 1), scope)
            return self._field(inner, _text(select, 2), _number(parts, _ID))
        if _CALL in parts:
            return self._call(_members(_one(parts, _CALL)), scope, _number(parts, _ID))
        if _COMPREHENSION in parts:
            return self._comprehension(_members(_one(parts, _COMPREHENSION)), scope)
        for element in _members(_one(parts, _LIST)).get(1, ()):
            self.walk(element, scope)
        for entry in _members(_one(parts, _STRUCT)).get(2, ()):
            for value in _members(entry).get(4, ()):
                self.walk(value, scope)
        return None

    def _field(self, schema: JsonSchema | None, name: str, place: int) -> JsonSchema | None:
        if schema is None or schema.get("type") != "object":
            return None
        known = properties_of(with_head(schema) if schema.get(EMBEDDED) else schema)
        for key, one in known.items():
            if escaped(key) == name:
                return one
        others = additional_of(schema)
        if others is not None:
            return others
        if known or not schema.get(PRESERVE):
            self.found.append(Undefined(name, self._places.get(place, 0)))
        return None

    def _call(self, call: dict[int, list[Any]], scope: Scope, place: int) -> JsonSchema | None:
        name = _text(call, 2)
        given = [*call.get(1, ()), *call.get(3, ())]
        schemas = [self.walk(one, scope) for one in given]
        if name == _OPTIONAL_FIELD:
            constant = _members(_one(_members(given[1]), _CONST))
            return self._field(schemas[0], _text(constant, _CONST_STRING), place)
        if name in _INDEX and schemas[0] is not None:
            return items_of(schemas[0]) or additional_of(schemas[0])
        return None

    def _comprehension(self, loop: dict[int, list[Any]], scope: Scope) -> JsonSchema | None:
        over = self.walk(_one(loop, 2), scope)
        begun = self.walk(_one(loop, 4), scope)
        inner = dict(scope)
        for name, schema in (
            (_text(loop, 1), items_of(over) if over is not None else None),
            (_text(loop, 3), begun),
        ):
            inner.pop(name, None)
            if schema is not None:
                inner[name] = schema
        for step in (5, 6, 7):
            self.walk(_one(loop, step), inner)
        return None


# -- the wire --------------------------------------------------------------------------------------


def _members(data: bytes) -> dict[int, list[Any]]:
    """Return the fields of a message: bytes and numbers, by field number."""
    found: dict[int, list[Any]] = {}
    for number, value in _fields(data):
        found.setdefault(number, []).append(value)
    return found


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at, end)
        number, form = tag >> 3, tag & 7
        if form == BYTES:
            start, at = read_length(data, at, end)
            yield number, data[start:at]
        elif form == 0:
            value, at = read_varint(data, at, end)
            yield number, value
        else:
            at = skip(data, at, end, form)


def _one(parts: dict[int, list[Any]], number: int) -> bytes:
    found = parts.get(number)
    return bytes(found[-1]) if found else b""


def _text(parts: dict[int, list[Any]], number: int) -> str:
    return _one(parts, number).decode()


def _number(parts: dict[int, list[Any]], number: int) -> int:
    found = parts.get(number)
    return int(found[-1]) if found else 0


def _position(entry: bytes) -> tuple[int, int]:
    parts = _members(entry)
    return _number(parts, 1), _number(parts, 2)
