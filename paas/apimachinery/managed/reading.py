"""An applied configuration, read by its type: what it may hold and how its values are written.

Unlike the decoding of other bodies this refuses what it does not know, keeps nulls, and names an
item of a list by its key. Source: sigs.k8s.io/structured-merge-diff/typed/validate.go.
"""

import json
from typing import Any

from paas.apimachinery.managed.elements import FIELD, path_text
from paas.apimachinery.managed.shapes import Form, Shape
from paas.apimachinery.schema.scalars import DecodeError, copy_json
from paas.apimachinery.schema.unknown import unknown_in

UNDECLARED = "field not declared in schema"
_NUMERIC = frozenset({"int32", "int64", "float64"})
_WORDS = {"string": "string", "bool": "boolean"}
_GO_TYPES: dict[type, str] = {str: "string", bool: "bool", int: "int64", float: "float64"}


def read_config(shape: Shape, config: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a copy with canonical values, and each fault as `.spec.foo: field not declared …`."""
    reading = _Reading()
    found: dict[str, Any] = reading.value(shape, config, ())
    return found, reading.faults


class _Reading:
    """Walks one configuration and collects what is wrong with it."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def value(self, shape: Shape, value: Any, path: tuple[str, ...]) -> Any:
        if value is None:
            return None
        if shape.form is Form.MAP and (type(value) is dict or not shape.node.raw):
            return self._map(shape, value, path)
        if shape.form in {Form.KEYED, Form.SET}:
            return self._list(shape, value, path)
        return self._leaf(shape, value, path)

    def _map(self, shape: Shape, value: Any, path: tuple[str, ...]) -> Any:
        if type(value) is not dict:
            return self._fault(path, f"expected map, got {_shown(value)}")
        found = {}
        for key, one in value.items():
            child, below = shape.child(key), (*path, FIELD + key)
            if child is None:
                self._fault(below, UNDECLARED)
            else:
                found[key] = self.value(child, one, below)
        return found

    def _list(self, shape: Shape, value: Any, path: tuple[str, ...]) -> Any:
        if type(value) is not list:
            return self._fault(path, f"expected list, got {_shown(value)}")
        found: dict[str, Any] = {}
        for at, one in enumerate(value):
            try:
                element = shape.element(one)
            except ValueError as error:
                return self._fault(path, f"element {at}: {error}")
            if element in found:
                self._fault(path, f"duplicate entries for key {path_text((element,))}")
            found[element] = self.value(shape.item, one, (*path, element))
        return list(found.values())

    def _leaf(self, shape: Shape, value: Any, path: tuple[str, ...]) -> Any:
        node = shape.node
        if node.raw and node.fields is None:
            return copy_json(value)
        try:
            found = node.decode(value)
        except DecodeError as error:
            return self._fault(path, _wrong(node.go_type, value) or error.text)
        for unknown in unknown_in(node, value):
            below = unknown if unknown.startswith("[") else f".{unknown}"
            self._fault(path, UNDECLARED, below=below)
        return found

    def _fault(self, path: tuple[str, ...], why: str, *, below: str = "") -> None:
        self.faults.append(f"{path_text(path)}{below}: {why}")


def _wrong(go_type: str, value: Any) -> str:
    """Return upstream's words for a scalar of another type, or nothing for another fault."""
    if go_type in _NUMERIC:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return ""
        got = _GO_TYPES.get(type(value), "map[string]interface {}")
        return f"expected numeric (int or float), got {got}"
    if go_type in _WORDS:
        return f"expected {_WORDS[go_type]}, got {_shown(value)}"
    return ""


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))[:100]
