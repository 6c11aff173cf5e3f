"""From a bare Debian 12 to a virtual environment with `minato` in it.

Run by `make` with the system's Python, before anything is installed: standard library only.
`--tests` adds what the test suite needs.
"""

import argparse
import os
import sys
from pathlib import Path

from deploy import packages
from deploy.errors import DeployError, again, failures
from deploy.report import Report, explain
from deploy.runner import installer_settings, run
from paas.core.errors import PaasError

CHECKOUT = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3.11"
INSTALL_S = 900.0
_SCRIPT = """#!{python}
import sys

sys.path.insert(0, {checkout!r})

from paas.cli.main import main

sys.exit(main())
"""


def main(argv: list[str] | None = None) -> int:
    """Install what is missing; return 0, or 1 after saying what failed and what to try."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--tests", action="store_true", help="also what the tests need")
    chosen = options.parse_args(argv)
    try:
        with failures("Setting up", again()):
            bootstrap(CHECKOUT, Report(3), tests=chosen.tests)
    except PaasError as error:
        sys.stderr.write(explain(error))
        return 1
    return 0


def bootstrap(checkout: Path, report: Report, *, tests: bool) -> None:
    """Install packages, the virtual environment and its requirements, each only where missing."""
    if os.geteuid() != 0:
        raise DeployError("Setting up needs root.", "Run it as root, or with sudo.")
    names = packages.missing(packages.wanted(tests=tests))
    if names:
        with report.step(f"Debian packages ({len(names)} missing)"):
            report.note(" ".join(names))
            packages.install(names)
    else:
        report.skipped("Debian packages")
    environment = checkout / ".venv"
    with report.step(f"Virtual environment {environment}"):
        environment_make(environment)
        script_write(checkout)
    with report.step("Locked Python packages"):
        lock = "requirements-dev.lock" if tests else "requirements.lock"
        requirements_install(environment, checkout / lock)


def environment_make(environment: Path) -> None:
    """Make the virtual environment with pip and uv in it, where they are not there yet."""
    python = environment / "bin" / "python"
    if not python.exists():
        run([PYTHON, "-m", "venv", environment], timeout_s=INSTALL_S)
    if not (environment / "bin" / "uv").exists():
        run([python, "-m", "ensurepip"], timeout_s=INSTALL_S)
        hint = "Check that the machine reaches PyPI, or set PIP_INDEX_URL."
        run(
            [python, "-m", "pip", "install", "-q", "uv"],
            timeout_s=INSTALL_S,
            env=installer_settings(),
            hint=hint,
        )


def requirements_install(environment: Path, lock: Path) -> None:
    """Install exactly the locked versions; nothing that is there besides is removed."""
    python = str(environment / "bin" / "python")
    options = ["-q", "--require-hashes", "--python", python, "-r", str(lock)]
    hint = "Check that the machine reaches PyPI, or set UV_INDEX_URL."
    run(
        [environment / "bin" / "uv", "pip", "install", *options],
        timeout_s=INSTALL_S,
        env=installer_settings(),
        hint=hint,
    )


def script_write(checkout: Path) -> None:
    """Write the console script `minato`, which runs the checkout's own code."""
    script = checkout / ".venv" / "bin" / "minato"
    python = checkout / ".venv" / "bin" / "python"
    script.write_text(_SCRIPT.format(python=python, checkout=str(checkout)))
    script.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main())
