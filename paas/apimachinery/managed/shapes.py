"""How a type's values are divided among managers: which maps and lists are merged item by item.

A shape is made of a schema's field when it is first asked for, and kept there. What is of no shape
that merges is a leaf: it is owned, compared and replaced as a whole.
Source: k8s.io/kube-openapi/pkg/schemaconv.
"""

from enum import Enum
from typing import Any

from paas.apimachinery.managed.elements import key_element, value_element
from paas.apimachinery.schema.nodes import Field, Node
from paas.apimachinery.schema.scalars import RAW
from paas.apimachinery.schema.schemas import Schema, Untyped

# Go holds these structs by value: they are never absent, only empty, so nobody owns that they are
# there. Source: k8s.io/api, where the exceptions to this rule of names hold fields of no interest.
_BY_VALUE = ("Spec", "Status", "Strategy", "Meta")
_BY_POINTER = "RollingUpdate"
_KEY_DEFAULTS = {"protocol": "TCP"}
"""Keys of list items that may be left out, as upstream's OpenAPI gives their defaults."""


class Form(Enum):
    """How the parts of a value are told apart."""

    LEAF = "leaf"
    MAP = "map"
    KEYED = "keyed"
    SET = "set"


class Shape:
    """The shape of one field's values. `keys` names each key of a keyed list and its default."""

    __slots__ = ("_inner", "by_value", "form", "keys", "node")

    def __init__(self, node: Node, form: Form, merge_keys: tuple[str, ...] = ()) -> None:
        self.node = node
        self.form = form
        self.by_value = form is Form.MAP and _is_held_by_value(node)
        self.keys = _with_defaults(node, merge_keys)
        self._inner: Shape | None = None

    def child(self, name: str) -> "Shape | None":
        """Return the shape of a map's field or value; None where there can be none."""
        fields = self.node.fields
        if fields is not None and (field := fields.get(name)) is not None:
            return shape_of(field)
        return self.values

    def is_named(self, name: str) -> bool:
        """Say whether a key of a map is a field of a struct."""
        return self.node.fields is not None and name in self.node.fields

    @property
    def values(self) -> "Shape | None":
        """Return the shape of what the schema of a map has no field for."""
        if self._inner is None:
            if self.node.values is not None:
                self._inner = shape_of(Field(self.node.values))
            elif self.node.raw:
                self._inner = DEDUCED
        return self._inner

    @property
    def item(self) -> "Shape":
        """Return the shape of a list's items."""
        if self._inner is None:
            self._inner = shape_of(Field(self.node.items or RAW))
        return self._inner

    def element(self, item: Any) -> str:
        """Return the path element of an item of a keyed list or a set. Raises ValueError."""
        if self.form is Form.SET:
            if item is None or isinstance(item, dict | list):
                raise ValueError("a set has an element that is no scalar")
            return value_element(item)
        if type(item) is not dict:
            raise ValueError("associative list with keys may not have non-map elements")
        found = {}
        for key, default in self.keys:
            value = item.get(key, default)
            if value is not None:
                found[key] = value
        if not found:
            raise ValueError(_no_keys([key for key, _ in self.keys]))
        return key_element(found)


def shape_of(field: Field) -> Shape:
    """Return the shape of a field, which keeps it."""
    found: Shape | None = field.shape
    if found is None:
        found = field.shape = _new_shape(field)
    return found


def whole_shape(schema: Schema) -> Shape:
    """Return the shape of a kind's whole objects."""
    return DEDUCED if isinstance(schema, Untyped) else shape_of(schema.whole)


def _new_shape(field: Field) -> Shape:
    node = field.node
    if node.items is not None:
        return _list_shape(field)
    said = field.map_type or node.map_type
    is_map = node.fields is not None or node.values is not None or said == "granular"
    merges = is_map and said != "atomic"
    return Shape(node, Form.MAP if merges else Form.LEAF)


def _list_shape(field: Field) -> Shape:
    kind, keys = field.list_type, field.map_keys
    if not kind and field.strategy == "merge":
        kind, keys = ("map", (field.merge_key,)) if field.merge_key else ("set", ())
    if kind == "map":
        return Shape(field.node, Form.KEYED, keys)
    return Shape(field.node, Form.SET if kind == "set" else Form.LEAF)


def _with_defaults(node: Node, keys: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
    fields = (node.items.fields if node.items is not None else None) or {}
    found = []
    for key in sorted(keys):
        zero = fields[key].node.zero if key in fields else None
        found.append((key, _KEY_DEFAULTS.get(key, zero() if zero is not None else None)))
    return tuple(found)


def _is_held_by_value(node: Node) -> bool:
    by_value = node.struct.endswith(_BY_VALUE) and not node.struct.startswith(_BY_POINTER)
    return node.fields is not None and by_value


def _no_keys(keys: list[str]) -> str:
    names = " ".join(f'"{key}"' for key in keys)
    return (
        f"associative list with keys has an element that omits all key fields [{names}] "
        "(and doesn't have default values for any key fields)"
    )


DEDUCED = Shape(RAW, Form.MAP)
"""The shape of what has no schema: maps merge key by key, all else is a leaf."""
