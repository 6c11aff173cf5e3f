"""How a container tells what it does: words and stages in the log, its end as it terminates.

Source: build.openshift.io/v1 StageInfo, and the reasons of its consts.
"""

import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minato_build.paths import TERMINATION

MESSAGE_MAX = 1200
"""The whole termination message is cut at 4096 bytes by the node, and JSON must not be."""


class BuildError(Exception):
    """The build cannot go on. `ours` is true where the user can do nothing about it."""

    def __init__(self, reason: str, message: str, hint: str = "", *, ours: bool = False) -> None:
        super().__init__(message)
        self.reason, self.message, self.hint, self.ours = reason, message, hint, ours


STAGES_MARK = "\x1eminato-stages "
"""Begins a line of the log that is not for people: the platform takes it out (`paas.builds`)."""


@dataclass
class Report:
    """What is told, of the stages also at once. Stages and their steps are in order of time."""

    stages: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def step(self, stage: str, step: str) -> Iterator[None]:
        """Time a step of a stage; it counts also when it fails."""
        clock = time.monotonic()
        began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        whole = self._stage(stage, began)
        entry: dict[str, Any] = {"name": step, "startTime": began}
        whole["steps"].append(entry)
        before_ms = whole.pop("durationMilliseconds", 0)  # one that runs has none
        self._tell()
        try:
            yield
        finally:
            took_ms = round((time.monotonic() - clock) * 1000)
            entry["durationMilliseconds"] = took_ms
            whole["durationMilliseconds"] = before_ms + took_ms
            self._tell()

    def _stage(self, name: str, began: str) -> dict[str, Any]:
        known = [one for one in self.stages if one["name"] == name]
        if not known:
            known = [{"name": name, "startTime": began, "steps": []}]
            self.stages += known
        return known[0]

    def _tell(self) -> None:
        say(f"{STAGES_MARK}{json.dumps(self.stages)}")


def say(text: str) -> None:
    """Write a line to the build log."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run_reporting(work: Callable[[Report], None], place: Path = TERMINATION) -> int:
    """Run one container's work; return its exit code. Its end is written to `place`."""
    report = Report()
    failure: dict[str, Any] = {}
    try:
        work(report)
    except BuildError as error:
        failure = _failure(error)
    except Exception as error:  # noqa: BLE001 -- the edge: what is no BuildError is ours
        traceback.print_exc()
        failure = _failure(BuildError("GenericBuildFailed", f"{error!r}", ours=True))
    if failure:
        say(f"error: {failure['message']}")
        if failure["hint"]:
            say(f"       {failure['hint']}")
    body = {**report.facts, "stages": report.stages, **({"failure": failure} if failure else {})}
    place.write_text(json.dumps(body, ensure_ascii=False))
    return 1 if failure else 0


def _failure(error: BuildError) -> dict[str, Any]:
    return {
        "reason": error.reason,
        "message": error.message[-MESSAGE_MAX:],
        "hint": error.hint[:MESSAGE_MAX],
        "ours": error.ours,
    }
