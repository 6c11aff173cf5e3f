"""What a rule sees of an object: names escaped, times as times, only what the schema declares.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/{values,model}; Kubernetes,
"Validation rules" (escaping, unknown fields, nullable).
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from paas.apimachinery.custom.extensions import (
    EMBEDDED,
    INT_OR_STRING,
    NOTHING,
    PRESERVE,
    JsonSchema,
    additional_of,
    items_of,
    properties_of,
)

_NANOS = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}
_PIECE = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_RESERVED = frozenset(
    {
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for",
        "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void",
        "while",
    }
)  # fmt: skip
_ESCAPES = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))
_HEAD: JsonSchema = {
    "type": "object",
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}},
        },
    },
}


def escaped(name: str) -> str | None:
    """Return a property's name in expressions; None where it has none there."""
    if name in _RESERVED:
        return f"__{name}__"
    for plain, code in _ESCAPES:
        name = name.replace(plain, code)
    return name if name.isascii() and name.isidentifier() else None


def with_head(schema: JsonSchema) -> JsonSchema:
    """Return the schema of an object whose apiVersion, kind and name every rule may read."""
    return {**schema, "properties": {**properties_of(schema), **properties_of(_HEAD)}}


def seen(value: Any, schema: JsonSchema) -> Any:
    """Return a value as rules see it."""
    if isinstance(value, dict):
        return _map_seen(value, with_head(schema) if schema.get(EMBEDDED) else schema)
    if isinstance(value, list):
        items = items_of(schema)
        return [seen(one, items if items is not None else NOTHING) for one in value]
    if isinstance(value, bool) or schema.get(INT_OR_STRING):
        return value
    if isinstance(value, int | float):
        return float(value) if schema.get("type") == "number" else _whole(value, schema)
    return _text_seen(value, schema) if isinstance(value, str) else value


def _whole(value: float, schema: JsonSchema) -> float:
    return int(value) if schema.get("type") == "integer" else value


def _map_seen(value: dict[str, Any], schema: JsonSchema) -> dict[str, Any]:
    known, others = properties_of(schema), additional_of(schema)
    found: dict[str, Any] = {}
    for key, one in value.items():
        if key in known:
            if (name := escaped(key)) is not None:
                found[name] = seen(one, known[key])
        elif others is not None:
            found[key] = seen(one, others)
        elif schema.get(PRESERVE) and not known:
            found[key] = one
    return found


def _text_seen(value: str, schema: JsonSchema) -> Any:
    make = FORMATS.get(str(schema.get("format") or ""))
    if make is None:
        return value
    try:
        return make(value)
    except (ValueError, binascii.Error):  # the format's own check says so
        return value


def _time(text: str) -> Any:
    from google.protobuf.timestamp_pb2 import Timestamp  # 9 MiB, for those with such fields

    moment = Timestamp()
    moment.FromJsonString(text if "T" in text else f"{text}T00:00:00Z")
    return moment


def _duration(text: str) -> Any:
    from google.protobuf.duration_pb2 import Duration  # as above

    pieces = _PIECE.findall(text)
    if not pieces:
        raise ValueError(f"not a duration as Go writes it: {text!r}")
    nanos = round(sum(float(number) * _NANOS[unit] for number, unit in pieces))
    span = Duration()
    span.FromNanoseconds(-nanos if text.startswith("-") else nanos)
    return span


FORMATS: Mapping[str, Callable[[str], Any]] = {
    "date": _time,
    "date-time": _time,
    "datetime": _time,
    "duration": _duration,
    "byte": base64.b64decode,
}
