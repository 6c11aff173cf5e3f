"""Whether the defaults of a schema are values that the schema itself allows.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go.
"""

from collections.abc import Iterator

from paas.apimachinery.custom.embedded import Coercer, embedded_errors
from paas.apimachinery.custom.extensions import JsonSchema, items_of, properties_of
from paas.apimachinery.custom.pruning import prune
from paas.apimachinery.custom.rules import has_rules, validation_errors
from paas.apimachinery.custom.validation import value_errors
from paas.apimachinery.fielderrors import invalid
from paas.apimachinery.patch.values import same
from paas.apimachinery.schema.scalars import copy_json
from paas.apimachinery.schema.schemas import metadata_node
from paas.core.errors import BadRequestError, Cause


def default_errors(schema: JsonSchema, path: str) -> Iterator[Cause]:
    """Yield what is wrong with each default. Those below additionalProperties are not looked at."""
    if schema.get("default") is not None:
        yield from _own_errors(schema, f"{path}.default")
    items = items_of(schema)
    if items is not None:
        yield from default_errors(items, f"{path}.items")
    for key, one in properties_of(schema).items():
        yield from default_errors(one, f"{path}.properties[{key}]")


def _own_errors(schema: JsonSchema, path: str) -> Iterator[Cause]:
    value = copy_json(schema["default"])
    pruned = copy_json(value)
    prune(pruned, schema)
    if not same(pruned, value):
        yield invalid(path, value, "must not have unknown fields")
    try:
        Coercer(metadata_node()).coerce(value, schema, path)
    except BadRequestError as error:
        yield invalid(path, schema["default"], error.message)
        return
    wrong = [*embedded_errors(value, schema, path)] or value_errors(value, schema, path)
    if not wrong and has_rules(schema):
        # upstream asks twice: as what was there before, and as what is new
        wrong = validation_errors(value, schema, path, value, is_root=False)
        wrong = wrong or validation_errors(value, schema, path, is_root=False)
    yield from wrong
