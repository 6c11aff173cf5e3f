"""The views of an object that are not the object: Table and PartialObjectMetadata.

Source: metav1.Table, metav1.PartialObjectMetadata; k8s.io/kubernetes/pkg/printers.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from paas.apimachinery.kinds import Column, Kind, Since
from paas.core.durations import human_duration
from paas.core.errors import BadRequestError
from paas.core.objects import ApiObject, name_of, parse_timestamp

_GROUP = "meta.k8s.io"
_INCLUDES = frozenset({"", "None", "Metadata", "Object"})
_UNKNOWN = "<unknown>"


def _created(obj: ApiObject) -> Any:
    return obj["metadata"].get("creationTimestamp")


DEFAULT_COLUMNS = (
    Column("Name", name_of, format="name", description="Name must be unique within a namespace."),
    Column("Age", _created, kind="date", description="Time since the object was created."),
)
"""For kinds that declare none, as kubectl shows what has no table."""


def check_include(value: str) -> str:
    """Return the includeObject parameter. Raises BadRequestError."""
    if value not in _INCLUDES:
        raise BadRequestError(
            "Unable to convert to Table as requested: includeObject: Unsupported value: "
            f'"{value}": supported values: "", "Metadata", "None", "Object"'
        )
    return value


class TableView:
    """Turns objects of one kind into Tables; the first of a watch carries the headings."""

    def __init__(self, kind: Kind, *, version: str, include: str = "") -> None:
        self._columns = kind.columns or DEFAULT_COLUMNS
        self._version = version
        self._include = check_include(include)
        self._headings: list[dict[str, Any]] | None = [_definition(one) for one in self._columns]

    def table(
        self, items: Iterable[ApiObject], metadata: Mapping[str, Any], now: datetime
    ) -> ApiObject:
        """Return the Table of these objects."""
        return {
            "kind": "Table",
            "apiVersion": f"{_GROUP}/{self._version}",
            "metadata": dict(metadata),
            "columnDefinitions": self._headings,
            "rows": [self._row(obj, now) for obj in items],
        }

    def of_event(self, obj: ApiObject, now: datetime) -> ApiObject:
        """Return the Table of one watch event: headings come once."""
        version = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        table = self.table([obj], version, now)
        self._headings = None
        return table

    def _row(self, obj: ApiObject, now: datetime) -> dict[str, Any]:
        cells = [_cell(column, obj, now) for column in self._columns]
        return {"cells": cells, "object": self._included(obj)}

    def _included(self, obj: ApiObject) -> ApiObject | None:
        if self._include == "None":
            return None
        return obj if self._include == "Object" else partial(obj, self._version)


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.announced or ("string" if column.kind == "date" else column.kind),
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


def _cell(column: Column, obj: ApiObject, now: datetime) -> Any:
    # a bookmark has no spec, and a column need not foresee one
    try:
        value = column.value(obj)
    except (KeyError, TypeError, IndexError):
        return _UNKNOWN
    if isinstance(value, Since):
        return value.words.replace("{}", _age(value.moment, now))
    if value is None and column.announced:
        return None
    return _age(value, now) if column.kind == "date" else value


def _age(value: Any, now: datetime) -> str:
    if not value:
        return _UNKNOWN
    try:
        moment = value if isinstance(value, datetime) else parse_timestamp(str(value))
    except ValueError:
        return str(value)
    return human_duration((now - moment.astimezone(UTC)).total_seconds())


def partial(obj: ApiObject, version: str = "v1") -> ApiObject:
    """Return the object's PartialObjectMetadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"{_GROUP}/{version}",
        "metadata": obj.get("metadata", {}),
    }


def partial_list(
    items: Iterable[ApiObject], metadata: Mapping[str, Any], version: str
) -> ApiObject:
    """Return a PartialObjectMetadataList."""
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": f"{_GROUP}/{version}",
        "metadata": dict(metadata),
        "items": [partial(one, version) for one in items],
    }


def now_utc() -> datetime:
    """Return the moment by which ages are told."""
    return datetime.now(UTC)
