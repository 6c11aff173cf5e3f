"""From a printed log line to the screen that follows it.

A pod prints lines that carry their number and the time of printing; a client follows the log
through the edge (`pods/log?follow=true`, what `kubectl logs -f` asks for) and takes the time when
the bytes are read. First 100 lines/s, then 10,000 lines/s. The bare tool is the same program
writing to a file that is read every millisecond.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.bench import Bench, BenchError
from tests.bench.rows import Budget, Row, percentile, row_of
from tests.bench.workloads import PODS, PYTHON_IMAGE, pod

SECONDS = 10
LOST = Budget(figure_max=0)
END = "end"
# prints `<number> <time>` in bursts each 10 ms, or line by line below 100 lines/s
PROGRAM = f"""
import sys, time
rate, count = int(sys.argv[1]), int(sys.argv[2])
time.sleep(float(sys.argv[3]))
began, printed = time.monotonic(), 0
while printed < count:
    due = min(int((time.monotonic() - began) * rate) + 1, count)
    if due > printed:
        lines = []
        for number in range(printed, due):
            lines.append(f"{{number}} {{time.time():.6f}} some words as a program would write\\n")
        sys.stdout.write("".join(lines))
        sys.stdout.flush()
        printed = due
    time.sleep(0.001)
print("{END}", flush=True)
time.sleep(float(sys.argv[3]))
"""


def measure(bench: Bench) -> list[Row]:
    """Return the figures of log delivery."""
    namespace = bench.stack.enter_context(bench.namespace("logs"))
    seconds = bench.pick(SECONDS, 3)
    rows = []
    for rate in (100, 10_000):
        bench.say(f"{rate} lines/s for {seconds} s …")
        count = rate * seconds
        bare = _file(rate, count)
        ours = _followed(bench, namespace, rate, count)
        against, budget = [percentile(bare, 0.99)], Budget(figure_max=100)
        rows += [
            row_of(f"{rate} lines/s: p50", [percentile(ours, 0.5)], "ms",
                   against=[percentile(bare, 0.5)]),
            row_of(f"{rate} lines/s: p99", [percentile(ours, 0.99)], "ms",
                   against=against, budget=budget),
            row_of(f"{rate} lines/s: lost", [count - len(ours)], "", budget=LOST),
        ]  # fmt: skip
    return rows


def _followed(bench: Bench, namespace: str, rate: int, count: int) -> list[float]:
    """Return each line's delay in milliseconds, as the follower of a pod's log has it."""
    name = f"logs-{rate}"
    program: dict[str, Any] = {
        "name": "web",
        "image": PYTHON_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", PROGRAM, str(rate), str(count), "2"],
    }
    wish = pod(name, program, restartPolicy="Never")
    bench.admin.post(PODS.format(namespace), wish)
    place = f"{PODS.format(namespace)}/{name}"
    _await_running(bench, place)
    found: list[float] = []
    with bench.admin.stream(f"{place}/log?follow=true") as answer:
        rest = b""
        for chunk in answer.iter_raw():
            at = time.time()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line == END.encode():
                    return found
                number, printed_at = line.split()[:2]
                if int(number) != len(found):
                    raise BenchError(f"line {len(found)} was to come, {line!r} came")
                found.append((at - float(printed_at)) * 1000)
    return found


def _await_running(bench: Bench, place: str) -> None:
    deadline = time.monotonic() + 60
    while bench.admin.get(place).get("status", {}).get("phase") not in {"Running", "Succeeded"}:
        if time.monotonic() > deadline:
            raise BenchError(f"{place} does not run")
        time.sleep(0.02)


def _file(rate: int, count: int) -> list[float]:
    """Return each line's delay in milliseconds, as a reader of a file has it."""
    found: list[float] = []
    rest = b""
    with tempfile.TemporaryDirectory(prefix="minato-bench-") as scratch:
        path = Path(scratch) / "log"
        argv = [sys.executable, "-c", PROGRAM, str(rate), str(count), "0"]
        with path.open("wb") as target, path.open("rb") as source:
            writer = subprocess.Popen(argv, stdout=target)
            while len(found) < count and (writer.poll() is None or source.peek(1)):
                data, at = source.read(), time.time()
                *lines, rest = (rest + data).split(b"\n")
                printed = [float(line.split()[1]) for line in lines if line != END.encode()]
                found += [(at - one) * 1000 for one in printed]
                time.sleep(0.001)
            writer.wait(60)
    return found
