"""What a configuration says by its type, and how it is merged into an object and taken out again.

Source: sigs.k8s.io/structured-merge-diff/typed (merge, remove, tofieldset).
"""

from typing import Any

from paas.apimachinery.managed.compare import index
from paas.apimachinery.managed.elements import FIELD
from paas.apimachinery.managed.fields import MEMBER, SELF, FieldSet, is_member, joined
from paas.apimachinery.managed.shapes import Form, Shape

_ABSENT = object()


def fields_of(shape: Shape, value: dict[str, Any]) -> FieldSet:
    """Return the fields that an object sets: its leaves, list items and keys of maps.

    Structs are no members, only what they hold. Items that are there twice are one member.
    """
    return _below_map(shape, value)


def _below_map(shape: Shape, value: dict[str, Any]) -> FieldSet:
    found: FieldSet = {}
    for key, one in value.items():
        child = shape.child(key)
        if child is None:
            continue
        below, member = _below(child, one)
        member = member or not shape.is_named(key) or (type(one) is dict and not one)
        if (kept := joined(below, member=member)) is not None:
            found[FIELD + key] = kept
    return found


def _below(shape: Shape, value: Any) -> tuple[FieldSet, bool]:
    """Return what a value sets below its element, and whether the element itself is set."""
    if shape.form is Form.MAP and type(value) is dict:
        return _below_map(shape, value), False
    if shape.form is Form.SET and type(value) is list:
        return dict.fromkeys(index(shape, value), MEMBER), False
    if shape.form is Form.KEYED and type(value) is list:
        return _below_list(shape, value), False
    return MEMBER, True


def _below_list(shape: Shape, value: list[Any]) -> FieldSet:
    found: FieldSet = {}
    for element, items in index(shape, value).items():
        below = _below(shape.item, items[0])[0] if len(items) == 1 else MEMBER
        found[element] = {SELF: MEMBER, **below} if below else MEMBER
    return found


def named(shape: Shape, fields: FieldSet) -> FieldSet:
    """Return the set with each struct field that leads to a member made a member as well."""
    found: FieldSet = {}
    for element, below in fields.items():
        if element == SELF:
            continue
        name = element.removeprefix(FIELD) if element.startswith(FIELD) else ""
        inner = shape.child(name) if name else _item_of(shape)
        deeper = named(inner, below) if inner is not None else below
        member = is_member(below) or (bool(name) and shape.is_named(name))
        found[element] = joined(_children(deeper), member=member) or MEMBER
    return found


def _item_of(shape: Shape) -> Shape | None:
    return shape.item if shape.form in {Form.KEYED, Form.SET} else None


def _children(below: FieldSet) -> FieldSet:
    return {key: one for key, one in below.items() if key != SELF}


def merge(shape: Shape, live: Any, config: Any) -> Any:
    """Return what a configuration makes of a live value: it wins, what it leaves out stays."""
    if live is _ABSENT or not _mergeable(shape, live, config):
        return config
    if shape.form is Form.MAP:
        merged = dict(live)
        for key, one in config.items():
            child = shape.child(key)
            was = live.get(key, _ABSENT)
            merged[key] = one if child is None else merge(child, was, one)
        return merged
    return _merge_lists(shape, live, config)


def _mergeable(shape: Shape, live: Any, config: Any) -> bool:
    if shape.form is Form.LEAF:
        return False
    wanted = dict if shape.form is Form.MAP else list
    return type(live) is wanted and type(config) is wanted and bool(live or config)


def _merge_lists(shape: Shape, live: list[Any], config: list[Any]) -> list[Any]:
    """Merge item by item. The configuration's order holds; what it lacks keeps its neighbours.

    An item that only the live list has stands before the shared one that it stood before.
    """
    stock, wanted = index(shape, live), index(shape, config)
    standing = [(shape.element(item), item) for item in live]
    shared = [element for element in wanted if element in stock]
    found: list[Any] = []
    at = 0
    for element, [item] in wanted.items():
        while at < len(standing) and (not shared or standing[at][0] != shared[0]):
            if standing[at][0] not in wanted:
                found.append(standing[at][1])
            at += 1
        if shared and element == shared[0]:
            shared.pop(0)
            at += 1
        found.append(_merge_item(shape, stock.get(element, []), item))
    return found + [item for element, item in standing[at:] if element not in wanted]


def _merge_item(shape: Shape, live: list[Any], item: Any) -> Any:
    # two live items under one key cannot both be merged: the applied one replaces them
    return merge(shape.item, live[0], item) if len(live) == 1 else item


def remove(shape: Shape, value: Any, doomed: FieldSet, needed: FieldSet | None = None) -> Any:
    """Return the value without the members of a set.

    Maps and lists that it empties go too, but for maps that are `needed` themselves.
    """
    found = _remove(shape, value, doomed, needed)
    return {} if found is _ABSENT else found


def _remove(shape: Shape, value: Any, doomed: FieldSet, needed: FieldSet | None) -> Any:
    if shape.form is Form.MAP and type(value) is dict:
        return _remove_from_map(shape, value, doomed, needed)
    if shape.form in {Form.KEYED, Form.SET} and type(value) is list:
        elements = [shape.element(one) for one in value]
        items = [
            _part(shape.item, one, doomed.get(element), (needed or {}).get(element))
            for element, one in zip(elements, value, strict=True)
        ]
        left = [one for one in items if one is not _ABSENT]
        return left or (_ABSENT if value else value)
    return value


def _remove_from_map(
    shape: Shape, value: dict[str, Any], doomed: FieldSet, needed: FieldSet | None
) -> Any:
    kept = {}
    for key, one in value.items():
        element = FIELD + key
        part = _part(shape.child(key), one, doomed.get(element), (needed or {}).get(element))
        if part is not _ABSENT:
            kept[key] = part
    stays = kept or not value or (needed is not None and is_member(needed))
    return kept if stays else _ABSENT


def _part(shape: Shape | None, value: Any, doomed: FieldSet | None, needed: FieldSet | None) -> Any:
    if doomed is None or shape is None:
        return value
    return _ABSENT if is_member(doomed) else _remove(shape, value, doomed, needed)
