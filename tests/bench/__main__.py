"""`python -m tests.bench [name …]`: bring a platform up, measure, print and write the figures."""

import argparse
import importlib
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from rich.console import Console

from tests.bench import report
from tests.bench.bench import CHECKOUT, Bench, BenchError, running, throwaway
from tests.bench.report import Section
from tests.bench.rows import Row, not_measured

# in this order: what wants a quiet, empty platform comes first
NAMES = (
    "idle",
    "api_reads",
    "api_writes",
    "watches",
    "pods",
    "logs",
    "router",
    "rollouts",
    "pushes",
)
PAGE = CHECKOUT / "docs" / "benchmarks.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks; return 0 when each could be run, whatever its verdict."""
    chosen = _options().parse_args(argv)
    console = Console(width=None if sys.stdout.isatty() else 160)
    wrong = [name for name in chosen.names if name not in NAMES]
    if wrong:
        console.print(f"No such benchmark: {', '.join(wrong)}. There are {', '.join(NAMES)}.")
        return 2
    sections, whole = _measure_all(chosen, console)
    if chosen.output:
        report.write(chosen.output, sections)
        console.print(f"Written to {chosen.output}")
    return 0 if whole else 1


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("names", nargs="*", help=f"which to run: {', '.join(NAMES)} (all)")
    options.add_argument("--home", type=Path, help="measure the platform in this home instead")
    options.add_argument("--quick", action="store_true", help="small counts: to try, not to judge")
    options.add_argument("--output", type=Path, help=f"the page to write ({PAGE})")
    return options


def _measure_all(chosen: argparse.Namespace, console: Console) -> tuple[list[Section], bool]:
    def say(text: str) -> None:
        console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/dim] {text}", highlight=False)

    if chosen.output is None and not chosen.quick:
        chosen.output = PAGE
    where = report.machine()
    say(where)
    sections, whole = [], True
    with ExitStack() as stack:
        found = running(chosen.home) if chosen.home else stack.enter_context(throwaway(say))
        for name in NAMES:
            if name in (chosen.names or NAMES):
                bench = Bench(found, chosen.quick, say)
                section, fine = _measure(name, bench, where)
                report.show(console, section)
                sections.append(section)
                whole = whole and fine
    return sections, whole


def _measure(name: str, bench: Bench, where: str) -> tuple[Section, bool]:
    """Run one benchmark; one that breaks is told, and keeps none of the others from running."""
    module = importlib.import_module(f"tests.bench.{name}")
    method = f"{_method(module)} Machine: {where}."
    bench.say(f"{name} …")
    rows: list[Row]
    fine = True
    try:
        with bench.stack:
            rows = module.measure(bench)
    except BenchError as error:
        rows, fine = [not_measured(name, str(error))], False
    except Exception:  # noqa: BLE001 -- the edge of a run that takes half an hour
        bench.say(traceback.format_exc())
        rows, fine = [not_measured(name, "it broke; the run's output says where")], False
    return Section(name, method, rows, datetime.now(UTC)), fine


def _method(module: ModuleType) -> str:
    """Return how it is measured: the module's own words, without their title."""
    return " ".join((module.__doc__ or "").partition("\n\n")[2].split())


if __name__ == "__main__":
    sys.exit(main())
