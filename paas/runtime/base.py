"""The Runtime Protocol: what the node agent asks of a container engine, as CRI does.

Two implementations pass the same contract tests: `paas.runtime.podman` and the tests' fake. All
calls are synchronous and safe to repeat; each raises `RuntimeFailedError` with the engine's words,
`RuntimeUnavailableError` while the engine does not answer, or NotFoundError.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from paas.core.errors import PaasError


class RuntimeFailedError(PaasError):
    """The engine refused or failed; the message carries its words."""

    reason = "RuntimeFailed"


class RuntimeUnavailableError(PaasError):
    """The engine does not answer; try again."""

    reason = "RuntimeUnavailable"


class ImagePullFailedError(PaasError):
    """The image cannot be had: unknown, denied, or its registry does not answer."""

    reason = "ErrImagePull"


@dataclass(frozen=True, slots=True)
class UserMap:
    """A project's user namespace: ids 0 to size-1 inside are host_base … on the machine."""

    host_base: int
    size: int = 65536


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """A pod's infra container: holds its namespaces; no network until the caller wires it."""

    pod_uid: str
    namespace: str
    name: str
    hostname: str
    user_map: UserMap
    labels: Mapping[str, str] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    share_process_namespace: bool = False


@dataclass(frozen=True, slots=True)
class Mount:
    """A bind mount. `propagation` is upstream's mountPropagation."""

    source: Path
    target: str
    read_only: bool = False
    propagation: str = "None"


@dataclass(frozen=True, slots=True)
class Limits:
    """cgroup limits; 0 means none. `cpu_shares` is cgroup v1's scale (1024 = one core)."""

    cpu_shares: int = 0
    cpu_quota_us: int = 0
    cpu_period_us: int = 100_000
    memory_bytes: int = 0
    pids: int = 0
    oom_score_adj: int = 0


@dataclass(frozen=True, slots=True)
class Security:
    """What the container may do. `seccomp` is RuntimeDefault, Unconfined or a profile's path.

    `user` is the image's where None; `run_as_group` and `supplemental_groups` as in Kubernetes.
    """

    user: str | None = None
    run_as_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    no_new_privileges: bool = True
    read_only_root: bool = False
    seccomp: str = "RuntimeDefault"
    selinux_level: str = ""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container of a sandbox. Empty `command` and `args` leave the image's own.

    `image` is an image id that `image_pull` or `image_find` returned, never a tag.
    `log_path` is where the engine writes the k8s-file format; the caller tails and rotates it.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    mounts: tuple[Mount, ...] = ()
    limits: Limits = field(default_factory=Limits)
    security: Security = field(default_factory=Security)
    labels: Mapping[str, str] = field(default_factory=dict)
    log_path: Path | None = None
    stdin: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True)
class ContainerState:
    """What is. `status` is created, running, exited or unknown; `pid` 0 unless running.

    `oom_killed` is read from the memory cgroup. `labels` are those of creation.
    """

    id: str
    name: str
    status: str
    pid: int = 0
    exit_code: int = 0
    oom_killed: bool = False
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    image: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    is_sandbox: bool = False
    sandbox_id: str = ""


@dataclass(frozen=True, slots=True)
class ImageState:
    """An image on the machine. `digest` is the manifest's, as the registry names it."""

    id: str
    digest: str
    references: tuple[str, ...]
    size_bytes: int = 0
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    exposed_ports: tuple[str, ...] = ()
    working_dir: str = ""
    stop_signal: str = ""


@dataclass(frozen=True, slots=True)
class RegistryAuth:
    """How to sign in to an image's registry.

    `location` is where it is really reached (`host:port`), if the machine maps the name that the
    image bears to another: credentials of a name are not sent elsewhere.
    """

    username: str
    password: str
    location: str = ""


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """Counters from the cgroup, now."""

    cpu_ns: int
    memory_working_set_bytes: int
    memory_usage_bytes: int
    pids: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RuntimeEvent:
    """Something happened to a container: `action` is start, died, remove or oom."""

    container_id: str
    action: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a short command ended; output is bounded by the caller's limit."""

    exit_code: int
    output: bytes
    timed_out: bool = False


class ExecStream(Protocol):
    """An interactive exec or attach. Reading and writing may happen in different threads."""

    def read(self) -> tuple[int, bytes] | None:
        """Return (1 for stdout or 2 for stderr, bytes); None at the end."""

    def write(self, data: bytes) -> None:
        """Send to standard input."""

    def close_stdin(self) -> None:
        """End standard input; output goes on."""

    def resize(self, *, width: int, height: int) -> None:
        """Tell the terminal its size."""

    def exit_code(self) -> int:
        """Return the exit code, after `read` returned None."""

    def close(self) -> None:
        """Let go; the process in the container is killed if it still runs."""


class Runtime(Protocol):
    """A container engine."""

    def ping(self) -> str:
        """Return the engine's version. Raises RuntimeUnavailableError."""

    def sandbox_start(self, spec: SandboxSpec) -> ContainerState:
        """Create and start the infra container; an existing one of that pod uid is returned."""

    def container_create(self, sandbox_id: str, spec: ContainerSpec) -> str:
        """Create a container in the sandbox's user, network and IPC namespaces; return its id."""

    def container_start(self, container_id: str) -> None:
        """Start it; nothing happens if it runs."""

    def container_signal(self, container_id: str, signal: str) -> None:
        """Send a signal such as SIGTERM; nothing happens if it has ended."""

    def container_remove(self, container_id: str) -> None:
        """Kill and remove; nothing happens if it is gone."""

    def inspect(self, container_id: str) -> ContainerState:
        """Return its state. Raises NotFoundError."""

    def containers(self, labels: Mapping[str, str] | None = None) -> list[ContainerState]:
        """Return all containers and sandboxes of this instance that carry the labels."""

    def events(self) -> Iterator[RuntimeEvent]:
        """Yield events from this call on; ends (without raising) when the engine goes away.

        Raises RuntimeUnavailableError at once when it is away already.
        """

    def exec_run(
        self,
        container_id: str,
        argv: tuple[str, ...],
        *,
        timeout_s: float,
        limit_bytes: int = 10240,
    ) -> ExecResult:
        """Run a short command in the container, as probes and hooks do."""

    def exec_stream(
        self, container_id: str, argv: tuple[str, ...], *, tty: bool, stdin: bool
    ) -> ExecStream:
        """Start an interactive command."""

    def attach_stream(self, container_id: str, *, tty: bool, stdin: bool) -> ExecStream:
        """Attach to the container's own process, which `close` leaves running."""

    def stats(self, container_id: str) -> ContainerStats:
        """Return the counters of a running container. Raises NotFoundError."""

    def image_find(self, reference: str) -> ImageState | None:
        """Return the image of this reference (name@digest, name:tag or id) if it is here."""

    def image_pull(self, reference: str, auth: RegistryAuth | None = None) -> ImageState:
        """Pull and return it. Raises ImagePullFailedError with the registry's words."""

    def images(self) -> list[ImageState]:
        """Return all images."""

    def image_remove(self, image_id: str) -> None:
        """Remove an image that no container uses."""

    def reopen_log(self, container_id: str) -> None:
        """Make the engine write to the log path anew after it was renamed."""
