"""FakeRuntime: a container engine in memory that passes the contract tests podman passes.

Beside the Protocol it has controls for tests: `program`, `image_add`, `registry_add`, `finish`,
`oom_kill`, `shim_die`, `stop`, `restart`, `start_gate`, `exec_gate`, `log_write`. Thread-safe.
"""

import hashlib
import itertools
import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from paas.core.errors import NotFoundError
from paas.runtime.base import (
    ContainerSpec,
    ContainerState,
    ContainerStats,
    ExecResult,
    ImagePullFailedError,
    ImageState,
    RegistryAuth,
    RuntimeEvent,
    RuntimeFailedError,
    RuntimeUnavailableError,
    SandboxSpec,
)
from tests.fakes.programs import FOREVER, SUCCEEDS, FakeProgram, signal_number
from tests.fakes.streams import FakeStream

GATE_S = 100.0


def digest_of(text: str) -> str:
    """Return a digest that stands for a text."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def image_state(reference: str, **fields: object) -> ImageState:
    """Return an image of that reference; id and digest follow from it."""
    known = ImageState(
        id=digest_of(f"config {reference}").removeprefix("sha256:"),
        digest=reference.partition("@")[2] or digest_of(f"manifest {reference}"),
        references=(reference,),
    )
    return replace(known, **fields)  # type: ignore[arg-type]  # the caller's fields are ImageState's


@dataclass
class FakeContainer:
    """A container and what a test may look at: its spec, its streams, its signals."""

    state: ContainerState
    spec: ContainerSpec | None = None
    sandbox: SandboxSpec | None = None
    program: FakeProgram = FOREVER
    stats: ContainerStats | None = None
    signals: list[str] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)


class FakeRuntime:
    """Implements paas.runtime.base.Runtime. All controls may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        self._pids = itertools.count(1000)
        self._programs: dict[tuple[str, ...], FakeProgram] = {}
        self._images: dict[str, ImageState] = {}
        self._registry: dict[str, ImageState | str] = {}
        self._listeners: list[queue.Queue[RuntimeEvent | None]] = []
        self._gates: dict[str, threading.Event] = {}
        self._exec_gates: dict[tuple[str, ...], threading.Event] = {}
        self._start_failures: dict[str, str] = {}
        self._down = False
        self.all: dict[str, FakeContainer] = {}
        self.execs: list[tuple[str, tuple[str, ...]]] = []
        self.pulls: list[tuple[str, RegistryAuth | None]] = []
        self.log_reopened: list[str] = []

    # controls for tests

    def program(self, argv: tuple[str, ...], program: FakeProgram) -> None:
        """Say what a command does, as a container's process and in exec."""
        self._programs[argv] = program

    def image_add(self, reference: str, **fields: object) -> ImageState:
        """Put an image on the machine."""
        state = image_state(reference, **fields)
        self._images[state.id] = state
        return state

    def registry_add(self, reference: str, **fields: object) -> ImageState:
        """Make an image pullable."""
        state = image_state(reference, **fields)
        self._registry[reference] = state
        return state

    def pull_fail(self, reference: str, message: str) -> None:
        """Let pulls of a reference fail with the registry's words."""
        self._registry[reference] = message

    def start_fail(self, container_name: str, message: str) -> None:
        """Let starts of containers of this name fail."""
        self._start_failures[container_name] = message

    def start_gate(self, container_name: str) -> threading.Event:
        """Make starts of containers of this name wait until the event is set."""
        return self._gates.setdefault(container_name, threading.Event())

    def exec_gate(self, argv: tuple[str, ...]) -> threading.Event:
        """Make exec_run of a command wait until the event is set."""
        return self._exec_gates.setdefault(argv, threading.Event())

    def finish(self, container_id: str, exit_code: int = 0, *, oom_killed: bool = False) -> None:
        """End a container's process."""
        with self._lock:
            found = self._find(container_id)
            if found.state.status != "running":
                return
            self._change(
                found,
                status="exited",
                pid=0,
                exit_code=exit_code,
                oom_killed=oom_killed,
                finished_at=datetime.now(UTC),
            )
            for stream in found.streams:
                stream.end(exit_code)
        if oom_killed:
            self._emit(found, "oom")
        self._emit(found, "died")

    def oom_kill(self, container_id: str) -> None:
        """End it as the kernel does when the memory limit is hit."""
        self.finish(container_id, 137, oom_killed=True)

    def shim_die(self, container_id: str) -> None:
        """Lose the container's supervisor (conmon): nobody will learn its exit code."""
        with self._lock:
            self._change(self._find(container_id), status="unknown", pid=0)

    def stop(self) -> None:
        """Make the engine go away: calls raise RuntimeUnavailableError, event streams end."""
        with self._lock:
            self._down = True
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.put(None)

    def restart(self) -> None:
        """Bring the engine back; containers ran on."""
        self._down = False

    def log_write(self, container_id: str, text: str, *, stream: str = "stdout") -> None:
        """Write one full line to the container's log, as conmon does."""
        spec = self._find(container_id).spec
        if spec is not None and spec.log_path is not None:
            _log_line(spec.log_path, stream, text)

    def of(self, container_name: str) -> FakeContainer:
        """Return the newest container of that name. Raises NotFoundError."""
        with self._lock:
            found = [one for one in self.all.values() if one.state.name == container_name]
        if not found:
            raise NotFoundError(f"no container is named {container_name}")
        return found[-1]

    # the Protocol

    def ping(self) -> str:
        self._check()
        return "fake"

    def sandbox_start(self, spec: SandboxSpec) -> ContainerState:
        self._check()
        with self._lock:
            for one in self.all.values():
                if one.sandbox is not None and one.sandbox.pod_uid == spec.pod_uid:
                    found = one
                    break
            else:
                found = self._add(spec.name, spec.labels, is_sandbox=True)
                found.sandbox = spec
        self.container_start(found.state.id)
        return found.state

    def container_create(self, sandbox_id: str, spec: ContainerSpec) -> str:
        self._check()
        with self._lock:
            sandbox = self._find(sandbox_id)
            if sandbox.state.status != "running":
                raise RuntimeFailedError(f"the sandbox {sandbox_id} does not run")
            image = self._images.get(spec.image)
            if image is None:
                raise RuntimeFailedError(f"no such image: {spec.image}")
            argv = spec.command + spec.args or image.entrypoint + (spec.args or image.command)
            found = self._add(spec.name, spec.labels, image=spec.image, sandbox_id=sandbox_id)
            found.spec = spec
            found.program = self._programs.get(argv, FOREVER)
            return found.state.id

    def container_start(self, container_id: str) -> None:
        self._check()
        found = self._find(container_id)
        if found.state.status == "running":
            return
        if gate := self._gates.get(found.state.name):
            gate.wait(GATE_S)
        if message := self._start_failures.get(found.state.name):
            raise RuntimeFailedError(message)
        with self._lock:
            self._change(
                found,
                status="running",
                pid=next(self._pids),
                started_at=datetime.now(UTC),
                finished_at=None,
                exit_code=0,
            )
        self._emit(found, "start")
        self._run(found)

    def container_signal(self, container_id: str, signal: str) -> None:
        self._check()
        found = self._find(container_id)
        try:
            number = signal_number(signal)
        except KeyError as error:
            raise RuntimeFailedError(f"unknown signal {signal}") from error
        if found.state.status != "running":
            return
        found.signals.append(signal)
        if number == signal_number("SIGTERM") and found.program.ignores_term:
            return
        self.finish(container_id, 128 + number)

    def container_remove(self, container_id: str) -> None:
        self._check()
        with self._lock:
            inside = [one for one, has in self.all.items() if has.state.sandbox_id == container_id]
        for one in (*inside, container_id):
            self._remove(one)

    def inspect(self, container_id: str) -> ContainerState:
        self._check()
        return self._find(container_id).state

    def containers(self, labels: Mapping[str, str] | None = None) -> list[ContainerState]:
        self._check()
        wanted = (labels or {}).items()
        with self._lock:
            states = [one.state for one in self.all.values()]
        return [state for state in states if wanted <= state.labels.items()]

    def events(self) -> Iterator[RuntimeEvent]:
        listener: queue.Queue[RuntimeEvent | None] = queue.Queue()
        with self._lock:  # a stop either refuses this or ends it
            self._check()
            self._listeners.append(listener)
        return iter(listener.get, None)

    def exec_run(
        self,
        container_id: str,
        argv: tuple[str, ...],
        *,
        timeout_s: float,
        limit_bytes: int = 10240,
    ) -> ExecResult:
        self._check_running(container_id)
        self.execs.append((container_id, argv))
        if gate := self._exec_gates.get(argv):
            gate.wait(min(timeout_s, GATE_S))
        program = self._programs.get(argv, SUCCEEDS)
        output = (program.stdout + program.stderr)[:limit_bytes]
        if program.exit_code is None or program.seconds > timeout_s:
            return ExecResult(exit_code=137, output=output, timed_out=True)
        return ExecResult(exit_code=program.exit_code, output=output)

    def exec_stream(
        self, container_id: str, argv: tuple[str, ...], *, tty: bool, stdin: bool
    ) -> FakeStream:
        del tty, stdin
        found = self._check_running(container_id)
        self.execs.append((container_id, argv))
        stream = FakeStream(self._programs.get(argv, SUCCEEDS))
        found.streams.append(stream)
        return stream

    def attach_stream(self, container_id: str, *, tty: bool, stdin: bool) -> FakeStream:
        del tty, stdin
        found = self._check_running(container_id)
        stream = FakeStream(replace(found.program, exit_code=None, stdout=b"", stderr=b""))
        found.streams.append(stream)
        return stream

    def stats(self, container_id: str) -> ContainerStats:
        self._check()
        found = self._find(container_id)
        if found.state.status != "running":
            raise NotFoundError(f"the container {container_id} does not run")
        return found.stats or ContainerStats(1_000_000, 1 << 20, 2 << 20, 1, datetime.now(UTC))

    def image_find(self, reference: str) -> ImageState | None:
        self._check()
        for image in self._images.values():
            if reference in (image.id, f"sha256:{image.id}", *image.references):
                return image
        return None

    def image_pull(self, reference: str, auth: RegistryAuth | None = None) -> ImageState:
        self._check()
        self.pulls.append((reference, auth))
        found = self._registry.get(reference, f"{reference}: manifest unknown")
        if isinstance(found, str):
            raise ImagePullFailedError(found)
        self._images[found.id] = found
        return found

    def images(self) -> list[ImageState]:
        self._check()
        return list(self._images.values())

    def image_remove(self, image_id: str) -> None:
        self._check()
        with self._lock:
            if any(one.state.image == image_id for one in self.all.values()):
                raise RuntimeFailedError(f"image {image_id} is in use by a container")
            self._images.pop(image_id, None)

    def reopen_log(self, container_id: str) -> None:
        self._check()
        spec = self._check_running(container_id).spec
        self.log_reopened.append(container_id)
        if spec is not None and spec.log_path is not None:
            spec.log_path.touch()

    # inside

    def _check(self) -> None:
        if self._down:
            raise RuntimeUnavailableError("the engine does not answer")

    def _find(self, container_id: str) -> FakeContainer:
        with self._lock:
            if container_id not in self.all:
                raise NotFoundError(f"no such container: {container_id}")
            return self.all[container_id]

    def _check_running(self, container_id: str) -> FakeContainer:
        self._check()
        found = self._find(container_id)
        if found.state.status != "running":
            raise RuntimeFailedError(f"the container {container_id} does not run")
        return found

    def _add(self, name: str, labels: Mapping[str, str], **fields: object) -> FakeContainer:
        container_id = digest_of(f"{name} {next(self._ids)}").removeprefix("sha256:")
        state = ContainerState(
            id=container_id,
            name=name,
            status="created",
            created_at=datetime.now(UTC),
            labels=dict(labels),
            **fields,  # type: ignore[arg-type]  # fields of ContainerState
        )
        self.all[container_id] = FakeContainer(state)
        return self.all[container_id]

    def _change(self, container: FakeContainer, **fields: object) -> None:
        container.state = replace(container.state, **fields)  # type: ignore[arg-type]  # as above

    def _run(self, container: FakeContainer) -> None:
        log_path = container.spec.log_path if container.spec else None
        if log_path is not None:
            log_path.touch()
            for stream, data in (
                ("stdout", container.program.stdout),
                ("stderr", container.program.stderr),
            ):
                for line in data.decode().splitlines():
                    _log_line(log_path, stream, line)
        if container.program.exit_code is not None and not container.program.echo:
            self.finish(container.state.id, container.program.exit_code)

    def _remove(self, container_id: str) -> None:
        with self._lock:
            found = self.all.get(container_id)
        if found is None:
            return
        self.finish(container_id, 137)
        with self._lock:
            self.all.pop(container_id, None)
        self._emit(found, "remove")

    def _emit(self, container: FakeContainer, action: str) -> None:
        event = RuntimeEvent(container.state.id, action, container.state.labels)
        with self._lock:
            for listener in self._listeners:
                listener.put(event)


def _log_line(path: Path, stream: str, text: str) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    with path.open("a") as log:
        log.write(f"{now} {stream} F {text}\n")
