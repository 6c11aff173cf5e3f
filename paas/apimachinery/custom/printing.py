"""Columns of custom resources: `additionalPrinterColumns`, else only name and age.

Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor;
k8s.io/client-go/util/jsonpath (how a value is written).
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from paas.apimachinery.custom.jsonpath import JsonPath
from paas.apimachinery.kinds import Column
from paas.core.objects import ApiObject, name_of, parse_timestamp
from paas.core.shape import number, text

_NAME = Column(
    "Name",
    name_of,
    format="name",
    description=(
        "Name must be unique within a namespace. Is required when creating resources, although "
        "some resources may allow a client to request the generation of an appropriate name "
        "automatically. Name is primarily intended for creation idempotence and configuration "
        "definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/"
        "working-with-objects/names#names"
    ),
)
_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_AGE_TEXT = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. "
    "It is not guaranteed to be set in happens-before order across separate operations. Clients "
    "may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the "
    "system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/"
    "sig-architecture/api-conventions.md#metadata"
)


def columns_of(version: Mapping[str, Any]) -> tuple[Column, ...]:
    """Return the columns of one version of a definition."""
    declared = version.get("additionalPrinterColumns") or [{**_AGE, "description": _AGE_TEXT}]
    return (_NAME, *(_column(one) for one in declared))


def _column(declared: Mapping[str, Any]) -> Column:
    path, kind = text(declared, "jsonPath"), text(declared, "type")
    found = JsonPath(path)
    words = f"Custom resource definition column (in JSONPath format): {path}"
    return Column(
        text(declared, "name"),
        _cell_of(found, kind),
        kind=kind,
        description=text(declared, "description") or words,
        priority=number(declared, "priority") or 0,
        format=text(declared, "format"),
        announced=kind,
    )


def _cell_of(path: JsonPath, kind: str) -> Callable[[ApiObject], Any]:
    def cell(obj: ApiObject) -> Any:
        found = path.find(obj)
        return _shown(found[0], kind) if found else None

    return cell


def _shown(value: Any, kind: str) -> Any:
    """Return a value as its column's type has it; None where it is of another type."""
    if kind == "string":
        return _text(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "integer":
        return int(value) if is_number else None
    if kind == "number":
        return float(value) if is_number else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    return _date(value) if isinstance(value, str) else None


def _date(value: str) -> str:
    try:
        parse_timestamp(value)
    except ValueError:
        return "<invalid>"
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    return orjson.dumps(value).decode()
