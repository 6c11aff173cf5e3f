"""What differs between two objects of one shape, as sets of fields."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from paas.apimachinery.managed.fields import MEMBER, SELF, FieldSet, union
from paas.apimachinery.managed.shapes import DEDUCED, Form, Shape

_ABSENT = object()
_EMPTY: dict[str, Any] = {}


@dataclass(slots=True)
class Comparison:
    """The fields that the second object has more, has no more, or has with another value."""

    added: FieldSet = field(default_factory=dict)
    removed: FieldSet = field(default_factory=dict)
    modified: FieldSet = field(default_factory=dict)

    @property
    def written(self) -> FieldSet:
        """Return what was added or modified."""
        if not self.added or not self.modified:
            return self.added or self.modified
        return union(self.added, self.modified)

    @property
    def is_empty(self) -> bool:
        """Say whether nothing differs."""
        return not (self.added or self.removed or self.modified)

    def put(self, element: str, inner: "Comparison") -> None:
        """Take in what differs below an element."""
        if inner.added:
            self.added[element] = inner.added
        if inner.removed:
            self.removed[element] = inner.removed
        if inner.modified:
            self.modified[element] = inner.modified


def compare(shape: Shape, old: dict[str, Any], new: dict[str, Any]) -> Comparison:
    """Return what differs between two whole objects. Lists may hold an item twice."""
    found = Comparison()
    _compare_maps(shape, old, new, found)
    return found


def whole(shape: Shape, value: Any) -> FieldSet:
    """Return what stands below an element all of whose parts are members, itself included."""
    if not value or not _is_container(shape, value):
        return MEMBER
    if shape.form is Form.MAP:
        parts = {f"f:{key}": whole(_child(shape, key), one) for key, one in value.items()}
        return {SELF: MEMBER, **parts}
    indexed = index(shape, value)
    parts = {
        key: whole(shape.item, items[0]) if len(items) == 1 else MEMBER
        for key, items in indexed.items()
    }
    return {SELF: MEMBER, **parts}


def index(shape: Shape, items: list[Any]) -> dict[str, list[Any]]:
    """Return the items of a keyed list or a set by their path elements, in order.

    An item that has no element, which no rule of ours lets in, is left out.
    """
    found: dict[str, list[Any]] = defaultdict(list)
    for item in items:
        try:
            found[shape.element(item)].append(item)
        except ValueError:
            continue
    return found


def _child(shape: Shape, key: str) -> Shape:
    return shape.child(key) or DEDUCED


def _is_container(shape: Shape, value: Any) -> bool:
    """Say whether a value has parts that are owned by themselves."""
    if shape.form is Form.MAP:
        return type(value) is dict
    return shape.form is not Form.LEAF and type(value) is list


def _compare_maps(
    shape: Shape, old: dict[str, Any], new: dict[str, Any], found: Comparison
) -> None:
    for key, one in new.items():
        was = old.get(key, _ABSENT)
        if was is one:
            continue
        child = _child(shape, key)
        if was is _ABSENT and child.by_value:
            was = _EMPTY
        if was is _ABSENT:
            found.added[f"f:{key}"] = whole(child, one)
        elif was != one:
            _compare_values(child, f"f:{key}", was, one, found)
    for key in old.keys() - new.keys():
        child = _child(shape, key)
        if child.by_value:
            _compare_values(child, f"f:{key}", old[key], _EMPTY, found)
        else:
            found.removed[f"f:{key}"] = whole(child, old[key])


def _compare_values(shape: Shape, element: str, old: Any, new: Any, found: Comparison) -> None:
    if _is_container(shape, old) and _is_container(shape, new):
        inner = Comparison()
        if shape.form is Form.MAP:
            _compare_maps(shape, old, new, inner)
        else:
            _compare_lists(shape, old, new, inner)
        found.put(element, inner)
    elif old != new:
        # a null takes all that was there: whoever owns a part of it is asked
        found.modified[element] = whole(shape, old) if new is None else MEMBER


def _compare_lists(shape: Shape, old: list[Any], new: list[Any], found: Comparison) -> None:
    before, after = index(shape, old), index(shape, new)
    for element in before | after:
        _compare_items(shape.item, element, before[element], after[element], found)


def _compare_items(
    shape: Shape, element: str, old: list[Any], new: list[Any], found: Comparison
) -> None:
    """Compare what a list holds under one element. Items that are there twice are one whole."""
    if old == new:
        return
    if len(old) == 1 == len(new):
        _compare_values(shape, element, old[0], new[0], found)
    elif old and len(new) > 1 and len(old) > 1:
        found.modified[element] = MEMBER
    else:
        if old:
            found.removed[element] = whole(shape, old[0]) if len(old) == 1 else MEMBER
        if new:
            found.added[element] = whole(shape, new[0]) if len(new) == 1 else MEMBER
