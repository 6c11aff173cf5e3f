"""From protobuf to JSON. Bounded in depth, linear in the size of the body; refuses what is odd."""

import base64
from typing import Any

from paas.apimachinery.protobuf import special, wire
from paas.apimachinery.protobuf.messages import SCALARS, MessageField, message, message_of
from paas.core.errors import BadRequestError
from paas.core.objects import ApiObject

MAGIC = b"k8s\x00"
MOST_DEPTH = 100
_SHORT = 0x80
_TYPE_META = 1 << 3 | wire.BYTES
_RAW = 2 << 3 | wire.BYTES
_MAP_KEY = 1 << 3 | wire.BYTES
_MAP_VALUE = 2 << 3 | wire.BYTES
_NUMBERS = frozenset({"bool", "int32", "int64"})


def decode(body: bytes, *, api_version: str = "", kind: str = "") -> ApiObject:
    """Return the object of an `application/vnd.kubernetes.protobuf` body, with apiVersion and kind.

    What is given by name holds where the body does not say its own. Zero values of fields that
    are no pointers in Go are left out, as in its JSON. Raises BadRequestError, and nothing else,
    for every other sequence of bytes.
    """
    try:
        return _envelope(body, api_version, kind, depth=0)
    except IndexError:
        raise wire.malformed("unexpected end") from None
    except UnicodeDecodeError:
        raise wire.malformed("a text is not UTF-8") from None


def _envelope(body: bytes, api_version: str, kind: str, *, depth: int) -> ApiObject:
    if not body.startswith(MAGIC):
        raise wire.malformed("it does not begin with the prefix k8s\\0")
    about, raw = _unknown(body, depth)
    api_version = about.get("apiVersion") or api_version
    kind = about.get("kind") or kind
    name = message_of(api_version, kind)
    if name is None:
        raise BadRequestError(f'no kind "{kind}" is registered for version "{api_version}"')
    fields = _message(raw, 0, len(raw), name, depth + 1)
    return {"apiVersion": api_version, "kind": kind, **fields}


def _unknown(body: bytes, depth: int) -> tuple[dict[str, str], bytes]:
    """Return typeMeta and the raw object of the envelope."""
    about: dict[str, str] = {}
    raw = b""
    at, end = len(MAGIC), len(body)
    while at < end:
        tag, at = wire.read_varint(body, at, end)
        if tag & 7 != wire.BYTES:
            at = wire.skip(body, at, end, tag & 7)
            continue
        start, at = wire.read_length(body, at, end)
        if tag == _TYPE_META:
            about = _message(body, start, at, "apimachinery.pkg.runtime.TypeMeta", depth)
        elif tag == _RAW:
            raw = body[start:at]
    return about, raw


def _message(data: bytes, at: int, end: int, name: str, depth: int) -> dict[str, Any]:
    """Return the members of the message that lies between two places."""
    if depth > MOST_DEPTH:
        raise wire.malformed("it is nested too deeply")
    fields = message(name)
    found: dict[str, Any] = {}
    while at < end:
        tag = data[at]  # one byte for the first fifteen fields
        if tag < _SHORT:
            at += 1
        else:
            tag, at = wire.read_varint(data, at, end)
        field = fields.get(tag >> 3)
        if field is None:
            at = wire.skip(data, at, end, tag & 7)
        elif tag & 7 == wire.BYTES:
            start, at = wire.read_length(data, at, end)
            _delimited(data, start, at, field, found, depth=depth)
        else:
            value, at = _number(data, at, end, tag & 7, field.type)
            _place(field, value, found)
    return found


def _delimited(
    data: bytes, start: int, end: int, field: MessageField, found: dict[str, Any], *, depth: int
) -> None:
    """Put the value of a field that has a length into `found`."""
    if field.map:
        _map_entry(data, start, end, field, found.setdefault(field.name, {}), depth=depth)
    elif field.type == "string":
        _place(field, data[start:end].decode(), found)
    elif field.type == "bytes":
        _place(field, base64.b64encode(data[start:end]).decode(), found)
    elif field.type in SCALARS:
        _packed(data, start, end, field, found)
    else:
        _place(field, value_of(data, start, end, field.type, depth + 1), found)


def _packed(data: bytes, at: int, end: int, field: MessageField, found: dict[str, Any]) -> None:
    if not field.many:
        raise wire.malformed(f"a length where {field.name} has a number")
    wire_type = wire.FIXED_64 if field.type == "double" else wire.VARINT
    while at < end:
        value, at = _number(data, at, end, wire_type, field.type)
        _place(field, value, found)


def _place(field: MessageField, value: Any, found: dict[str, Any]) -> None:
    if value is None:
        return
    if field.many:
        found.setdefault(field.name, []).append(value)
    elif field.inline:
        found.update(value)
    elif value or field.keeps_zero:
        found[field.name] = value
    else:
        found.pop(field.name, None)


def value_of(data: bytes, start: int, end: int, name: str, depth: int) -> Any:
    """Return the JSON value of a message, special ones included; None where it is unset."""
    if name in special.RAW:
        raw = _only_bytes(data, start, end)
        if raw.startswith(MAGIC):
            return _envelope(raw, "", "", depth=depth)
        return special.raw_to_json(raw)
    fields = _message(data, start, end, name, depth)
    return special.to_json(name, fields) if name in special.NAMES else fields


def _only_bytes(data: bytes, at: int, end: int) -> bytes:
    found = b""
    while at < end:
        tag, at = wire.read_varint(data, at, end)
        if tag == (1 << 3 | wire.BYTES):
            start, at = wire.read_length(data, at, end)
            found = data[start:at]
        else:
            at = wire.skip(data, at, end, tag & 7)
    return found


def _map_entry(
    data: bytes, at: int, end: int, field: MessageField, entries: dict[str, Any], *, depth: int
) -> None:
    """Read one entry of a map, a message {1 key, 2 value} in which either may be left out."""
    entry: dict[str, Any] = {}
    value_field = field.entry_value
    while at < end:
        tag, at = wire.read_varint(data, at, end)
        if tag == _MAP_KEY:
            start, at = wire.read_length(data, at, end)
            entry["key"] = data[start:at].decode()
        elif tag == _MAP_VALUE:
            start, at = wire.read_length(data, at, end)
            _delimited(data, start, at, value_field, entry, depth=depth)
        else:
            at = wire.skip(data, at, end, tag & 7)
    if "value" not in entry:
        _delimited(b"", 0, 0, value_field, entry, depth=depth)
    if "value" in entry:
        entries[entry.get("key", "")] = entry["value"]


def _number(data: bytes, at: int, end: int, wire_type: int, kind: str) -> tuple[Any, int]:
    if kind == "double" and wire_type == wire.FIXED_64:
        return wire.read_double(data, at, end)
    if wire_type != wire.VARINT or kind not in _NUMBERS:
        raise wire.malformed(f"wrong wire type {wire_type} for a field of type {kind}")
    number, at = wire.read_varint(data, at, end)
    if kind == "bool":
        return bool(number), at
    return (wire.signed_32(number) if kind == "int32" else wire.signed_64(number)), at
