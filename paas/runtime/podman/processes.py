"""The machine's view of containers' processes: who lives, who supervises, how to end a tree.

A pid is only believed together with something that names its container: pids are used again.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def conmon_lives(pid_file: Path, container_id: str) -> bool:
    """Return whether the container's supervisor runs."""
    try:
        pid = int(pid_file.read_text())
        return container_id.encode() in (_PROC / str(pid) / "cmdline").read_bytes()
    except (OSError, ValueError):
        return False


def is_of_container(pid: int, container_id: str) -> bool:
    """Return whether a process lives in the container's control group."""
    try:
        return container_id in (_PROC / str(pid) / "cgroup").read_text()
    except OSError:
        return False


def descendants(pid: int) -> Iterator[int]:
    """Yield the children of a process, and theirs, nearest first."""
    try:
        lists = [path.read_text() for path in (_PROC / str(pid) / "task").glob("*/children")]
    except OSError:
        return
    children = [int(child) for text in lists for child in text.split()]
    yield from children
    for child in children:
        yield from descendants(child)


def kill_tree(pid: int, container_id: str) -> None:
    """Kill a process of the container and all that descend from it."""
    for one in (pid, *descendants(pid)):
        if is_of_container(one, container_id):
            _kill(one)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
