"""Server-side apply: merge a configuration into the live object and settle who manages what.

The applier manages just what it applies. What it applied before and leaves out now goes from the
object, unless somebody else manages it. A value that somebody else manages is changed by force
only; to apply the value that is there is to manage it together.
"""

from collections.abc import Callable
from dataclasses import dataclass

from paas.apimachinery.managed.compare import Comparison, compare
from paas.apimachinery.managed.conflicts import apply_conflict
from paas.apimachinery.managed.entries import (
    Entry,
    Held,
    Identity,
    Knows,
    Manager,
    bare,
    entries_of,
    fields_in,
    held_by,
    in_order,
)
from paas.apimachinery.managed.fields import FieldSet, difference, intersection, union
from paas.apimachinery.managed.last_applied import claimed, noted
from paas.apimachinery.managed.shapes import Shape
from paas.apimachinery.managed.typed import fields_of, merge, named, remove
from paas.apimachinery.managed.update import NEVER_MANAGED, release
from paas.core.objects import ApiObject

BEFORE_FIRST_APPLY = "before-first-apply"
KUBECTL = "kubectl"
"""The one manager whose client-side apply, before, is taken for its own."""

Restrict = Callable[[FieldSet], FieldSet]


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply makes: the object, without entries, and its entries."""

    obj: ApiObject
    entries: list[Entry]


def applied(
    shape: Shape,
    live: ApiObject | None,
    config: ApiObject,
    *,
    manager: Manager,
    force: bool,
    now: str,
    knows: Knows,
    restrict: Restrict,
) -> Applied:
    """Return what applying a configuration (see `read_config`) makes of the live object.

    `restrict` leaves of a set what may be written here at all. Raises ConflictError.
    """
    before = bare(live or {})
    held = held_by(entries_of(live), knows)
    if not held:
        held = _before_first_apply(shape, before, restrict, manager, now=now)
    last = fields_in(held.get(manager.identity, {}))
    fields = restrict(fields_of(shape, config))
    merged = merge(shape, before, config)
    obj = _without_dropped(shape, merged, last, _managed(held, manager.identity, fields))
    change = compare(shape, before, obj)
    disputed = _disputed(held, restrict(change.written), manager.identity)
    if disputed and not force:
        disputed = _unclaimed(shape, before, disputed, manager)
        if disputed:
            raise apply_conflict(disputed)
    _settle(held, change, restrict, manager, fields=fields, now=now)
    if manager.name == KUBECTL:
        obj = noted(obj, config)
    return Applied(obj, in_order(held))


def _before_first_apply(
    shape: Shape, live: ApiObject, restrict: Restrict, manager: Manager, *, now: str
) -> Held:
    """Return who manages an object that nobody kept track of: one stand-in, all of it."""
    stand_in = Manager(BEFORE_FIRST_APPLY, manager.api_version, subresource=manager.subresource)
    fields = restrict(difference(compare(shape, {}, live).written, NEVER_MANAGED))
    return {stand_in.identity: stand_in.entry(fields, now)} if fields else {}


def _managed(held: Held, applier: Identity, fields: FieldSet) -> FieldSet:
    """Return what anybody manages, the applier just what it applies now."""
    found = fields
    for identity, entry in held.items():
        if identity != applier:
            found = union(found, fields_in(entry))
    return found


def _without_dropped(
    shape: Shape, merged: ApiObject, last: FieldSet, managed: FieldSet
) -> ApiObject:
    """Take out what the applier applied last and nobody manages now.

    A struct that held such a field is tried too. Then all comes back that somebody manages, and
    what the applier never had.
    """
    if not last:
        return merged
    mine, everything = named(shape, last), named(shape, fields_of(shape, merged))
    bold = named(shape, fields_of(shape, remove(shape, merged, mine)))
    theirs = named(shape, managed)
    kept = remove(shape, merged, difference(everything, union(bold, theirs)), managed)
    gone = difference(everything, union(named(shape, fields_of(shape, kept)), theirs))
    found: ApiObject = remove(shape, merged, intersection(gone, mine), managed)
    return found


def _disputed(held: Held, written: FieldSet, applier: Identity) -> dict[Identity, FieldSet]:
    found = {}
    for identity, entry in held.items():
        both = intersection(fields_in(entry), written)
        if both and identity != applier:
            found[identity] = both
    return found


def _unclaimed(
    shape: Shape, live: ApiObject, disputed: dict[Identity, FieldSet], manager: Manager
) -> dict[Identity, FieldSet]:
    """Return what is still in dispute when `kubectl` has what its client-side apply once set."""
    if manager.name != KUBECTL:
        return disputed
    mine = claimed(shape, live)
    left = {identity: difference(fields, mine) for identity, fields in disputed.items()}
    return {identity: fields for identity, fields in left.items() if fields}


def _settle(
    held: Held,
    change: Comparison,
    restrict: Restrict,
    manager: Manager,
    *,
    fields: FieldSet,
    now: str,
) -> None:
    """Write down, in place, who manages what. The time moves only with what it is the time of."""
    release(held, restrict(union(change.written, change.removed)), but=manager.identity)
    mine = difference(fields, NEVER_MANAGED)
    before = held.pop(manager.identity, {})
    if not mine:
        return
    unchanged = before and change.is_empty and fields_in(before) == mine
    time = before.get("time", "") if unchanged else now
    held[manager.identity] = manager.entry(mine, time)
