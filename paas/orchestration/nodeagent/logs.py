"""Reads the log files of one run of a container, to their end or as they grow.

A run's log is `<n>.log` and, when it was rotated, `<n>.log.<time>` before it. Source: CRI logging.
"""

import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

from paas.orchestration.nodeagent.inotify import DirectoryWatch
from paas.orchestration.nodeagent.loglines import LinePrinter, LogOptions, tail_offset

CHUNK_BYTES = 1 << 16
SILENCE_S = 0.2  # how soon the end of a silent container is seen
_NAME = re.compile(r"(\d+)\.log")

Ended = Callable[[], bool]


def attempts(directory: Path) -> list[int]:
    """Return the runs that have a log, the oldest first."""
    if not directory.is_dir():
        return []
    found = (_NAME.match(path.name) for path in directory.iterdir())
    return sorted({int(one[1]) for one in found if one})


def log_files(directory: Path, attempt: int) -> list[Path]:
    """Return the files of one run in order of time, the one written to last."""
    current = directory / f"{attempt}.log"
    return [*sorted(directory.glob(f"{attempt}.log.*")), current]


async def read_log(
    directory: Path, attempt: int, options: LogOptions, ended: Ended
) -> AsyncIterator[bytes]:
    """Yield what the log prints. With `follow`, until `ended` says that no more will come."""
    printer = LinePrinter(options)
    with DirectoryWatch(directory) as watch:
        files = log_files(directory, attempt)
        skip = _tail_start(files, options.tail_lines)
        last = files[-1].open("rb") if files[-1].exists() else None
        for path, offset in skip:
            if path != files[-1]:
                with path.open("rb") as file:
                    file.seek(offset)
                    while not printer.is_full and (data := file.read(CHUNK_BYTES)):
                        yield printer.feed(data)
        if last is None:
            return
        last.seek(dict(skip).get(files[-1], 0))
        follower = _Follower(files[-1], last, watch, ended, follow=options.follow)
        try:
            async for data in follower.chunks():
                yield printer.feed(data)
                if printer.is_full:
                    return
        finally:
            follower.close()


def _tail_start(files: list[Path], lines: int | None) -> list[tuple[Path, int]]:
    """Return the files to read, each with the offset to begin at."""
    present = [path for path in files if path.exists()]
    if lines is None:
        return [(path, 0) for path in present]
    chosen: list[tuple[Path, int]] = []
    for path in reversed(present):
        offset, found = _tail_of(path, lines)
        chosen.insert(0, (path, offset))
        lines -= found
        if lines <= 0:
            break
    return chosen


def _tail_of(path: Path, lines: int) -> tuple[int, int]:
    """Return where the last `lines` lines begin, reading no more of the end than is needed."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        window = CHUNK_BYTES
        while True:
            start = max(0, size - window)
            file.seek(start)
            data = file.read(size - start)
            offset, found = tail_offset(data, lines + (1 if start else 0))
            if not start:
                return tail_offset(data, lines)
            if found > lines:
                offset, found = tail_offset(data, lines)
                return start + offset, found
            window *= 4


class _Follower:
    """Reads the file that is written to, over rotations."""

    def __init__(
        self, path: Path, file: BinaryIO, watch: DirectoryWatch, ended: Ended, *, follow: bool
    ) -> None:
        self._path = path
        self._file = file
        self._watch = watch
        self._ended = ended
        self._follow = follow

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield raw pieces of the file."""
        last_round = not self._follow
        while True:
            if data := self._file.read(CHUNK_BYTES):
                yield data
                continue
            if (successor := self._successor()) is not None:
                if data := self._file.read():  # written between our last read and the reopening
                    yield data
                self._file.close()
                self._file = successor
                continue
            if last_round:
                return
            if not await self._watch.wait(SILENCE_S):
                last_round = self._ended()  # then once more: what was written before it ended

    def _successor(self) -> BinaryIO | None:
        """Return the file after ours once there is one: ours is complete then."""
        mine = os.fstat(self._file.fileno()).st_ino
        try:
            if self._path.stat().st_ino == mine:
                return None
            attempt = int(self._path.name.partition(".")[0])
            files = log_files(self._path.parent, attempt)
            inodes = [path.stat().st_ino for path in files]
            following = files[inodes.index(mine) + 1] if mine in inodes else files[0]
            return following.open("rb")
        except FileNotFoundError:
            return None  # renamed or removed just now: the next look finds what is there then

    def close(self) -> None:
        """Close the file that is open now."""
        self._file.close()
