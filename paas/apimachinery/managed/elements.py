"""Path elements: one step from an object towards a field, as managedFields spells it."""

import json
from typing import Any

import orjson

FIELD, KEY, VALUE, INDEX = "f:", "k:", "v:", "i:"
_WIDTH = 2


def key_element(keys: dict[str, Any]) -> str:
    """Return the element of a list item that is found by keys: `k:{"name":"web"}`."""
    return KEY + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def value_element(value: Any) -> str:
    """Return the element of a value in a set: `v:"a"`."""
    return VALUE + orjson.dumps(value).decode()


def canonical_element(text: str) -> str | None:
    """Return an element that a client wrote as we write it; None for a kind that nobody knows.

    Raises ValueError for what is no element.
    """
    if len(text) < _WIDTH or text[1] != ":":
        raise ValueError(f"missing colon: {text}")
    kind, rest = text[:_WIDTH], text[_WIDTH:]
    if kind == FIELD:
        return text
    if kind == VALUE:
        return value_element(orjson.loads(rest))
    if kind == INDEX:
        return f"{INDEX}{int(rest)}"
    if kind != KEY:
        return None
    keys = orjson.loads(rest)
    if type(keys) is not dict:
        raise ValueError(f"no map of keys: {rest}")
    return key_element(keys)


def path_text(path: tuple[str, ...]) -> str:
    """Return a path as upstream shows it: `.spec.containers[name="web"].image`."""
    return "".join(_text(element) for element in path)


def _text(element: str) -> str:
    kind, rest = element[:_WIDTH], element[_WIDTH:]
    if kind == FIELD:
        return f".{rest}"
    if kind == VALUE:
        return f"[={_shown(orjson.loads(rest))}]"
    if kind == INDEX:
        return f"[{rest}]"
    keys = orjson.loads(rest)
    return f"[{','.join(f'{key}={_shown(keys[key])}' for key in sorted(keys))}]"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
