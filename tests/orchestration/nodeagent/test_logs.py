"""Logs: how lines are printed, tails, following over rotations without loss."""

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from paas.core.errors import BadRequestError
from paas.core.objects import ObjectKey
from paas.orchestration.nodeagent import logs
from paas.orchestration.nodeagent.loglines import LinePrinter, LogOptions, log_options, tail_offset
from paas.orchestration.nodeagent.logs import SILENCE_S, attempts, log_files, read_log
from paas.orchestration.nodeagent.rotation import LogRotation
from tests.orchestration.nodeagent.lab import Lab, status_of
from tests.orchestration.nodeagent.pods import pod

NOBODY: Any = None
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def line(text, *, second=0, tag="F", stream="stdout"):
    return f"2026-11-23T12:00:{second:02}.123456789+00:00 {stream} {tag} {text}\n".encode()


def printed(data, *, pieces=0, **options):
    printer = LinePrinter(LogOptions(**options))
    step = pieces or len(data)
    return b"".join(printer.feed(data[at : at + step]) for at in range(0, len(data), step))


def test_lines_are_printed_without_their_heads():
    assert printed(line("one") + line("") + line("a b  c", stream="stderr")) == b"one\n\na b  c\n"


def test_parts_are_joined_to_one_line():
    assert printed(line("ab", tag="P") + line("cd", tag="F")) == b"abcd\n"


def test_pieces_may_cut_anywhere():
    data = line("ab", tag="P") + line("cd") + line("ef")
    assert all(printed(data, pieces=size) == b"abcd\nef\n" for size in range(1, 90))


def test_timestamps_are_printed_once_a_line():
    data = line("ab", tag="P") + line("cd")
    assert printed(data, timestamps=True) == b"2026-11-23T12:00:00.123456789Z abcd\n"


def test_since_leaves_out_what_is_older():
    data = line("old", second=1) + line("new", second=3)
    assert printed(data, since=NOW.replace(second=2)) == b"new\n"


def test_a_limit_cuts_within_a_line():
    assert printed(line("hello") + line("world"), limit_bytes=8) == b"hello\nwo"


def test_what_is_no_line_is_left_out():
    assert printed(b"torn\n" + line("one")) == b"one\n"


def test_options_are_read_as_the_api_spells_them():
    read = log_options({"sinceSeconds": 5, "tailLines": 3, "follow": True}, now=NOW)
    assert read.since == NOW.replace(hour=11, minute=59, second=55)
    assert (read.tail_lines, read.follow) == (3, True)
    with pytest.raises(BadRequestError):
        log_options({"tailLines": "many"}, now=NOW)


@pytest.mark.parametrize(
    ("data", "lines", "offset", "found"),
    [
        (b"a\nb\nc\n", 2, 2, 2),
        (b"a\nb\nc\n", 0, 6, 0),
        (b"a\nb\nc\n", 9, 0, 3),
        (b"a\nb", 1, 2, 1),
        (b"", 3, 0, 0),
    ],
)
def test_the_last_lines_are_found_from_the_end(data, lines, offset, found):
    assert tail_offset(data, lines) == (offset, found)


def collect(directory, options, ended=lambda: True):
    async def gather():
        return b"".join([data async for data in read_log(directory, 0, options, ended)])

    return asyncio.run(gather())


def test_a_rotated_log_is_read_from_its_oldest_file(tmp_path):
    (tmp_path / "0.log.20261123-110000.0").write_bytes(line("one") + line("two"))
    (tmp_path / "0.log").write_bytes(line("three"))
    assert collect(tmp_path, LogOptions()) == b"one\ntwo\nthree\n"
    assert collect(tmp_path, LogOptions(tail_lines=2)) == b"two\nthree\n"
    assert collect(tmp_path, LogOptions(tail_lines=0)) == b""
    assert collect(tmp_path, LogOptions(limit_bytes=5)) == b"one\nt"


def test_the_tail_of_a_long_log_is_exact(tmp_path):
    (tmp_path / "0.log").write_bytes(b"".join(line(f"line {n}") for n in range(20_000)))
    got = collect(tmp_path, LogOptions(tail_lines=5000)).splitlines()
    assert (len(got), got[0], got[-1]) == (5000, b"line 15000", b"line 19999")


def test_runs_are_told_apart(tmp_path):
    for name in ("0.log", "10.log", "2.log", "2.log.20261123-110000.0"):
        (tmp_path / name).touch()
    assert attempts(tmp_path) == [0, 2, 10]
    assert [path.name for path in log_files(tmp_path, 2)] == ["2.log.20261123-110000.0", "2.log"]


def test_following_loses_nothing_over_rotations_at_full_speed(tmp_path):
    path = tmp_path / "0.log"
    path.touch()
    done = threading.Event()
    total = 50_000

    def write():
        """Write as conmon does, and rotate as the agent does: rename, then open anew."""
        file = path.open("ab", buffering=0)
        for number in range(total):
            file.write(line(f"line {number}"))
            if number % 7_000 == 6_999:
                path.rename(tmp_path / f"0.log.{number:09}")
                file.write(line("late"))
                file.close()
                file = path.open("ab", buffering=0)
        file.close()
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    got = collect(tmp_path, LogOptions(follow=True), done.is_set).splitlines()
    thread.join()
    lines = [one for one in got if one != b"late"]
    assert lines == [f"line {number}".encode() for number in range(total)]
    assert len(got) - len(lines) == total // 7_000


def test_a_file_that_goes_while_the_next_one_is_looked_for_ends_no_reading(tmp_path, monkeypatch):
    path = tmp_path / "0.log"
    path.write_bytes(line("old"))
    with path.open("rb") as file:
        path.rename(tmp_path / "0.log.1")
        path.write_bytes(line("new"))
        follower = logs._Follower(path, file, NOBODY, lambda: False, follow=True)
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(logs, "log_files", lambda *_: [tmp_path / "gone", path])
            assert follower._successor() is None
        successor = follower._successor()
        assert successor is not None
        with successor:
            assert successor.read() == line("new")


def test_a_followed_line_arrives_at_once(tmp_path):
    path = tmp_path / "0.log"
    path.write_bytes(line("first"))

    async def follow():
        pieces = read_log(tmp_path, 0, LogOptions(follow=True), lambda: False)
        assert await anext(pieces) == b"first\n"
        loop = asyncio.get_running_loop()
        delays = []
        for number in range(20):
            waiting = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0)
            began = loop.time()
            with path.open("ab") as file:
                file.write(line(str(number)))
            assert await waiting == f"{number}\n".encode()
            delays.append(loop.time() - began)
        await pieces.aclose()  # type: ignore[attr-defined]  # it is a generator
        return sorted(delays)

    # who asked every now and then would be late each time; a busy machine is so now and then
    assert asyncio.run(follow())[5] < SILENCE_S / 2


def test_a_log_beyond_its_size_is_renamed_and_old_ones_go(lab: Lab, runtime):
    lab.create(pod())
    stored = lab.until_ready()
    uid = stored["metadata"]["uid"]
    directory = lab.agent.volumes.directory(uid).log("web", 0).parent
    rotation = LogRotation(runtime, lab.agent.pods, lab.agent.volumes, lab.time, size_bytes=100)
    for number in range(5):
        runtime.log_write(runtime.of("web").state.id, f"{number} " + "x" * 100)
        rotation.rotate(ObjectKey("nodes", "", "logs"))
    assert len(log_files(directory, 0)) == 3
    assert len(runtime.log_reopened) == 5
    assert status_of(stored)["containerID"].endswith(runtime.log_reopened[0])


def test_a_small_log_stays(lab: Lab, runtime):
    lab.create(pod())
    lab.until_ready()
    runtime.log_write(runtime.of("web").state.id, "small")
    LogRotation(runtime, lab.agent.pods, lab.agent.volumes, lab.time).rotate(
        ObjectKey("nodes", "", "logs")
    )
    assert runtime.log_reopened == []
