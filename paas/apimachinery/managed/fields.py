"""Sets of fields, in the very form in which managedFields stores them (fieldsV1).

A set maps path elements (`f:spec`, `k:{"name":"web"}`, `v:"a"`, `i:0`) to the set below them. An
element is itself a member where nothing is below it, or where what is below it holds `"."`. So a
stored set needs no decoding, and sets share what they have in common: nothing here changes a set
that it was given. Source: sigs.k8s.io/structured-merge-diff/fieldpath.
"""

from collections.abc import Iterator
from typing import Any

from paas.apimachinery.managed.elements import canonical_element

FieldSet = dict[str, Any]
Path = tuple[str, ...]
SELF = "."
MEMBER: FieldSet = {}
"""What stands below an element that is a member and has nothing below it."""


def is_member(below: FieldSet) -> bool:
    """Say whether an element with this below it is a member itself."""
    return not below or SELF in below


def joined(below: FieldSet, *, member: bool) -> FieldSet | None:
    """Return what stands below an element; None where neither it nor anything below is left."""
    if not below:
        return MEMBER if member else None
    return {SELF: MEMBER, **below} if member else below


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return what is in either set."""
    found = {key: below for key, below in left.items() if key != SELF}
    for key, below in right.items():
        if key == SELF:
            continue
        other = found.get(key)
        if other is None:
            found[key] = below
        elif other is not below:
            member = is_member(other) or is_member(below)
            found[key] = joined(union(other, below), member=member) or MEMBER
    return found


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return the members of `left` that `right` has not. What is below a member is by itself."""
    found: FieldSet = {}
    for key, below in left.items():
        if key == SELF:
            continue
        other = right.get(key)
        kept: FieldSet | None = below
        if other is not None:
            member = is_member(below) and not is_member(other)
            kept = joined(difference(below, other), member=member)
        if kept is not None:
            found[key] = kept
    return found


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return what is in both sets."""
    found: FieldSet = {}
    for key, below in left.items():
        other = right.get(key)
        if key == SELF or other is None:
            continue
        member = is_member(below) and is_member(other)
        if (kept := joined(intersection(below, other), member=member)) is not None:
            found[key] = kept
    return found


def without_trees(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return `left` without the members of `right` and without all that is below them."""
    found: FieldSet = {}
    for key, below in left.items():
        if key == SELF:
            continue
        other = right.get(key)
        kept: FieldSet | None = below
        if other is not None:
            if is_member(other):
                continue
            kept = joined(without_trees(below, other), member=is_member(below))
        if kept is not None:
            found[key] = kept
    return found


def within(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return the part of `left` that is in a member of `right`, or below one."""
    found: FieldSet = {}
    for key, below in left.items():
        other = right.get(key)
        if key == SELF or other is None:
            continue
        kept: FieldSet | None = below
        if not is_member(other):
            kept = joined(within(below, other), member=False)
        if kept is not None:
            found[key] = kept
    return found


def has(fields: FieldSet, path: Path) -> bool:
    """Say whether the element at a path is a member."""
    below = fields
    for element in path:
        found = below.get(element)
        if found is None:
            return False
        below = found
    return bool(path) and is_member(below)


def paths(fields: FieldSet, above: Path = ()) -> Iterator[Path]:
    """Yield the path of each member, one above what is below it, in order."""
    below = sorted((key, one) for key, one in fields.items() if key != SELF)
    for key, one in below:
        if is_member(one):
            yield (*above, key)
    for key, one in below:
        yield from paths(one, (*above, key))


def from_paths(*given: Path) -> FieldSet:
    """Return the set of some members. What is above them is no member unless it is given too."""
    found: FieldSet = {}
    for path in given:
        below: FieldSet = MEMBER
        for element in reversed(path):
            below = {element: below}
        found = union(found, below)
    return found


def parse(raw: Any) -> FieldSet:
    """Return the set of a fieldsV1 that a client sent, its elements in canonical form.

    Elements of a kind that nobody knows are dropped, as upstream does. Raises ValueError.
    """
    below, _ = _parse(raw)
    return below


def _parse(raw: Any) -> tuple[FieldSet, bool]:
    """Return the children of an element, and whether it is a member itself."""
    if type(raw) is not dict:
        raise ValueError("a set of fields must be an object")
    children: FieldSet = {}
    for key, one in raw.items():
        if key == SELF:
            continue
        element = canonical_element(key)
        if element is None:
            continue
        below, member = _parse(one)
        kept = joined(below, member=member)
        if kept is not None:
            children = union(children, {element: kept})
    return children, SELF in raw or not children
