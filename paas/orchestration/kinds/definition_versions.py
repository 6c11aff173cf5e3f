"""Rules for the versions of a CustomResourceDefinition: schemas, columns, fields, subresources.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paas.apimachinery.custom.default_rules import default_errors
from paas.apimachinery.custom.extensions import (
    JsonSchema,
    as_resource,
    below,
)
from paas.apimachinery.custom.jsonpath import JsonPath, PathError
from paas.apimachinery.custom.openapi_rules import openapi_errors
from paas.apimachinery.custom.rules import rule_errors
from paas.apimachinery.custom.structural import structural_errors
from paas.apimachinery.fielderrors import duplicate, forbidden, invalid, required, too_many
from paas.core.errors import Cause
from paas.core.names import label_1035_errors
from paas.core.shape import maps, submap, text

FIELDS_MAX = 8
_WARNING_MAX = 256
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = (
    "byte",
    "date",
    "date-time",
    "double",
    "float",
    "int32",
    "int64",
    "password",
)
_SELECTABLE = {"string", "boolean", "integer"}
_AT_ROOT = (
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "required",
    "items",
    "properties",
    "externalDocs",
    "example",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
)
_AT_ROOT_NAMES = (
    "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength "
    "MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties "
    "ExternalDocs Example XPreserveUnknownFields XValidations]"
)


def version_errors(version: Mapping[str, Any], path: str) -> Iterator[Cause]:
    """Check one of spec.versions."""
    if wrong := label_1035_errors(text(version, "name")):
        yield invalid(f"{path}.name", text(version, "name"), ",".join(wrong))
    yield from _warning_errors(version, f"{path}.deprecationWarning")
    has_status = "status" in submap(version, "subresources")
    schema = submap(version, "schema").get("openAPIV3Schema")
    if schema is not None:
        at = f"{path}.schema.openAPIV3Schema"
        yield from schema_errors(schema, at, has_status=has_status)
    yield from _scale_errors(submap(version, "subresources", "scale"), f"{path}.subresources")
    for place, column in enumerate(maps(version, "additionalPrinterColumns")):
        yield from _column_errors(column, f"{path}.additionalPrinterColumns[{place}]")
    if version.get("selectableFields"):
        yield from _fields_errors(
            maps(version, "selectableFields"), schema, f"{path}.selectableFields"
        )


def schema_errors(schema: JsonSchema, path: str, *, has_status: bool) -> list[Cause]:
    """Check a version's schema: at the root, structure, defaults, then the rest."""
    wrong = list(_root_errors(schema, path)) if has_status else []
    if schema.get("nullable"):
        wrong.append(forbidden(f"{path}.nullable", "nullable cannot be true at the root"))
    wrong += structural_errors(schema, path) or default_errors(as_resource(schema), path)
    wrong += openapi_errors(schema, path)
    return wrong or rule_errors(schema, path)


def _root_errors(schema: JsonSchema, path: str) -> Iterator[Cause]:
    if schema.get("type") != "object":
        why = (
            'only "object" is allowed as the type at the root of the schema if the status '
            "subresource is enabled"
        )
        yield invalid(f"{path}.type", schema.get("type") or "", why)
    if any(one for key, one in schema.items() if key not in _AT_ROOT):
        why = (
            f"only {_AT_ROOT_NAMES} fields are allowed at the root of the schema if the status "
            "subresource is enabled"
        )
        yield invalid(path, schema, why)


def _warning_errors(version: Mapping[str, Any], path: str) -> Iterator[Cause]:
    warning = version.get("deprecationWarning")
    if warning is None:
        return
    if not version.get("deprecated"):
        yield invalid(path, warning, "can only be set for deprecated versions")
        return
    if len(warning) > _WARNING_MAX:
        yield invalid(path, warning, f"must be <= {_WARNING_MAX} characters long")
    if not warning:
        yield invalid(path, warning, "must not be an empty string")
    odd = next((place for place, one in enumerate(warning) if not one.isprintable()), None)
    if odd is not None:
        why = "must only contain printable UTF-8 characters; non-printable character found at index"
        yield invalid(path, warning, f"{why} {len(warning[:odd].encode())}")


def _scale_errors(scale: Mapping[str, Any], path: str) -> Iterator[Cause]:
    if not scale:
        return
    for key, roots, words in (
        ("specReplicasPath", (".spec.",), ".spec"),
        ("statusReplicasPath", (".status.",), ".status"),
        ("labelSelectorPath", (".spec.", ".status."), "either .spec or .status"),
    ):
        at, value = f"{path}.scale.{key}", text(scale, key)
        if not value:
            if key != "labelSelectorPath":
                yield required(at)
        elif wrong := list(_path_errors(value, at)):
            yield from wrong
        elif not value.startswith(roots):
            yield invalid(at, value, f"should be a json path under {words}")


def _path_errors(path: str, at: str) -> Iterator[Cause]:
    if not path.startswith("."):
        yield invalid(at, path, "must be a simple json path starting with .")
        return
    try:
        JsonPath(path)
    except PathError as error:
        yield invalid(at, path, str(error))


def _column_errors(column: Mapping[str, Any], path: str) -> Iterator[Cause]:
    kind, form = text(column, "type"), text(column, "format")
    types, formats = ",".join(_COLUMN_TYPES), ",".join(_COLUMN_FORMATS)
    if not text(column, "name"):
        yield required(f"{path}.name")
    if not kind:
        yield required(f"{path}.type", f"must be one of {types}")
    elif kind not in _COLUMN_TYPES:
        yield invalid(f"{path}.type", kind, f"must be one of {types}")
    if form and form not in _COLUMN_FORMATS:
        yield invalid(f"{path}.format", form, f"must be one of {formats}")
    if not text(column, "jsonPath"):
        yield required(f"{path}.JSONPath")
    else:
        yield from _path_errors(text(column, "jsonPath"), f"{path}.JSONPath")


def _fields_errors(
    fields: list[dict[str, Any]], schema: JsonSchema | None, path: str
) -> Iterator[Cause]:
    if schema is None:
        why = "may only be set when `version.schema.openAPIV3Schema` is not included"
        yield invalid(path, "", why)
        return
    seen: set[str] = set()
    for place, one in enumerate(fields):
        value, at = text(one, "jsonPath"), f"{path}[{place}].jsonPath"
        if not value:
            yield required(at)
            continue
        yield from _field_errors(value, schema, at)
        if value in seen:
            yield duplicate(at, value)
        seen.add(value)
    if len(seen) > FIELDS_MAX:
        yield too_many(path, len(seen), FIELDS_MAX)


def _field_errors(path: str, schema: JsonSchema, at: str) -> Iterator[Cause]:
    steps = path.split(".")
    if steps[0] or len(steps) == 1:
        yield invalid(at, path, "is an invalid path: expected first element to be .")
        return
    found: JsonSchema | None = schema
    for step in steps[1:]:
        found = below(found, step) if found is not None and "[" not in step else None
    if steps[1] == "metadata":
        yield invalid(at, path, "must not point to fields in metadata")
    elif found is None:
        yield invalid(at, path, "is an invalid path: does not refer to a valid field")
    elif found.get("type") not in _SELECTABLE:
        why = (
            "must point to a field of type string, boolean or integer. Enum string fields and "
            "strings with formats are allowed."
        )
        yield invalid(at, path, why)
