"""The machine's own counters, from /proc. Source: proc(5); cAdvisor's root container."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class MachineCounters:
    """CPU time since boot, and the memory that could not be given back at once."""

    at: datetime
    cpu_ns: int
    memory_working_set_bytes: int


def machine_counters(proc: Path = PROC) -> MachineCounters:
    """Return the counters now."""
    return MachineCounters(datetime.now(UTC), _cpu_ns(proc / "stat"), _memory(proc / "meminfo"))


def _cpu_ns(stat: Path) -> int:
    ticks = [int(word) for word in stat.read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq = ticks[:7]
    busy = user + nice + system + irq + softirq
    return busy * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def _memory(meminfo: Path) -> int:
    """Return what is used, without the pages of files that nothing has read again."""
    lines = (line.partition(":") for line in meminfo.read_text().splitlines())
    sizes = {name: int(value.split()[0]) << 10 for name, _, value in lines}
    return max(sizes["MemTotal"] - sizes["MemFree"] - sizes["Inactive(file)"], 0)
