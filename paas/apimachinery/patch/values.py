"""JSON values compared as Go compares them: `true` is not 1, and 1 is not 1.0."""

from typing import Any

Identity = tuple[type, Any]


def same(left: Any, right: Any) -> bool:
    """Say whether two JSON values are equal, types included, all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def identity(value: Any) -> Identity:
    """Return what a scalar is looked up by. A list or map, which can be no key, is found nowhere.

    Every such value has an identity of its own, as no two of them are the same key.
    """
    if isinstance(value, dict | list):
        return (object, id(value))
    return (type(value), value)
