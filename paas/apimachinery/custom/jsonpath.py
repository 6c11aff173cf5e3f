"""JSONPath as kubectl writes it, as far as printer columns and fields need it.

Fields, quoted fields, indices (from the end too), slices, wildcards, recursive descent and filters
that compare a path with a value. No scripts, no functions.
Source: k8s.io/client-go/util/jsonpath; Kubernetes, "JSONPath Support".
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from paas.apimachinery.patch.values import same

Step = Callable[[Any], Iterator[Any]]
Values = list[Any]

_TOKEN = re.compile(
    r"""\.\.(?P<deep>(?:[^.\[\\]|\\.)*)
      | \.(?P<field>\*|(?:[^.\[\\]|\\.)*)
      | \[\s*(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*\]
      | \[\?\((?P<filter>(?:[^()'"]|'[^']*'|"[^"]*")*)\)\]
      | \[(?P<index>\*|[-0-9:,\s]+)\]""",
    re.VERBOSE,
)
_FILTER = re.compile(
    r"""\s*@(?P<left>(?:[^=!<>'"\s]|\['[^']*'\])*)\s*
        (?:(?P<sign>==|!=|<=|>=|<|>)\s*(?P<right>'[^']*'|"[^"]*"|@\S*|[^\s]+)\s*)?""",
    re.VERBOSE,
)
_SLICE_MAX = 3


class PathError(ValueError):
    """A path that cannot be read."""


class JsonPath:
    """A compiled path such as `.status.conditions[?(@.type=="Ready")].status`."""

    def __init__(self, text: str) -> None:
        self._steps = tuple(_steps(text))

    def find(self, value: Any) -> Values:
        """Return what the path leads to, in order; nothing where a key is missing."""
        found = [value]
        for step in self._steps:
            found = [one for each in found for one in step(each)]
        return found


def _steps(text: str) -> Iterator[Step]:
    rest = text.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    if rest and rest[0] not in ".[":
        raise PathError(f"unrecognized character in action: {text!r}")
    place = 0
    while place < len(rest):
        match = _TOKEN.match(rest, place)
        if match is None or match.end() == place:
            raise PathError(f"invalid JSONPath {text!r}")
        place = match.end()
        yield from _steps_of(match)


def _steps_of(match: re.Match[str]) -> Iterator[Step]:
    parts = match.groupdict()
    if (deep := parts["deep"]) is not None:
        yield _descend
        if deep:
            yield _field(_plain(deep))
    elif (name := parts["field"]) is not None:
        if name:
            yield _every if name == "*" else _field(_plain(name))
    elif (index := parts["index"]) is not None:
        yield _every if index.strip() == "*" else _index(index)
    elif (condition := parts["filter"]) is not None:
        yield _filter(condition)
    else:
        yield _field(_plain(parts["single"] if parts["double"] is None else parts["double"]))


def _plain(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def _field(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descend(value: Any) -> Iterator[Any]:
    yield value
    for one in _every(value):
        yield from _descend(one)


def _index(text: str) -> Step:
    chosen = [_chosen(piece) for piece in text.split(",")]

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            for one in chosen:
                yield from value[one]

    return step


def _chosen(piece: str) -> slice:
    try:
        bounds = [int(one) if one.strip() else None for one in piece.split(":")]
    except ValueError as error:
        raise PathError(f"invalid array index {piece!r}") from error
    if len(bounds) > _SLICE_MAX or (len(bounds) == 1 and bounds[0] is None):
        raise PathError(f"invalid array index {piece!r}")
    if len(bounds) > 1:
        return slice(*bounds)
    (at,) = bounds
    return slice(at, None if at == -1 else (at or 0) + 1)


def _filter(condition: str) -> Step:
    match = _FILTER.fullmatch(condition)
    if match is None:
        raise PathError(f"unrecognized filter {condition!r}")
    left, sign = JsonPath(match["left"]), match["sign"]
    right = _operand(match["right"]) if sign else None

    def step(value: Any) -> Iterator[Any]:
        for one in _every(value):
            found = left.find(one)
            if right is None:
                if found:
                    yield one
            elif found and any(_compares(found[0], sign, other) for other in right(one)):
                yield one

    return step


def _operand(text: str) -> Callable[[Any], Values]:
    if text.startswith("@"):
        return JsonPath(text[1:]).find
    if text[0] in "'\"":
        return lambda _: [text[1:-1]]
    try:
        constant = json.loads(text)
    except ValueError as error:
        raise PathError(f"unrecognized value {text!r} in a filter") from error
    return lambda _: [constant]


def _compares(left: Any, sign: str, right: Any) -> bool:
    if sign in {"==", "!="}:
        return same(left, right) == (sign == "==")
    if type(left) is not type(right) and not (
        isinstance(left, int | float) and isinstance(right, int | float)
    ):
        return False
    if not isinstance(left, int | float | str):
        return False
    below, equal = bool(left < right), bool(left == right)
    return {"<": below, "<=": below or equal, ">": not below and not equal, ">=": not below}[sign]
