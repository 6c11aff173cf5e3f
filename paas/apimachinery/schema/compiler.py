"""From definitions to nodes. Each definition is compiled once; cycles are tied through the node."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paas.apimachinery.schema import scalars
from paas.apimachinery.schema.decoding import (
    Table,
    list_decoder,
    map_decoder,
    struct_decoder,
    table_of,
)
from paas.apimachinery.schema.definitions import Definition
from paas.apimachinery.schema.nodes import Field, Node
from paas.apimachinery.schema.rules import is_pointer, required_of, rules_of

_INTEGERS = {"int32": scalars.INTEGER_32, "int64": scalars.INTEGER_64}
_STRINGS = {"byte": scalars.BYTES, "date-time": scalars.TIME}
_PRESERVE = "x-kubernetes-preserve-unknown-fields"


def _undecided(_: Any) -> Any:
    raise AssertionError("a node was used before it was compiled")


def go_names(definition_name: str) -> tuple[str, str]:
    """Return what Go calls a definition: `PodSpec` and `v1.PodSpec`."""
    parts = definition_name.split(".")
    return parts[-1], ".".join(parts[-2:])


class Compiler:
    """Compiles definitions on demand from a set that is complete under `$ref`."""

    def __init__(self, definitions: Mapping[str, Definition], known: dict[str, Node]) -> None:
        self._definitions = definitions
        self.known = known
        self._plain: dict[int, Field] = {}

    def named(self, name: str) -> Node:
        """Return the node of a definition. Raises KeyError where there is none."""
        if (leaf := scalars.NAMED.get(name)) is not None:
            return leaf
        if (found := self.known.get(name)) is not None:
            return found
        struct, go_type = go_names(name)
        node = Node(go_type, _undecided, zero=dict, struct=struct, pointer=is_pointer(name))
        self.known[name] = node
        self._fill(node, self._definitions[name], name)
        return node

    def inline(self, schema: Mapping[str, Any], name: str) -> Node:
        """Return the node of a schema that stands in a property; `name` is made up for it."""
        if (reference := self._reference(schema)) is not None:
            found = self.named(reference)
            rules = rules_of(schema)
            return replace(found, rules=(*found.rules, *rules)) if rules else found
        if _is_leaf(schema) and not rules_of(schema):
            return _leaf(schema)
        struct, _ = go_names(name)
        node = Node(struct, _undecided, zero=dict, struct=struct)
        self._fill(node, schema, name)
        return node

    @staticmethod
    def _reference(schema: Mapping[str, Any]) -> str | None:
        if (name := schema.get("$ref")) is not None:
            return str(name)
        for one in schema.get("allOf") or ():
            if "$ref" in one:
                return str(one["$ref"])
        return None

    def _fill(self, node: Node, schema: Mapping[str, Any], name: str) -> None:
        node.rules = rules_of(schema)
        node.map_type = str(schema.get("x-kubernetes-map-type", ""))
        if _is_leaf(schema):
            _become(node, _leaf(schema))
        elif schema.get("properties"):
            self._fill_struct(node, schema, name)
        elif "items" in schema:
            self._fill_list(node, schema["items"], name)
        else:
            self._fill_map(node, schema["additionalProperties"], name)

    def _fill_struct(self, node: Node, schema: Mapping[str, Any], name: str) -> None:
        table: Table = {}
        open_ended = bool(schema.get(_PRESERVE) or schema.get("additionalProperties"))
        node.decode = struct_decoder(node.go_type, node.struct, table, open_ended=open_ended)
        node.raw = open_ended
        node.required = required_of(name, schema)
        node.fields = {
            key: self._field(one, f"{name}{key[:1].upper()}{key[1:]}")
            for key, one in schema["properties"].items()
        }
        table.update(table_of(node.fields))

    def _fill_list(self, node: Node, schema: Mapping[str, Any], name: str) -> None:
        node.items = self.inline(schema, name)
        node.go_type, node.zero = f"[]{node.items.go_type}", None
        node.decode = list_decoder(node, node.items)

    def _fill_map(self, node: Node, schema: Mapping[str, Any], name: str) -> None:
        node.values = self.inline(schema, name)
        node.go_type, node.zero = f"map[string]{node.values.go_type}", None
        if node.values is scalars.QUANTITY:
            node.go_type = "v1.ResourceList"
        node.decode = map_decoder(node, node.values)

    def _field(self, schema: Mapping[str, Any], name: str) -> Field:
        strategies = str(schema.get("x-kubernetes-patch-strategy", "")).split(",")
        strategy = next((one for one in strategies if one and one != "retainKeys"), "")
        node = self.inline(schema, name)
        if not any(key.startswith("x-kubernetes-") for key in schema):
            return self._plain.setdefault(id(node), Field(node))
        return Field(
            node=node,
            strategy=strategy,
            retain_keys="retainKeys" in strategies,
            merge_key=str(schema.get("x-kubernetes-patch-merge-key", "")),
            list_type=str(schema.get("x-kubernetes-list-type", "")),
            map_keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()),
            map_type=str(schema.get("x-kubernetes-map-type", "")),
        )


def _is_leaf(schema: Mapping[str, Any]) -> bool:
    if schema.get("properties") or schema.get("additionalProperties"):
        return not (schema.get("properties") or isinstance(schema["additionalProperties"], dict))
    return not (schema.get("type") == "array" and "items" in schema)


def _leaf(schema: Mapping[str, Any]) -> Node:
    if schema.get("x-kubernetes-int-or-string"):
        return scalars.INT_OR_STRING
    kind, form = schema.get("type"), str(schema.get("format", ""))
    if kind == "string":
        return _STRINGS.get(form, scalars.STRING)
    if kind == "integer":
        return _INTEGERS.get(form, scalars.INTEGER_64)
    if kind == "number":
        return scalars.NUMBER
    if kind == "boolean":
        return scalars.BOOLEAN
    return scalars.OPEN_MAP if kind == "object" and schema.get(_PRESERVE) else scalars.RAW


def _become(node: Node, leaf: Node) -> None:
    node.go_type, node.decode, node.zero = leaf.go_type, leaf.decode, leaf.zero
    node.exact, node.raw, node.map_type = leaf.exact, leaf.raw, node.map_type or leaf.map_type
