"""What a create, update or patch does to managedFields: whoever writes a value manages it."""

from typing import Any

from paas.apimachinery.managed.compare import Comparison, compare
from paas.apimachinery.managed.entries import (
    UPDATE,
    Entry,
    Held,
    Identity,
    Knows,
    Manager,
    entries_of,
    fields_in,
    in_order,
    start_from,
)
from paas.apimachinery.managed.fields import FieldSet, difference, from_paths, union
from paas.apimachinery.managed.shapes import Shape
from paas.core.objects import ApiObject

MOST_UPDATERS = 10
ANCIENT = "ancient-changes"
_HEAD = frozenset({"apiVersion", "kind", "metadata"})
_NAMES = frozenset(
    {
        "clusterName",
        "creationTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
NEVER_MANAGED = from_paths(
    *((f"f:{name}",) for name in _HEAD), *(("f:metadata", f"f:{name}") for name in _NAMES)
)
"""What the server writes, and what names the object, belongs to nobody."""


def tracked(
    shape: Shape,
    old: ApiObject | None,
    new: ApiObject,
    *,
    manager: Manager,
    given: Any,
    now: str,
    knows: Knows,
) -> list[Entry]:
    """Return the entries of an object after a write by `manager`. `old` None is a create.

    `given` is what the body says of managedFields. An object that has no entries gets none by an
    update: nobody wants them, or it is older than they are; the first apply begins them.
    """
    held = start_from(given, entries_of(old), knows)
    if old is not None and not held:
        return []
    written = compare(shape, manageable(old or {}), manageable(new))
    if not written.is_empty:
        _take_over(held, written, manager, now)
    return in_order(_capped(held))


def manageable(obj: ApiObject) -> ApiObject:
    """Return the object without what belongs to nobody."""
    found = {key: one for key, one in obj.items() if key not in _HEAD}
    metadata = {key: one for key, one in obj.get("metadata", {}).items() if key not in _NAMES}
    return {**found, "metadata": metadata} if metadata else found


def _take_over(held: Held, written: Comparison, manager: Manager, now: str) -> None:
    """Give the manager what it wrote, and take that and what it removed from all others."""
    release(held, union(written.written, written.removed))
    fields = written.written
    if "f:metadata" in fields:
        fields = difference(fields, NEVER_MANAGED)
    if fields:
        before = fields_in(held.get(manager.identity, {}))
        held[manager.identity] = manager.entry(union(before, fields), now)


def release(held: Held, fields: FieldSet, *, but: Identity | None = None) -> None:
    """Take fields from every entry, in place; an entry that has no more goes."""
    for identity, entry in list(held.items()):
        if identity == but:
            continue
        have = fields_in(entry)
        left = difference(have, fields)
        if not left:
            del held[identity]
        elif left != have:
            held[identity] = {**entry, "fieldsV1": left}


def _capped(held: Held) -> Held:
    """Return the entries with the oldest updates put together, until there are ten at most.

    Only updates in one version can be put together; the first of a version waits for a second.
    """
    updates = [one for one in held if one[1] == UPDATE]
    surplus = len(updates) - MOST_UPDATERS
    if surplus <= 0:
        return held
    updates.sort(key=lambda one: (held[one].get("time", ""), one))
    first_of: dict[str, Identity] = {}
    for identity in updates:
        version = identity[2]
        if surplus <= 0:
            break
        first = first_of.setdefault(version, identity)
        if first != identity:
            _put_together(held, first, identity)
            surplus -= 1
    return held


def _put_together(held: Held, first: Identity, second: Identity) -> None:
    later = held.pop(second)
    bucket = Manager(ANCIENT, second[2])
    earlier = held.pop(bucket.identity, None) or held.pop(first)
    fields = union(fields_in(earlier), fields_in(later))
    held[bucket.identity] = bucket.entry(fields, later.get("time", ""))
