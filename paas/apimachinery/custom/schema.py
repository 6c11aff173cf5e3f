"""The schema of one version of a custom resource: reads, prunes, defaults and checks objects."""

from functools import cached_property
from typing import Any

from paas.apimachinery.custom.defaulting import apply_defaults
from paas.apimachinery.custom.embedded import Coercer, embedded_errors
from paas.apimachinery.custom.extensions import JsonSchema, as_resource
from paas.apimachinery.custom.listtypes import list_errors
from paas.apimachinery.custom.pruning import prune
from paas.apimachinery.custom.rules import has_rules, validation_errors
from paas.apimachinery.custom.validation import NOWHERE, ROOT, value_errors
from paas.apimachinery.fielderrors import invalid
from paas.apimachinery.schema import Schema
from paas.apimachinery.schema.nodes import Field, Node
from paas.apimachinery.schema.scalars import copy_json
from paas.apimachinery.schema.schemas import inline_schema, metadata_node
from paas.core.errors import BadRequestError, Cause
from paas.core.objects import ApiObject

_BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
_UNCHECKED = invalid(
    ROOT,
    None,
    "some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation",
)


def _before(old: ApiObject | None) -> Any:
    return NOWHERE if old is None else old


class CustomSchema(Schema):
    """A structural schema, which is the JSON of `openAPIV3Schema`. Safe to use from many threads.

    `root` is what patches merge by; it is compiled when somebody asks for it.
    """

    def __init__(self, definition: JsonSchema, name: str) -> None:
        self.definition = definition
        self._whole = as_resource(definition)
        self._has_rules = has_rules(definition)
        self._name = name

    @cached_property
    def root(self) -> Node:  # type: ignore[override] # a slot of the base, made late here
        """Return the schema as the node that server-side apply goes by."""
        return inline_schema(self.definition, self._name)

    @cached_property
    def whole(self) -> Field:  # type: ignore[override] # as above
        """Return the root as the field that keeps what server-side apply makes of it."""
        return Field(self.root)

    def read(self, obj: ApiObject) -> ApiObject:
        """Return a deep copy without unknown fields, its metadata read as ObjectMeta."""
        copied: ApiObject = copy_json(obj)
        Coercer(metadata_node()).coerce(copied, self._whole)
        prune(copied, self._whole)
        return copied

    def default(self, obj: ApiObject) -> None:
        """Drop nulls that may not be and fill in defaults, in place."""
        apply_defaults(obj, self.definition)

    def tidy(self, obj: ApiObject) -> None:
        """Bring an object that is stored to what this schema says today, in place."""
        prune(obj, self._whole)
        apply_defaults(obj, self.definition)

    def unknown_fields(self, obj: ApiObject) -> list[str]:
        """Return the path of each field that reading would drop, sorted."""
        coercer = Coercer(metadata_node())
        try:
            copied: ApiObject = copy_json(obj)
            coercer.coerce(copied, self._whole)
            return sorted([*coercer.unknown, *prune(copied, self._whole)])
        except (BadRequestError, RecursionError):  # reading it will say so
            return []

    def check(self, obj: ApiObject, old: ApiObject | None = None) -> list[Cause]:
        """Return every rule that an object breaks, but for what it broke before (`old`)."""
        wrong = value_errors(obj, self.definition, old=_before(old))
        wrong += embedded_errors(obj, self.definition)
        wrong += self._list_errors(obj, old)
        if not self._has_rules:
            return wrong
        if any(cause.reason in _BLOCKING for cause in wrong):
            return [*wrong, _UNCHECKED]
        return [*wrong, *validation_errors(obj, self.definition, old=_before(old))]

    def _list_errors(self, obj: ApiObject, old: Any) -> list[Cause]:
        if old is not None and list_errors(old, self.definition):
            return []
        return list_errors(obj, self.definition)
