"""Fills a new platform with what it always has, and makes the first administrator.

The objects are the platform's own, so a command of the release does it, through the one door.
"""

import json
from typing import Any

from deploy import layout
from deploy.errors import CommandError
from deploy.runner import run
from deploy.steps.base import Setup, Step
from deploy.steps.configuration import environment_for

BOOTSTRAP = "paas.manager.bootstrap"
BOOTSTRAP_S = 1800.0


def _available(setup: Setup) -> bool:
    app = layout.app_directory(setup.instance)
    return app.joinpath(*BOOTSTRAP.split(".")).with_suffix(".py").exists()


def _apply(setup: Setup) -> None:
    app = layout.app_directory(setup.instance)
    command = [str(layout.python(setup.instance)), "-m", BOOTSTRAP]
    said = run(command, timeout_s=BOOTSTRAP_S, cwd=app, env=environment_for(setup.instance))
    first = _result(command, said)
    if first.get("password"):
        setup.report.first_login = (first["username"], first["password"])


def _result(command: list[str], said: str) -> dict[str, Any]:
    """Return the JSON object that is the last line of what the command printed."""
    try:
        found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise CommandError(command, "printed no result", said) from error
    return found


FIRST_LOGIN = Step("Roles, namespaces and the first administrator", _available, _apply)
