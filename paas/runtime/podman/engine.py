"""PodmanRuntime: the Runtime Protocol over one instance's own podman service."""

import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from json import dumps
from pathlib import Path
from typing import Any
from weakref import WeakSet

from paas.core.errors import NotFoundError
from paas.runtime.base import (
    ContainerSpec,
    ContainerState,
    ContainerStats,
    ExecResult,
    ExecStream,
    ImageState,
    RegistryAuth,
    RuntimeEvent,
    RuntimeFailedError,
    SandboxSpec,
)
from paas.runtime.podman.cgroups import stats_read
from paas.runtime.podman.events import EventStream
from paas.runtime.podman.execs import exec_short
from paas.runtime.podman.images import PodmanImages
from paas.runtime.podman.oom import OomMarkers
from paas.runtime.podman.processes import conmon_lives, is_of_container
from paas.runtime.podman.specs import (
    LABEL_INSTANCE,
    LABEL_SHARED_PIDS,
    container_spec,
    sandbox_name,
    sandbox_spec,
)
from paas.runtime.podman.states import inspected, listed
from paas.runtime.podman.streams import (
    PodmanAttachStream,
    PodmanExecStream,
    attachable,
    exec_create,
)
from paas.runtime.podman.transport import Transport, segment

PAUSE_IMAGE = "localhost/minato/pause:latest"
REMOVE_TIMEOUT_S = 120.0
REMOVE_TRIES = 5
REMOVE_PAUSE_S = 0.1
_REOPEN = b"2 0 0\n"


class PodmanRuntime:
    """Thread-safe; survives restarts of podman's service. Implements paas.runtime.base.Runtime.

    `instance` names the cgroup parent and the containers' label. Beside the socket lie what
    `deploy.images.podman` sets up: `oom/`, the marks of our runtime shim, and `libpod/exits/`,
    where conmon writes exit codes.
    """

    def __init__(self, socket: Path, instance: str, *, pause_image: str = PAUSE_IMAGE) -> None:
        self._transport = Transport(socket)
        self._instance = instance
        self._pause_image = pause_image
        self._exits = socket.parent / "libpod" / "exits"
        self._oom = OomMarkers(instance, socket.parent / "oom")
        self._images = PodmanImages(self._transport, lambda: self._stores[0])
        self._event_streams: WeakSet[EventStream] = WeakSet()
        self._shared_pids: dict[str, bool] = {}

    def ping(self) -> str:
        """Return podman's version, from the header `Server: Libpod/4.3.1 (linux)`.

        `/version` would have podman ask dpkg for its helpers' versions: half a second of CPU.
        """
        server = self._transport.call("GET", "/_ping", timeout_s=5).server
        return server.partition("/")[2].partition(" ")[0]

    def sandbox_start(self, spec: SandboxSpec) -> ContainerState:
        """Create the infra container or take the pod's existing one, and have it run."""
        body = sandbox_spec(self._instance, self._pause_image, spec)
        try:
            container_id = self._create(body)
        except RuntimeFailedError as error:
            if "already in use" not in error.message:
                raise
            container_id = sandbox_name(self._instance, spec.pod_uid)
        self.container_start(container_id)
        return self.inspect(container_id)

    def container_create(self, sandbox_id: str, spec: ContainerSpec) -> str:
        """Create a container in the sandbox's namespaces."""
        if spec.log_path is not None:
            spec.log_path.parent.mkdir(parents=True, exist_ok=True)
        share_pids = self._shares_pids(sandbox_id)
        body = container_spec(self._instance, sandbox_id, spec, share_pids=share_pids)
        return self._create(body)

    def container_start(self, container_id: str) -> None:
        """Start it; podman answers 304 if it runs."""
        try:
            self._transport.call("POST", f"{_container(container_id)}/start")
        except NotFoundError as error:
            # podman says 404 also for a command that the image does not have
            if "no such container" in error.message or "no container with" in error.message:
                raise
            raise RuntimeFailedError(error.message) from error

    def container_signal(self, container_id: str, signal: str) -> None:
        """Send a signal."""
        try:
            path = f"{_container(container_id)}/kill"
            self._transport.call("POST", path, query={"signal": signal})
        except RuntimeFailedError:
            if self.inspect(container_id).status == "running":
                raise

    def container_remove(self, container_id: str) -> None:
        """Kill and remove, a sandbox with its containers.

        podman's own clean-up of a container that ended just now may hold its mounts: asked again,
        podman also removes what is left of one that its database does not know any more.
        """
        for left in reversed(range(REMOVE_TRIES)):
            try:
                self._remove(container_id)
            except NotFoundError:
                break
            except RuntimeFailedError:
                if not left:
                    raise
                threading.Event().wait(REMOVE_PAUSE_S)
            else:
                break
        self._oom.forget(container_id)
        self._shared_pids.pop(container_id, None)

    def inspect(self, container_id: str) -> ContainerState:
        """Return its state, `unknown` when it runs and its conmon has died."""
        state = self._inspect(container_id)
        if state.status != "running" or self._is_supervised(state.id):
            return state
        # conmon writes the exit code and goes: look again before calling it lost
        return self._doubted(self._inspect(container_id))

    def containers(self, labels: Mapping[str, str] | None = None) -> list[ContainerState]:
        """Return all of this instance that carry the labels."""
        wanted = {**(labels or {}), LABEL_INSTANCE: self._instance}
        filters = dumps({"label": [f"{key}={value}" for key, value in wanted.items()]})
        query = {"all": "true", "filters": filters}
        rows = self._transport.call("GET", "/containers/json", query=query).json()
        return [state for row in rows if (state := self._listed(row)) is not None]

    def events(self) -> Iterator[RuntimeEvent]:
        """Yield events from this call on; raises RuntimeUnavailableError only now."""
        stream = EventStream(self._transport, self._instance, self._exits, self._inspect)
        self._event_streams.add(stream)
        return iter(stream)

    def exec_run(
        self,
        container_id: str,
        argv: tuple[str, ...],
        *,
        timeout_s: float,
        limit_bytes: int = 10240,
    ) -> ExecResult:
        """Run a short command, with or without podman's service."""
        bundle = self._bundle(container_id)
        return exec_short(bundle, container_id, argv, timeout_s=timeout_s, limit_bytes=limit_bytes)

    def exec_stream(
        self, container_id: str, argv: tuple[str, ...], *, tty: bool, stdin: bool
    ) -> ExecStream:
        """Start an interactive command."""
        exec_id = exec_create(self._transport, container_id, argv, tty=tty, stdin=stdin)
        return PodmanExecStream(self._transport, container_id, exec_id, tty=tty)

    def attach_stream(self, container_id: str, *, tty: bool, stdin: bool) -> ExecStream:
        """Attach to the container's own process; closing the stream leaves it running."""
        attachable(self.inspect(container_id))
        return PodmanAttachStream(self._transport, container_id, tty=tty, stdin=stdin)

    def stats(self, container_id: str) -> ContainerStats:
        """Return the counters, with or without podman's service."""
        return stats_read(self._instance, container_id)

    def image_find(self, reference: str) -> ImageState | None:
        """Return the image if it is here."""
        return self._images.find(reference)

    def image_pull(self, reference: str, auth: RegistryAuth | None = None) -> ImageState:
        """Pull and return the image."""
        return self._images.pull(reference, auth)

    def images(self) -> list[ImageState]:
        """Return all images."""
        return self._images.all()

    def image_remove(self, image_id: str) -> None:
        """Remove an image that no container uses."""
        self._images.remove(image_id)

    def reopen_log(self, container_id: str) -> None:
        """Tell conmon to open its log path anew. Raises NotFoundError when it has ended."""
        try:
            control = os.open(self._bundle(container_id) / "ctl", os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            raise NotFoundError(f"container {container_id} does not run") from error
        try:
            os.write(control, _REOPEN)
        finally:
            os.close(control)

    def close(self) -> None:
        """End the event streams and the connections that are kept between calls."""
        for stream in list(self._event_streams):
            stream.close()
        self._transport.close()

    @cached_property
    def _stores(self) -> tuple[Path, Path]:
        """Return podman's root and its volatile root; they cannot change in its life."""
        store: dict[str, Any] = self._transport.call("GET", "/info").json()["store"]
        return Path(store["graphRoot"]), Path(store["runRoot"])

    def _bundle(self, container_id: str) -> Path:
        return self._stores[0] / "overlay-containers" / container_id / "userdata"

    def _create(self, body: dict[str, Any]) -> str:
        return str(self._transport.call("POST", "/containers/create", body=body).json()["Id"])

    def _remove(self, container_id: str) -> None:
        query = {"force": "true", "timeout": "0", "v": "true", "depend": "true"}
        path = _container(container_id)
        self._transport.call("DELETE", path, query=query, timeout_s=REMOVE_TIMEOUT_S)

    def _shares_pids(self, sandbox_id: str) -> bool:
        if sandbox_id not in self._shared_pids:
            self._inspect(sandbox_id)
        return self._shared_pids[sandbox_id]

    def _inspect(self, container_id: str) -> ContainerState:
        body = self._transport.call("GET", f"{_container(container_id)}/json").json()
        shared = (body["Config"].get("Labels") or {}).get(LABEL_SHARED_PIDS)
        if shared is not None:
            self._shared_pids[body["Id"]] = shared == "true"
        ended = body["State"]["Status"] in ("exited", "stopped")
        return inspected(body, oom_killed=ended and self._oom.killed(body["Id"]))

    def _listed(self, row: dict[str, Any]) -> ContainerState | None:
        if row["State"] == "running" and not self._is_supervised(row["Id"]):
            try:
                return self.inspect(row["Id"])
            except NotFoundError:
                return None  # removed meanwhile
        ended = row["State"] in ("exited", "stopped")
        return listed(row, oom_killed=ended and self._oom.killed(row["Id"]))

    def _is_supervised(self, container_id: str) -> bool:
        pid_file = self._stores[1] / "overlay-containers" / container_id / "userdata/conmon.pid"
        return conmon_lives(pid_file, container_id)

    def _doubted(self, state: ContainerState) -> ContainerState:
        if state.status != "running" or self._is_supervised(state.id):
            return state
        pid = state.pid if is_of_container(state.pid, state.id) else 0
        return replace(state, status="unknown", pid=pid, oom_killed=self._oom.killed(state.id))


def _container(name: str) -> str:
    return f"/containers/{segment(name)}"
