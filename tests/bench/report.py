"""The table on the terminal, and docs/benchmarks.md: what was measured now, and before."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.rows import Row, number

COLUMNS = ("What", "Figure", "Spread", "Bare tool", "Ratio", "Budget", "Verdict")
HISTORY = "History"
HISTORY_LINES = 200
_INTRO = """\
# Benchmarks

Written by `make bench` (`python -m tests.bench`), on a platform of its own that is thrown away.
Each figure is the median of its rounds; *spread* is the lowest and the highest of them. *Bare
tool* is what the same machine did in the same run without Minato, in the same unit, and *ratio* is
ours divided by it. Budgets are those of the architecture; a dash means that none is set.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """What one benchmark found. `method` says in a few sentences what was done."""

    name: str
    method: str
    rows: Sequence[Row]
    at: datetime


def show(console: Console, section: Section) -> None:
    """Print a section's table."""
    table = Table(*COLUMNS, title=section.name, title_justify="left", box=None, pad_edge=False)
    for row in section.rows:
        table.add_row(*_cells(row))
    console.print(table)
    for row in section.rows:
        if row.note:
            console.print(f"  {row.what}: {row.note}", highlight=False, style="dim")


def write(path: Path, sections: Sequence[Section]) -> None:
    """Write the page; sections of benchmarks that did not run now, and the history, are kept."""
    kept = _parts(path.read_text()) if path.exists() else {}
    measured = [one for one in sections if any(row.figure is not None for row in one.rows)]
    history = [*map(_history_line, measured), *_history(kept.pop(HISTORY, ""))]
    for section in sections:
        kept[section.name] = _text(section)
    parts = [f"## {name}\n\n{text.strip()}\n" for name, text in kept.items()]
    old = "\n".join(history[:HISTORY_LINES])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([_INTRO, *parts, f"## {HISTORY}\n\n{old}\n"]))


def machine() -> str:
    """Return what the figures were measured on, in one line."""
    model = _first("/proc/cpuinfo", "model name") or platform.machine()
    memory_gib = int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1024 / 1024
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} x {model}, {memory_gib:.0f} GiB, Linux {platform.release()}, "
        f"load average {load:.1f} at the start"
    )


def _first(path: str, key: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return ""


def _cells(row: Row) -> list[str]:
    figure = "-" if row.figure is None else f"{number(row.figure)} {row.unit}"
    against = "-" if row.against is None else number(row.against)
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f} x"
    return [
        *(row.what, figure.strip(), row.spread or "-", against),
        *(ratio, row.budget.text(row.unit), row.verdict),
    ]


def _text(section: Section) -> str:
    lines = [
        f"{section.at:%Y-%m-%d %H:%M} UTC. {section.method}",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "| " + " | ".join("---" for _ in COLUMNS) + " |",
        *("| " + " | ".join(_cells(row)) + " |" for row in section.rows),
    ]
    notes = [f"- {row.what}: {row.note}" for row in section.rows if row.note]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _parts(text: str) -> dict[str, str]:
    found = {}
    for part in text.split("\n## ")[1:]:
        name, _, body = part.partition("\n")
        found[name.strip()] = body
    return found


def _history(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("- ")]


def _history_line(section: Section) -> str:
    return f"- {section.at:%Y-%m-%d %H:%M} {section.name}: {'; '.join(_brief(section.rows))}"


def _brief(rows: Iterable[Row]) -> Iterable[str]:
    for row in rows:
        if row.figure is not None:
            ratio = "" if row.ratio is None else f" ({row.ratio:.2f} x)"
            yield f"{row.what} {number(row.figure)} {row.unit}".strip() + ratio
