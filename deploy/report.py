"""Tells the person at the terminal what happens, and how long it took. Standard library only."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from deploy.errors import CommandError
from paas.core.errors import PaasError


@dataclass(slots=True)
class Report:
    """Numbered lines: what is done, whether it was done already, how long it took.

    `first_login` is the name and password of a new administrator, to be shown once at the end;
    `sample_url` is where the sample application answers that was just shown.
    """

    total: int
    out: TextIO = field(default_factory=lambda: sys.stdout)
    number: int = 0
    first_login: tuple[str, str] | None = None
    sample_url: str = ""

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and say its time when it ends; a failure says so and goes on up."""
        self.number += 1
        self._write(f"[{self.number:2}/{self.total}] {title} …")
        started = time.monotonic()
        try:
            yield
        except BaseException:
            self._write(f"\n        failed after {time.monotonic() - started:.1f} s\n")
            raise
        self._write(f" done ({time.monotonic() - started:.1f} s)\n")

    def skipped(self, title: str) -> None:
        """Say that a step had nothing to do."""
        self.number += 1
        self._write(f"[{self.number:2}/{self.total}] {title} - already done\n")

    def note(self, text: str) -> None:
        """Say something in between, indented below its step."""
        self._write(f"\n        {text}")

    def _write(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()


def explain(error: PaasError) -> str:
    """Return what went wrong, the last lines of the command that failed, and what to try."""
    lines = [f"Error: {error.message}"]
    if isinstance(error, CommandError):
        lines += [f"    {line}" for line in error.tail]
    if error.hint:
        lines.append(f"What to try: {error.hint}")
    return "\n".join(lines) + "\n"
