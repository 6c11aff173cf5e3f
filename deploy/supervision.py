"""Talks to the two supervisors of an instance over their Unix sockets."""

import time
import xmlrpc.client
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from deploy import layout, runner
from deploy.configs.environment import no_proxy
from deploy.errors import DeployError
from deploy.launch import pid_of
from paas.settings.instance import Instance

CONTROL = "control"
DATA = "data"
START_S = 20.0
_LOOK_S = 0.05
_GONE = (OSError, xmlrpc.client.ProtocolError, xmlrpc.client.Fault)


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What a supervisor knows of a process: `state` is supervisor's own word; pid 0 means none."""

    name: str
    state: str
    pid: int
    detail: str


@dataclass(frozen=True, slots=True)
class Supervisor:
    """One of the two: its plane is `control` or `data`."""

    instance: Instance
    plane: str

    @property
    def config(self) -> Path:
        """Return its configuration file."""
        return self.instance.etc / f"supervisor-{self.plane}.conf"

    def running(self) -> bool:
        """Say whether it answers."""
        try:
            return bool(self._call("getState"))
        except _GONE:
            return False

    def ensure(self) -> None:
        """Start it, or let it restart what has changed. Raises DeployError, CommandError."""
        if self.running():
            self._update()
            return
        self._start()

    def processes(self) -> dict[str, ProcessState]:
        """Return the state of each process; empty when the supervisor does not answer."""
        try:
            return {item["name"]: _state(item) for item in self._call("getAllProcessInfo")}
        except _GONE:
            return {}

    def start(self, names: Iterable[str]) -> None:
        """Start processes without waiting for them; those that run are left alone.

        One that waits for its next try is tried now.
        """
        states = self.processes()
        for name in names:
            if name in states and states[name].state == "BACKOFF":
                self.stop([name])
            with suppress(xmlrpc.client.Fault):  # runs already, or could not be started: probed
                self._call("startProcess", name, False)

    def stop(self, names: Iterable[str]) -> None:
        """Stop processes and wait until they have ended."""
        for name in names:
            with suppress(*_GONE):
                self._call("stopProcess", name, True)

    def shut_down(self, *, timeout_s: float = 120.0) -> bool:
        """Stop all processes and the supervisor. Return whether one was there. Raises DeployError.

        Returns when the supervisor itself has ended, so that another may start at once.
        """
        pid = self._pid()
        try:
            self._call("shutdown")
        except _GONE:
            return False
        deadline = time.monotonic() + timeout_s
        while pid and Path(f"/proc/{pid}").exists():
            if time.monotonic() > deadline:
                raise DeployError(
                    f"The supervisor of the {self.plane} plane did not end in {timeout_s:.0f} s.",
                    f"See {self.instance.log}/supervisor-{self.plane}.log",
                )
            time.sleep(_LOOK_S)
        return True

    def _call(self, method: str, *arguments: Any) -> Any:
        socket = self.instance.run / "supervisor" / f"{self.plane}.sock"
        transport = SupervisorTransport(None, None, serverurl=f"unix://{socket}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _pid(self) -> int:
        with suppress(*_GONE):
            return int(self._call("getPID"))
        return 0

    def _start(self) -> None:
        program = layout.venv_directory(self.instance) / "bin" / "supervisord"
        env = no_proxy(self.instance)  # for the servers, which read no settings
        runner.run([program, "-c", self.config], timeout_s=START_S, cwd=self.instance.home, env=env)
        deadline = time.monotonic() + START_S
        while not self.running():
            if time.monotonic() > deadline:
                log = self.instance.log / f"supervisor-{self.plane}.log"
                raise DeployError(
                    f"The {self.plane} plane's supervisor did not start.", f"See {log}"
                )
            time.sleep(_LOOK_S)

    def _update(self) -> None:
        """Do what `supervisorctl update` does: restart what changed, nothing else."""
        added, changed, removed = self._call("reloadConfig")[0]
        for name in [*changed, *removed]:
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in [*changed, *added]:
            self._add(name)

    def _add(self, name: str) -> None:
        try:
            self._call("addProcessGroup", name)
        except xmlrpc.client.Fault as error:
            if error.faultCode != Faults.ALREADY_ADDED:
                raise DeployError(f"supervisor refuses {name}: {error.faultString}") from error


def _state(item: dict[str, Any]) -> ProcessState:
    detail = item["spawnerr"] or item["description"]
    return ProcessState(item["name"], item["statename"], int(item["pid"]), str(detail))


def pid_from_file(pid_file: Path) -> int:
    """Return the pid of a process that runs without its supervisor; 0 if there is none."""
    return pid_of(pid_file) or 0
