"""What a step is, and what it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from deploy.errors import again, failures
from deploy.report import Report
from paas.settings.instance import Instance


@dataclass(frozen=True, slots=True)
class Setup:
    """What every step gets: which instance, from which checkout, told to whom, when."""

    instance: Instance
    checkout: Path
    report: Report
    now: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """`needed` looks and changes nothing; `apply` is safe to repeat and raises PaasError."""

    title: str
    needed: Callable[[Setup], bool]
    apply: Callable[[Setup], None]


def always(_setup: Setup) -> bool:
    """Say yes: for steps that are quick, or that look for themselves."""
    return True


def run_steps(steps: list[Step], setup: Setup) -> None:
    """Take the steps in order; the first that fails ends it. Raises PaasError with a hint."""
    hint = again(setup.instance.log)
    for step in steps:
        with failures(step.title, hint, psycopg.Error):
            _run(step, setup)


def _run(step: Step, setup: Setup) -> None:
    if not step.needed(setup):
        setup.report.skipped(step.title)
        return
    with setup.report.step(step.title):
        step.apply(setup)
