"""Reads the parts of a schema that upstream's types leave open: a schema, or something else.

`items` may be a list, `additionalProperties` a boolean; what is a schema there must be one all
the same, so that nothing behind this meets a value of a type it does not expect.
"""

from typing import Any

from paas.apimachinery.schema.schemas import upstream_node

PROPS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
_OPEN = ("items", "additionalProperties")


def read_open_parts(schema: dict[str, Any]) -> None:
    """Decode them in place, all the way down. Raises DecodeError."""
    for word in _OPEN:
        if isinstance(schema.get(word), dict):
            schema[word] = upstream_node(PROPS).decode(schema[word])
        elif word in schema and not isinstance(schema[word], list | bool):
            schema[word] = upstream_node(PROPS).decode(schema[word])  # fails, in the usual words
    for inner in _schemas_in(schema):
        read_open_parts(inner)


def _schemas_in(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = [schema.get(word) for word in (*_OPEN, "not")]
    found += (schema.get("properties") or {}).values()
    for word in ("allOf", "anyOf", "oneOf"):
        found += schema.get(word) or []
    return [one for one in found if isinstance(one, dict)]
