"""Interactive exec and attach over a hijacked connection to podman."""

import socket
import struct
import threading
from contextlib import suppress
from typing import Any

from paas.core.errors import NotFoundError
from paas.runtime.base import ContainerState, RuntimeFailedError, RuntimeUnavailableError
from paas.runtime.podman.processes import kill_tree
from paas.runtime.podman.transport import Transport

STDOUT, STDERR = 1, 2
_HEADER = struct.Struct(">BxxxL")
_READ_BYTES = 65536
_PATIENCE = 100
_PAUSE_S = 0.05


class Stream:
    """The bytes of one ExecStream: frames of podman's, or a terminal's raw bytes."""

    def __init__(self, raw: socket.socket, *, tty: bool) -> None:
        self._raw = raw
        self._tty = tty
        self._left = 0
        self._channel = STDOUT
        self._sending = threading.Lock()

    def read(self) -> tuple[int, bytes] | None:
        """Return the next piece, at most 64 KiB of one channel; None at the end."""
        try:
            if not self._tty and not self._left and not self._next_frame():
                return None
            data = self._raw.recv(_READ_BYTES if self._tty else min(self._left, _READ_BYTES))
        except OSError:  # podman has gone, or another thread has closed
            return None
        if not self._tty:
            self._left -= len(data)
        return (self._channel, data) if data else None

    def write(self, data: bytes) -> None:
        """Send to standard input. Raises RuntimeUnavailableError when nobody reads any more."""
        try:
            with self._sending:
                self._raw.sendall(data)
        except OSError as error:
            raise RuntimeUnavailableError(f"the stream has ended: {error}") from error

    def close_stdin(self) -> None:
        """End standard input."""
        with suppress(OSError):
            self._raw.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection; a reader in another thread sees the end."""
        with suppress(OSError):  # the other side may have been quicker
            self._raw.shutdown(socket.SHUT_RDWR)
        self._raw.close()

    def _next_frame(self) -> bool:
        while not self._left:
            head = b""
            while len(head) < _HEADER.size:
                piece = self._raw.recv(_HEADER.size - len(head))
                if not piece:
                    return False
                head += piece
            channel, self._left = _HEADER.unpack(head)
            self._channel = STDERR if channel == STDERR else STDOUT
        return True


class PodmanExecStream(Stream):
    """An interactive command. Source: libpod REST API v4, `/libpod/exec/{id}`."""

    def __init__(self, transport: Transport, container_id: str, exec_id: str, *, tty: bool) -> None:
        self._transport = transport
        self._container_id = container_id
        self._path = f"/exec/{exec_id}"
        super().__init__(
            transport.hijack(f"{self._path}/start", query={}, body={"Detach": False, "Tty": tty}),
            tty=tty,
        )

    def resize(self, *, width: int, height: int) -> None:
        """Tell the terminal its size; nothing happens once the command has ended."""
        _resize(self._transport, self._path, width, height)

    def exit_code(self) -> int:
        """Return the exit code. Raises RuntimeUnavailableError when podman lost it."""
        for _ in range(_PATIENCE):
            state = self._state()
            if not state["Running"]:
                return int(state["ExitCode"])
            threading.Event().wait(_PAUSE_S)
        raise RuntimeFailedError("the command has closed its output and runs on")

    def close(self) -> None:
        """Let go, and kill the command with its children if it runs."""
        super().close()
        try:
            state = self._state()
        except (NotFoundError, RuntimeFailedError, RuntimeUnavailableError):
            return  # it is gone, or nobody can say
        if state["Running"] and state["Pid"]:
            kill_tree(state["Pid"], self._container_id)

    def _state(self) -> dict[str, Any]:
        found: dict[str, Any] = self._transport.call("GET", f"{self._path}/json").json()
        return found


class PodmanAttachStream(Stream):
    """The container's own process; `close` leaves it running, as detaching does.

    Its standard input ends with the first stream that had it: conmon behaves as stdinOnce.
    """

    def __init__(self, transport: Transport, container_id: str, *, tty: bool, stdin: bool) -> None:
        self._transport = transport
        self._path = f"/containers/{container_id}"
        query = {"stream": "true", "stdout": "true", "stderr": "true", "stdin": str(stdin).lower()}
        super().__init__(transport.hijack(f"{self._path}/attach", query=query), tty=tty)

    def resize(self, *, width: int, height: int) -> None:
        """Tell the terminal its size."""
        _resize(self._transport, self._path, width, height)

    def exit_code(self) -> int:
        """Return the container's exit code once it has ended."""
        for _ in range(_PATIENCE):
            state = self._transport.call("GET", f"{self._path}/json").json()["State"]
            if not state["Running"]:
                return int(state["ExitCode"])
            threading.Event().wait(_PAUSE_S)
        raise RuntimeFailedError("the container has closed its output and runs on")


def exec_create(
    transport: Transport, container_id: str, argv: tuple[str, ...], *, tty: bool, stdin: bool
) -> str:
    """Prepare an interactive command; return its id."""
    body = {
        "AttachStdin": stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": tty,
        "Cmd": list(argv),
        "Env": ["TERM=xterm"] if tty else [],
    }
    made = transport.call("POST", f"/containers/{container_id}/exec", body=body)
    return str(made.json()["Id"])


def attachable(state: ContainerState) -> None:
    """Raise RuntimeFailedError unless the container runs."""
    if state.status != "running":
        raise RuntimeFailedError(f"the container {state.name} does not run")


def _resize(transport: Transport, path: str, width: int, height: int) -> None:
    """Set the size; wait for a command that is being started, ignore one that has ended."""
    for _ in range(_PATIENCE):
        try:
            transport.call("POST", f"{path}/resize", query={"w": str(width), "h": str(height)})
        except RuntimeFailedError:
            threading.Event().wait(_PAUSE_S)
        except NotFoundError:
            return
        else:
            return
