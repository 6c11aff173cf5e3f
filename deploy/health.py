"""The health of a platform as `minato status` shows it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from deploy.configs.supervisor import pid_file
from deploy.errors import DeployError
from deploy.probes import PROBES, probe
from deploy.supervision import CONTROL, DATA, ProcessState, Supervisor, pid_from_file
from paas.settings.instance import Instance


@dataclass(frozen=True, slots=True)
class ProcessHealth:
    """One process: `pid` is 0 and `version` empty where there is none to tell."""

    name: str
    pid: int
    healthy: bool
    version: str
    detail: str


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """A whole platform: ready means that each process is healthy."""

    urls: dict[str, str]
    processes: list[ProcessHealth]

    @property
    def ready(self) -> bool:
        """Say whether every process is healthy."""
        return all(process.healthy for process in self.processes)

    def as_dict(self) -> dict[str, Any]:
        """Return what `minato status -o json` prints."""
        processes = [asdict(process) for process in self.processes]
        return {"ready": self.ready, "urls": self.urls, "processes": processes}


def urls_of(instance: Instance) -> dict[str, str]:
    """Return where people find the platform; `apps_domain` is a domain, not a URL."""
    return {
        "console": instance.url(instance.console_host),
        "api": instance.url(instance.api_host),
        "git": instance.url(instance.git_host),
        "registry": instance.url(instance.registry_host),
        "apps_domain": instance.apps_domain,
    }


def status_of(instance: Instance) -> PlatformStatus:
    """Ask every process at the same time; takes no longer than the slowest probe."""
    states: dict[str, ProcessState] = {}
    for plane in (CONTROL, DATA):
        states |= Supervisor(instance, plane).processes()
    with ThreadPoolExecutor(len(PROBES)) as pool:
        found = pool.map(lambda name: _health(instance, name, states), PROBES)
        return PlatformStatus(urls_of(instance), list(found))


def _health(instance: Instance, name: str, states: Mapping[str, ProcessState]) -> ProcessHealth:
    state = states.get(name)
    pid = pid_from_file(pid_file(instance, name))
    if state is None:
        detail = "runs without its supervisor" if pid else "not running"
        return ProcessHealth(name, pid, healthy=False, version="", detail=detail)
    if pid and state.pid not in {0, pid}:  # the launcher is ending what was left behind
        return ProcessHealth(name, state.pid, healthy=False, version="", detail="replacing another")
    try:
        version = probe(name, instance)
    except DeployError as error:
        detail = _ill(state, error)
        return ProcessHealth(name, state.pid, healthy=False, version="", detail=detail)
    alive = state.state in {"RUNNING", "STARTING"}
    return ProcessHealth(name, state.pid, healthy=alive, version=version, detail=_well(state))


def _well(state: ProcessState) -> str:
    """Return how long it has run: supervisor says `pid 12, uptime 0:10:03`."""
    return state.detail.partition(", ")[2] or state.state.lower()


def _ill(state: ProcessState, error: DeployError) -> str:
    if state.state == "RUNNING":
        return error.message
    return f"{state.state.lower()}: {state.detail or error.message}"
