"""From JSON to protobuf, for clients that accept nothing else."""

import base64
import binascii
from typing import Any

import orjson

from paas.apimachinery.protobuf import special, wire
from paas.apimachinery.protobuf.decoding import MAGIC
from paas.apimachinery.protobuf.messages import SCALARS, MessageField, message, message_of
from paas.core.errors import NotAcceptableError
from paas.core.objects import ApiObject


def encode(obj: ApiObject) -> bytes:
    """Return an object as an `application/vnd.kubernetes.protobuf` body.

    Raises NotAcceptableError for kinds without a message and for values that fit none: what the
    door stores has been through a schema and fits.
    """
    api_version, kind = str(obj.get("apiVersion", "")), str(obj.get("kind", ""))
    name = message_of(api_version, kind)
    if name is None:
        raise NotAcceptableError(
            f"{kind} of {api_version} has no protobuf form", hint="Accept application/json."
        )
    try:
        raw = _message(name, obj)
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as error:
        raise NotAcceptableError(
            f"this {kind} cannot be written as protobuf: {error}", hint="Accept application/json."
        ) from error
    about = wire.write_bytes(1, api_version.encode()) + wire.write_bytes(2, kind.encode())
    # upstream writes contentEncoding and contentType too, empty
    tail = wire.write_bytes(3, b"") + wire.write_bytes(4, b"")
    return MAGIC + wire.write_bytes(1, about) + wire.write_bytes(2, raw) + tail


def _message(name: str, value: dict[str, Any]) -> bytes:
    out = bytearray()
    for field in message(name).values():
        if field.inline:
            if inner := _message(field.type, value):
                out += wire.write_bytes(field.number, inner)
        elif (one := value.get(field.name)) is not None:
            out += _field(field, one)
    return bytes(out)


def _field(field: MessageField, value: Any) -> bytes:
    if field.map:
        return b"".join(
            wire.write_bytes(field.number, wire.write_bytes(1, key.encode()) + _one(field, 2, one))
            for key, one in value.items()
            if one is not None
        )
    if field.many:
        if not isinstance(value, list):
            raise TypeError(f"{field.name} is no list")
        return b"".join(_one(field, field.number, one) for one in value)
    return _one(field, field.number, value)


def _one(field: MessageField, number: int, value: Any) -> bytes:
    if field.type in SCALARS:
        return _scalar(field, number, value)
    return wire.write_bytes(number, _body(field.type, value))


def _body(name: str, value: Any) -> bytes:
    if name in special.RAW:
        return wire.write_bytes(1, orjson.dumps(value))
    if name in special.NAMES:
        value = special.from_json(name, value)
    return _message(name, value)


def _scalar(field: MessageField, number: int, value: Any) -> bytes:
    kind = field.type
    if kind == "string" and isinstance(value, str):
        return wire.write_bytes(number, value.encode())
    if kind == "bytes" and isinstance(value, str):
        return wire.write_bytes(number, _from_base64(value))
    if kind == "bool" and isinstance(value, bool):
        return wire.write_number(number, value)
    if kind == "double" and isinstance(value, int | float):
        return wire.write_double(number, value)
    if kind in {"int32", "int64"} and type(value) is int:
        return wire.write_number(number, value)
    raise TypeError(f"{field.name} is no {kind}")


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"{text[:20]!r} is not base64") from error
