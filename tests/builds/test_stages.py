"""The stages that a build's log tells of: taken out of it however it is cut, and read strictly."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from minato_build.report import STAGES_MARK, Report
from paas.builds.stages import (
    LINE_MAX,
    MARK,
    StageLines,
    stages_closed,
    stages_joined,
    stages_read,
)

BEGAN = "2026-11-23T10:00:00Z"
NOW = datetime(2026, 11, 23, 10, 0, 2, tzinfo=UTC)


def entry(name: str, took_ms: int | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"name": name, "startTime": BEGAN}
    return body if took_ms is None else {**body, "durationMilliseconds": took_ms}


def stage(name: str, *steps: dict[str, Any], took_ms: int | None = None) -> dict[str, Any]:
    return {**entry(name, took_ms), "steps": list(steps)}


def line(*stages: dict[str, Any]) -> bytes:
    return MARK + json.dumps(list(stages)).encode() + b"\n"


RUNS = stage("Build", entry("DockerBuild"))
ENDED = stage("Build", entry("DockerBuild", 7), took_ms=7)


def test_both_sides_mean_the_same_line(capsys):
    report = Report()
    told: list[Any] = []
    with report.step("Build", "Dependencies"):
        pass
    with report.step("Build", "DockerBuild"):
        pass
    assert STAGES_MARK.encode() == MARK
    assert StageLines(told.append).feed(capsys.readouterr().out.encode()) == b""
    runs = [["durationMilliseconds" not in one for one in stages] for stages in told]
    assert runs == [[True], [False], [True], [False]]
    assert [len(stages[0]["steps"]) for stages in told] == [1, 1, 2, 2]
    assert told[-1] == report.stages


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_a_stream_gives_the_same_however_it_is_cut(size):
    odd = MARK + b"{no JSON\n" + MARK[:5] + b"\n\x1e\x1e" + MARK + b"x" * LINE_MAX + b"\n"
    stream = b"begun, no newline" + line(RUNS) + b"words\n" + odd + line(ENDED) + b"end" + MARK[:9]
    told: list[Any] = []
    lines = StageLines(told.append)
    shown = b"".join(lines.feed(stream[at : at + size]) for at in range(0, len(stream), size))
    assert shown + lines.end() == b"begun, no newlinewords\n" + odd + b"end" + MARK[:9]
    assert told == [[RUNS], [ENDED]]


@pytest.mark.parametrize(
    "wrong",
    [
        stage("Mine"),
        {**RUNS, "startTime": "now"},
        {**RUNS, "durationMilliseconds": -1},
        {"name": ["Build"]},
        "Build",
    ],
)
def test_what_is_no_stage_is_left_out(wrong):
    assert stages_read({"stages": [wrong, ENDED]}) == [ENDED]
    step = {**RUNS, "steps": [{"name": "a b", "startTime": BEGAN}, entry("Mine"), 7], "more": 1}
    assert stages_read({"stages": [step]}) == [stage("Build", entry("Mine"))]


def test_what_is_told_again_or_late_changes_nothing():
    fetched = stage("FetchInputs", entry("FetchGitSource", 4), took_ms=4)
    assert stages_joined([ENDED], [RUNS], [fetched]) == [fetched, ENDED]
    assert stages_joined([RUNS], [ENDED]) == [ENDED]
    again = stage("Build", entry("Dependencies", 5), entry("DockerBuild"))
    assert stages_joined([stage("Build", entry("Dependencies", 5), took_ms=5)], [again]) == [again]


def test_what_ran_when_the_build_ended_was_cut_off():
    closed = stages_closed([ENDED, stage("PushImage", entry("PushImage"))], now=NOW)
    assert closed == [ENDED, stage("PushImage", entry("PushImage", 2000), took_ms=2000)]
