"""The words of a structural schema. A schema here is the JSON of `openAPIV3Schema`, never changed.

Source: apiextensions.k8s.io/v1 JSONSchemaProps.
"""

from collections.abc import Iterator, Mapping
from typing import Any

JsonSchema = Mapping[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
LIST_MAP_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
VALIDATIONS = "x-kubernetes-validations"

TYPE_META = ("apiVersion", "kind", "metadata")
NOTHING: JsonSchema = {}


def properties_of(schema: JsonSchema) -> Mapping[str, JsonSchema]:
    """Return the declared properties."""
    return schema.get("properties") or NOTHING


def additional_of(schema: JsonSchema) -> JsonSchema | None:
    """Return the schema of undeclared properties; None where they are not allowed.

    `additionalProperties: true` allows them, but nothing within them.
    """
    found = schema.get("additionalProperties")
    if found is True:
        return NOTHING
    return found if isinstance(found, Mapping) else None


def items_of(schema: JsonSchema) -> JsonSchema | None:
    """Return the schema of a list's items."""
    found = schema.get("items")
    return found if isinstance(found, Mapping) else None


def as_resource(schema: JsonSchema) -> JsonSchema:
    """Return the schema of a whole object, whose apiVersion, kind and metadata are implied."""
    return {**schema, EMBEDDED: True}


def below(schema: JsonSchema, key: str) -> JsonSchema | None:
    """Return the schema of a property, declared or not; None where there is none."""
    return properties_of(schema).get(key) or additional_of(schema)


def walk(schema: JsonSchema) -> Iterator[JsonSchema]:
    """Yield a schema and every schema within it, those of value validations too."""
    yield schema
    within = [schema.get("not"), items_of(schema), additional_of(schema)]
    within += properties_of(schema).values()
    for word in ("allOf", "anyOf", "oneOf"):
        within += schema.get(word) or ()
    for one in within:
        if isinstance(one, Mapping):
            yield from walk(one)
