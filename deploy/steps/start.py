"""Starts the processes, and waits until each of them answers."""

import time

from deploy.errors import DeployError
from deploy.health import ProcessHealth, status_of
from deploy.processes import control_plane
from deploy.steps.base import Setup, Step, always
from deploy.supervision import CONTROL, DATA, Supervisor
from paas.settings.instance import Instance

READY_S = 90.0
LOG_LINES = 8
_LOOK_S = 0.25


def _servers_start(setup: Setup) -> None:
    Supervisor(setup.instance, CONTROL).ensure()


def _data_plane_start(setup: Setup) -> None:
    Supervisor(setup.instance, DATA).ensure()


def _ours_start(setup: Setup) -> None:
    names = [process.name for process in control_plane(setup.instance)]
    Supervisor(setup.instance, CONTROL).start(names)


def _await_ready(setup: Setup) -> None:
    """Return when every process is healthy. Raises DeployError naming those that are not."""
    deadline = time.monotonic() + READY_S
    told: frozenset[str] = frozenset()
    while True:
        ill = [one for one in status_of(setup.instance).processes if not one.healthy]
        if not ill:
            return
        if time.monotonic() > deadline:
            raise DeployError(_complaint(setup.instance, ill), "minato status shows it again.")
        names = frozenset(one.name for one in ill)
        if names != told:
            setup.report.note(f"waiting for {', '.join(one.name for one in ill)}")
            told = names
        time.sleep(_LOOK_S)


def _complaint(instance: Instance, ill: list[ProcessHealth]) -> str:
    lines = [f"Not ready after {READY_S:.0f} s: {', '.join(one.name for one in ill)}."]
    for one in ill:
        log = instance.log / f"{one.name}.log"
        lines.append(f"  {one.name}: {one.detail}. The end of {log}:")
        lines += [f"    {line}" for line in log_tail(instance, one.name)]
    return "\n".join(lines)


def log_tail(instance: Instance, name: str) -> list[str]:
    """Return the last lines that a process wrote."""
    log = instance.log / f"{name}.log"
    if not log.exists():
        return ["(it has written nothing)"]
    return log.read_text(errors="replace").splitlines()[-LOG_LINES:]


SERVERS = Step("Database, registry and container servers", always, _servers_start)
DATA_PLANE = Step("Edge, router and DNS", always, _data_plane_start)
PLATFORM = Step("Platform processes", always, _ours_start)
READY = Step("Waiting until everything answers", always, _await_ready)
