"""The stages of a build, as its pod tells them while it runs: in lines of its log. Pure.

Such a line begins with a byte that no text has, and is not kept. What a build's own commands write
there is nothing but untrue of their own build; it is read strictly all the same.
Source: build.openshift.io/v1 StageInfo. That a stage that runs is in the list, without a duration,
is ours.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from paas.core.objects import parse_timestamp
from paas.core.shape import Json, maps, number, text

STAGES = ("FetchInputs", "PullImages", "Build", "PostCommit", "PushImage")
MARK = b"\x1eminato-stages "
LINE_MAX = 4096
_STEPS_MAX = 8
_DURATION_MAX = 1 << 40
_STEP = re.compile(r"[A-Za-z0-9]{1,63}")
_TIME = re.compile(r"20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ")
Told = Callable[[list[Json]], None]


class StageLines:
    """Takes the lines out of a stream and tells what they say. Cut anyhow, it gives the same."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what of the stream so far is text, without what was returned before."""
        rest, shown = self._held + data, []
        while rest:
            before, mark, _ = rest.partition(MARK[:1])
            shown.append(before)
            rest = rest[len(before) :]
            if mark and (taken := self._taken(rest)):
                rest = rest[taken:]
            elif mark and _may_grow(rest):
                break
            else:
                shown.append(mark)
                rest = rest[1:]
        self._held = rest
        return b"".join(shown)

    def end(self) -> bytes:
        """Return the rest: the stream has ended."""
        rest, self._held = self._held, b""
        return rest

    def _taken(self, rest: bytes) -> int:
        """Tell what the line at the beginning says; return its length, 0 where it is no such."""
        line, newline, _ = rest.partition(b"\n")
        if not newline or not line.startswith(MARK) or len(line) > LINE_MAX:
            return 0
        try:
            found = json.loads(line.removeprefix(MARK))
        except (ValueError, RecursionError):
            return 0
        self._told(stages_read({"stages": found}))
        return len(line) + 1


def stages_read(told: Json) -> list[Json]:
    """Return the stages in what a container told; what is no stage is left out."""
    return [
        {**_entry(one), "steps": [_entry(step) for step in _steps(one)]}
        for one in maps(told, "stages")[: len(STAGES)]
        if text(one, "name") in STAGES and _is_entry(one)
    ]


def stages_joined(*lists: Iterable[Json]) -> list[Json]:
    """Return the stages of all lists in order; of one that comes twice what is further on.

    So lists may be told again, and late.
    """
    found: dict[str, Json] = {}
    for one in (one for stages in lists for one in stages):
        known = found.get(one["name"])
        if known is None or _progress(one) > _progress(known):
            found[one["name"]] = one
    return [found[name] for name in STAGES if name in found]


def stages_closed(stages: Sequence[Json], *, now: datetime) -> list[Json]:
    """Return the stages as they are when the build has ended: what ran was cut off."""

    def closed(one: Json) -> Json:
        took = now - parse_timestamp(one["startTime"])
        return {"durationMilliseconds": max(round(took.total_seconds() * 1000), 0), **one}

    return [
        {**closed(one), "steps": [closed(step) for step in maps(one, "steps")]} for one in stages
    ]


def _may_grow(rest: bytes) -> bool:
    if len(rest) < len(MARK):
        return MARK.startswith(rest)
    return rest.startswith(MARK) and b"\n" not in rest and len(rest) <= LINE_MAX


def _steps(stage: Json) -> list[Json]:
    return [one for one in maps(stage, "steps")[:_STEPS_MAX] if _is_entry(one)]


def _is_entry(one: Json) -> bool:
    took = number(one, "durationMilliseconds")
    return (
        bool(_STEP.fullmatch(text(one, "name")))
        and bool(_TIME.fullmatch(text(one, "startTime")))
        and (0 <= took < _DURATION_MAX if took is not None else True)
    )


def _entry(one: Json) -> dict[str, Any]:
    took = number(one, "durationMilliseconds")
    return {
        "name": text(one, "name"),
        "startTime": text(one, "startTime"),
        **({} if took is None else {"durationMilliseconds": took}),
    }


def _progress(stage: Json) -> tuple[int, int]:
    """Return how far a stage is: its steps, and those of them that have ended."""
    steps = maps(stage, "steps")
    return len(steps), sum(number(one, "durationMilliseconds") is not None for one in steps)
