"""Between the door and `managed`: as whom a write manages fields, and what it may claim.

Kinds that are no rows of their own keep no managers.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from paas.apimachinery.audit import PLATFORM_PREFIX
from paas.apimachinery.kinds import Kind
from paas.apimachinery.managed import Applied, Manager, applied, same_but_times, tracked
from paas.apimachinery.managed.entries import APPLY, UPDATE, Entry, Knows, bare, entries_of
from paas.apimachinery.managed.fields import FieldSet, from_paths, within, without_trees
from paas.apimachinery.managed.shapes import whole_shape
from paas.apimachinery.options import WriteOptions
from paas.core.objects import ApiObject, timestamp

if TYPE_CHECKING:
    from paas.apimachinery.door import Door
    from paas.apimachinery.writes import Target

Claim = Callable[[ApiObject, ApiObject | None], list[Entry]]
"""Returns the entries of an object that becomes the first, and was the second or is new."""

_OURS = "minato"
_STATUS = from_paths(("f:status",))
_PART = from_paths(("f:status",), ("f:metadata", "f:annotations"), ("f:metadata", "f:labels"))
"""What a write to the status subresource may change. Source: upstream's GetResetFields."""


class Ownership:
    """Says who manages what after a write."""

    def __init__(self, door: "Door", now: Callable[[], datetime]) -> None:
        self._door = door
        self._now = now

    def claim(self, target: "Target", options: WriteOptions, given: Any = None) -> Claim:
        """Return the claim of a create, update or patch; `given` is the body's managedFields.

        A subresource cannot say who manages what.
        """

        def claimed(new: ApiObject, old: ApiObject | None) -> list[Entry]:
            return tracked(
                whole_shape(self._door.schemas.of(target.kind)),
                old,
                new,
                manager=manager_of(target, options, UPDATE),
                given=None if target.subresource else given,
                now=timestamp(self._now()),
                knows=self._knows(target.kind),
            )

        return claimed

    def apply(
        self, target: "Target", live: ApiObject | None, config: ApiObject, options: WriteOptions
    ) -> Applied:
        """Return what applying a configuration makes of an object. Raises ConflictError."""
        return applied(
            whole_shape(self._door.schemas.of(target.kind)),
            live,
            config,
            manager=manager_of(target, options, APPLY),
            force=options.force,
            now=timestamp(self._now()),
            knows=self._knows(target.kind),
            restrict=lambda fields: _writable(target, fields),
        )

    def _knows(self, kind: Kind) -> Knows:
        def known(api_version: str) -> bool:
            return self._door.scheme.find_gvk(api_version, kind.kind) is not None

        return known


def manager_of(target: "Target", options: WriteOptions, operation: str) -> Manager:
    """Return who writes: the client by its own word, or the part of the platform that does."""
    name = options.field_manager or _component(target.actor.name)
    return Manager(name, target.kind.api_version, operation, target.subresource)


def _component(actor: str) -> str:
    return actor.removeprefix(PLATFORM_PREFIX) if actor.startswith(PLATFORM_PREFIX) else _OURS


def _writable(target: "Target", fields: FieldSet) -> FieldSet:
    """Return what of a set the endpoint writes at all."""
    if target.subresource == "status":
        return within(fields, _PART)
    return without_trees(fields, _STATUS) if target.kind.status else fields


def put_entries(obj: ApiObject, entries: list[Entry]) -> None:
    """Give an object its entries, in place."""
    if entries:
        obj["metadata"]["managedFields"] = entries
    else:
        obj["metadata"].pop("managedFields", None)


def is_unchanged(new: ApiObject, old: ApiObject) -> bool:
    """Say whether a write changes nothing, but perhaps when somebody wrote the same last."""
    if new == old:
        return True
    mine, theirs = entries_of(new), entries_of(old)
    return mine != theirs and same_but_times(mine, theirs) and bare(new) == bare(old)
