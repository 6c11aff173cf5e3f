"""A container's counters, from the files of its control groups, version 1 and 2.

The group is `/<instance>/libpod-<container id>`: no process need be asked for it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from paas.core.errors import NotFoundError
from paas.runtime.base import ContainerStats

MOUNT = Path("/sys/fs/cgroup")
_NS_PER_US = 1000


def stats_read(instance: str, container_id: str, mount: Path = MOUNT) -> ContainerStats:
    """Return the counters now. Raises NotFoundError where there is no such group."""
    group = f"{instance}/libpod-{container_id}"
    read = _unified if (mount / "cgroup.controllers").exists() else _by_controller
    try:
        return read(mount, group)
    except (FileNotFoundError, OSError) as error:  # ENODEV: it went between open and read
        raise NotFoundError(f"container {container_id} has no control group") from error


def _unified(mount: Path, group: str) -> ContainerStats:
    place = mount / group
    usage = _number(place / "memory.current")
    return ContainerStats(
        cpu_ns=_field(place / "cpu.stat", "usage_usec") * _NS_PER_US,
        memory_usage_bytes=usage,
        memory_working_set_bytes=_working_set(usage, place, "inactive_file"),
        pids=_number(place / "pids.current"),
        at=datetime.now(UTC),
    )


def _by_controller(mount: Path, group: str) -> ContainerStats:
    memory = mount / "memory" / group
    usage = _number(memory / "memory.usage_in_bytes")
    return ContainerStats(
        cpu_ns=_number(mount / "cpuacct" / group / "cpuacct.usage"),
        memory_usage_bytes=usage,
        memory_working_set_bytes=_working_set(usage, memory, "total_inactive_file"),
        pids=_number(mount / "pids" / group / "pids.current"),
        at=datetime.now(UTC),
    )


def _working_set(usage: int, memory: Path, inactive: str) -> int:
    """Return what cannot be reclaimed at once, as cAdvisor counts it."""
    return max(usage - _field(memory / "memory.stat", inactive), 0)


def _number(path: Path) -> int:
    return int(path.read_text())


def _field(path: Path, key: str) -> int:
    return next((int(value) for name, value in _fields(path) if name == key), 0)


def _fields(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text().splitlines():
        name, _, value = line.partition(" ")
        yield name, value
