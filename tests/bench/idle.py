"""Memory and CPU of the platform at rest, and with 50 probed pods.

Memory and CPU of the platform at rest, then with 50 web pods that are probed every 10 s
(Kubernetes' default period). Counted is every process below the two supervisors, so every server
and every process of ours, podman's service included; not counted are the applications: conmon and
what runs in containers. Memory is PSS from /proc (shared pages counted once), at the end of the
time; CPU is user and system time, ended children included, over that time, in percent of one core.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.supervision import CONTROL, DATA
from paas.settings.instance import Instance
from tests.bench import workloads
from tests.bench.bench import Bench
from tests.bench.rows import Budget, Row, row_of
from tests.bench.workloads import PODS, container, pod

PERIOD_S = 10
TICKS_S = os.sysconf("SC_CLK_TCK")
CONTAINERS = frozenset({"conmon"})
# what a command line contains → what a person calls the process; the first that fits
NAMES = {
    "minato: orchestrator": "orchestrator",
    "supervisord": "supervisors",
    "gunicorn": "web",
    "minato: beat": "beat",
    "celery": "worker",
}


@dataclass(frozen=True, slots=True)
class Process:
    """One process as /proc shows it; `cpu_s` includes its ended and awaited children."""

    pid: int
    parent: int
    name: str
    cpu_s: float


@dataclass(frozen=True, slots=True)
class _Watch:
    """How long it is waited, and how long it is measured."""

    settle_s: int
    seconds: int


def measure(bench: Bench) -> list[Row]:
    """Return the figures at rest and with pods."""
    watch = _Watch(bench.pick(30, 3), bench.pick(60, 10))
    bench.say(f"idle: {watch.settle_s} s to settle, {watch.seconds} s to measure …")
    idle = _rows("idle", bench, watch, _budgets(memory_mib=700, cpu_percent=3))
    workloads.web_image_make(bench)
    count = bench.pick(50, 10)
    namespace = bench.stack.enter_context(bench.namespace("idle"))
    bench.say(f"{count} probed pods …")
    for number in range(count):
        wish = pod(f"web-{number}", container(period_s=PERIOD_S))
        bench.admin.post(PODS.format(namespace), wish)
    workloads.await_ready(bench.admin, namespace, count)
    budgets = _budgets(memory_mib=850, cpu_percent=8)
    probed = _rows(f"{count} probed pods", bench, watch, budgets)
    workloads.pods_delete(bench.admin, namespace)
    return [*idle, *probed]


def _budgets(*, memory_mib: float, cpu_percent: float) -> tuple[Budget, Budget]:
    return Budget(figure_max=memory_mib), Budget(figure_max=cpu_percent)


def _rows(what: str, bench: Bench, watch: _Watch, budgets: tuple[Budget, Budget]) -> list[Row]:
    time.sleep(watch.settle_s)
    before = tree(bench.instance)
    began = time.monotonic()
    time.sleep(watch.seconds)
    after = tree(bench.instance)
    seconds = time.monotonic() - began
    share = (_cpu_s(after) - _cpu_s(before)) / seconds * 100
    pss = {one.pid: pss_mib(one.pid) for one in after}
    memory, cpu = budgets
    busy = _busy(before, after, seconds)
    return [
        row_of(f"{what}: memory", [sum(pss.values())], "MiB", budget=memory, note=_who(after, pss)),
        row_of(f"{what}: CPU", [share], "% of a core", budget=cpu, note=busy),
    ]


def tree(instance: Instance) -> list[Process]:
    """Return every process of the platform, without the applications."""
    roots = [
        int((instance.run / "supervisor" / f"{plane}.pid").read_text()) for plane in (CONTROL, DATA)
    ]
    children: dict[int, list[Process]] = {}
    for one in _all():
        children.setdefault(one.parent, []).append(one)
        if one.pid in roots:
            children.setdefault(-1, []).append(one)
    found, waiting = [], list(children.get(-1, ()))
    while waiting:
        one = waiting.pop()
        if one.name not in CONTAINERS:
            found.append(one)
            waiting += children.get(one.pid, ())
    return found


def pss_mib(pid: int) -> float:
    """Return a process's proportional share of memory; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def _all() -> list[Process]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            head, _, tail = (entry / "stat").read_text().rpartition(")")
        except OSError:  # it ended just now
            continue
        fields = tail.split()
        cpu_s = sum(map(int, fields[11:15])) / TICKS_S
        found.append(Process(int(entry.name), int(fields[1]), _name(entry, head), cpu_s))
    return found


def _name(entry: Path, head: str) -> str:
    """Return what a person calls it: the part of the platform, else the program."""
    short = head.partition("(")[2]
    try:
        words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return short
    line = " ".join(words)
    return next((name for sign, name in NAMES.items() if sign in line), short)


def _cpu_s(processes: list[Process]) -> float:
    return sum(one.cpu_s for one in processes)


def _who(processes: list[Process], pss: dict[int, float]) -> str:
    """Return memory by name, largest first."""
    totals: dict[str, float] = {}
    for one in processes:
        totals[one.name] = totals.get(one.name, 0) + pss[one.pid]
    return _largest(totals, "{:.0f} MiB")


def _busy(before: list[Process], after: list[Process], seconds: float) -> str:
    """Return CPU by name, largest first, in percent of a core."""
    totals: dict[str, float] = {}
    for sign, processes in ((-1, before), (1, after)):
        for one in processes:
            totals[one.name] = totals.get(one.name, 0) + sign * one.cpu_s / seconds * 100
    return _largest(totals, "{:.2f} %")


def _largest(totals: dict[str, float], form: str) -> str:
    ordered = sorted(totals.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {form.format(value)}" for name, value in ordered[:12])
