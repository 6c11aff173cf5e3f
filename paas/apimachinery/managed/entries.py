"""Entries of `metadata.managedFields`: one for each manager, operation, version and subresource.

Source: k8s.io/apimachinery/pkg/util/managedfields.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from paas.apimachinery.managed.fields import FieldSet, parse
from paas.core.objects import ApiObject

APPLY, UPDATE = "Apply", "Update"
NOBODY = "unknown"
_FIELDS_TYPE = "FieldsV1"

Entry = dict[str, Any]
Knows = Callable[[str], bool]
"""Says whether an apiVersion of the kind is served; entries in another are forgotten."""

Identity = tuple[str, str, str, str]
"""What tells entries apart: manager, operation, apiVersion (of updates only), subresource."""

Held = dict[Identity, Entry]


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes, in which version, and through which subresource."""

    name: str
    api_version: str
    operation: str = UPDATE
    subresource: str = ""

    @property
    def identity(self) -> Identity:
        """Return what the manager's entry is found by."""
        version = "" if self.operation == APPLY else self.api_version
        return (self.name or NOBODY, self.operation, version, self.subresource)

    def entry(self, fields: FieldSet, time: str) -> Entry:
        """Return an entry of these fields."""
        found: Entry = {
            "manager": self.name or NOBODY,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": time,
            "fieldsType": _FIELDS_TYPE,
            "fieldsV1": fields,
        }
        if self.subresource:
            found["subresource"] = self.subresource
        return {key: one for key, one in found.items() if one != "" or key == "apiVersion"}


def identity_of(entry: Entry) -> Identity:
    """Return what an entry is found by."""
    operation = entry.get("operation", UPDATE)
    version = "" if operation == APPLY else entry.get("apiVersion", "")
    return (entry.get("manager", ""), operation, version, entry.get("subresource", ""))


def fields_in(entry: Entry) -> FieldSet:
    """Return the fields that an entry names."""
    found: FieldSet = entry.get("fieldsV1") or {}
    return found


def entries_of(obj: ApiObject | None) -> list[Entry]:
    """Return the entries that an object carries."""
    metadata = (obj or {}).get("metadata") or {}
    return metadata.get("managedFields") or []


def bare(obj: ApiObject) -> ApiObject:
    """Return the object without its entries."""
    metadata = obj.get("metadata") or {}
    if "managedFields" not in metadata:
        return obj
    kept = {key: one for key, one in metadata.items() if key != "managedFields"}
    return {**obj, "metadata": kept}


def held_by(entries: Iterable[Entry], knows: Knows) -> Held:
    """Return stored entries by what they are found by."""
    return {
        identity_of(entry): entry for entry in entries if knows(str(entry.get("apiVersion", "")))
    }


def start_from(given: Any, stored: list[Entry], knows: Knows) -> Held:
    """Return what a write begins with: the entries it brings, else those that are stored.

    `[]` and `[{}]` forget them all; what is not there, or cannot be read, changes none.
    """
    if given is None or given == stored:
        return held_by(stored, knows)
    if given in ([], [{}]):
        return {}
    try:
        return held_by([_checked(entry) for entry in given], knows)
    except ValueError:
        return held_by(stored, knows)


def _checked(entry: Entry) -> Entry:
    """Return a client's entry with its fields in canonical form. Raises ValueError."""
    if entry.get("operation") not in {APPLY, UPDATE}:
        raise ValueError("operation must be `Apply` or `Update`")
    if not entry.get("apiVersion"):
        raise ValueError("apiVersion must not be empty")
    if entry.get("fieldsType") != _FIELDS_TYPE:
        raise ValueError("fieldsType must be FieldsV1")
    return {**entry, "fieldsV1": parse(entry.get("fieldsV1") or {})}


def in_order(held: Held) -> list[Entry]:
    """Return entries as they are stored: appliers first, then by time and name."""
    return sorted(
        held.values(),
        key=lambda entry: (
            entry["operation"],
            entry.get("time", ""),
            entry.get("manager", ""),
            entry["apiVersion"],
            entry.get("subresource", ""),
        ),
    )


def same_but_times(left: list[Entry], right: list[Entry]) -> bool:
    """Say whether entries name the same managers with the same fields, whenever that was."""
    return {identity_of(one): fields_in(one) for one in left} == {
        identity_of(one): fields_in(one) for one in right
    } and len(left) == len(right)
