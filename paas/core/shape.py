"""Reads nested JSON that a stranger wrote: what is absent, null or of another type is empty.

Defaults and rules look at objects by these, so that a wrong type is the schema check's to report
and never a crash.
"""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def submap(obj: Mapping[str, Any], *path: str) -> Json:
    """Return the dictionary at `path` itself, or an empty one that belongs to nobody."""
    value: Any = obj
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def maps(obj: Mapping[str, Any], *path: str) -> list[Json]:
    """Return the dictionaries of the list at `path` (the very dictionaries)."""
    return [item for item in values(obj, *path) if isinstance(item, dict)]


def values(obj: Mapping[str, Any], *path: str) -> list[Any]:
    """Return the list at `path` itself, or an empty one."""
    found = submap(obj, *path[:-1]).get(path[-1])
    return found if isinstance(found, list) else []


def text(obj: Mapping[str, Any], *path: str) -> str:
    """Return the string at `path`, or an empty one."""
    found = submap(obj, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def number(obj: Mapping[str, Any], *path: str) -> int | None:
    """Return the integer at `path`, or None."""
    found = submap(obj, *path[:-1]).get(path[-1])
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def ensure(obj: Json, *path: str) -> Json:
    """Return the dictionary at `path`, made where it is absent or null."""
    here = obj
    for step in path:
        if here.get(step) is None:
            here[step] = {}
        if not isinstance(here[step], dict):
            return {}
        here = here[step]
    return here


def default(obj: Json, key: str, value: Any) -> None:
    """Set `key` where it is absent, null or the empty string."""
    if obj.get(key) is None or obj[key] == "":
        obj[key] = value
