"""Decoders of structs, lists and maps: what upstream's JSON decoder keeps, drops and refuses.

Unknown fields and nulls go, empty values stay, a null inside a list or map becomes the zero
value of its type. Everything is copied: what comes out shares nothing with what came in.
Source: sigs.k8s.io/json.
"""

from collections.abc import Mapping
from typing import Any

from paas.apimachinery.schema.nodes import Decode, Field, Node
from paas.apimachinery.schema.scalars import DecodeError, copy_json, mismatch

Table = dict[str, tuple[type | None, Decode]]


def struct_decoder(go_type: str, struct: str, table: Table, *, open_ended: bool) -> Decode:
    """Return the decoder of a struct; `table` may be filled later, which recursion needs.

    `open_ended` keeps fields that the table does not know.
    """
    look_up = table.get

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise mismatch(value, go_type)
        found = {}
        key = ""
        try:
            for key, one in value.items():
                entry = look_up(key)
                if one is None or entry is None:
                    if open_ended and entry is None:
                        found[key] = copy_json(one)
                    continue
                found[key] = one if type(one) is entry[0] else entry[1](one)
        except DecodeError as error:
            error.enter(struct, key)
            raise
        return found

    return decode


def table_of(fields: Mapping[str, Field]) -> Table:
    """Return what a struct's decoder looks fields up in."""
    return {key: (field.node.exact, field.node.decode) for key, field in fields.items()}


def list_decoder(node: Node, items: Node) -> Decode:
    """Return the decoder of a list. A null item becomes a zero value, or is dropped."""
    go_type, decode_item, exact, zero = node.go_type, items.decode, items.exact, items.zero

    def decode(value: Any) -> Any:
        if type(value) is not list:
            raise mismatch(value, go_type)
        if None in value:
            value = [one if one is not None else zero and zero() for one in value]
            value = [one for one in value if one is not None]
        return [one if type(one) is exact else decode_item(one) for one in value]

    return decode


def map_decoder(node: Node, values: Node) -> Decode:
    """Return the decoder of a map. A null value becomes a zero value, or is dropped."""
    go_type, decode_value, exact, zero = node.go_type, values.decode, values.exact, values.zero

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise mismatch(value, go_type)
        found = {}
        for key, one in value.items():
            if type(one) is exact:
                found[key] = one
            elif one is not None:
                found[key] = decode_value(one)
            elif zero is not None:
                found[key] = zero()
        return found

    return decode
