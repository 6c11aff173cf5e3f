"""JSON keys that a body gives twice, for fieldValidation Warn and Strict.

Source: sigs.k8s.io/json; a later value wins, each path is named once, at most 100.
"""

import json
from typing import Any

from paas.apimachinery.schema.unknown import MOST

Pairs = list[tuple[str, Any]]


class _Object:
    """An object of the body with its keys in order, repeats included."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


def duplicate_fields(raw: bytes) -> list[str]:
    """Return the path of each key that its object holds more than once, in order; at most 100.

    Returns nothing for what is not JSON: reading it says what is wrong.
    """
    try:
        if not _has_duplicates(raw):
            return []
        body = json.loads(raw, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return []
    found: dict[str, None] = {}
    _walk(body, "", found)
    return list(found)[:MOST]


def _has_duplicates(raw: bytes) -> bool:
    repeated = False

    def look(pairs: Pairs) -> None:
        nonlocal repeated
        if len(pairs) > 1 and len(dict(pairs)) < len(pairs):
            repeated = True

    json.loads(raw, object_pairs_hook=look)
    return repeated


def _walk(value: Any, path: str, found: dict[str, None]) -> None:
    if isinstance(value, _Object):
        _walk_object(value, f"{path}." if path else "", found)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            _walk(one, f"{path}[{at}]", found)


def _walk_object(value: _Object, prefix: str, found: dict[str, None]) -> None:
    seen: set[str] = set()
    for key, one in value.pairs:
        if key in seen:
            found[prefix + key] = None
        seen.add(key)
        _walk(one, prefix + key, found)
