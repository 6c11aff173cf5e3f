"""One check of a probe: HTTP, TCP or exec. Each ends within its time-out and never raises.

Source: pkg/probe/{http,tcp,exec}: 200 to 399 is success; redirects to another host are too.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from paas.core.errors import PaasError
from paas.orchestration.nodeagent.podspec import Container
from paas.runtime.base import Runtime

CHECK_MAX_S = 300.0
_USER_AGENT = "kube-probe/1.33"
_BODY_MAX = 10 * 1024
_REDIRECTS_MAX = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check ended; `output` is what the Unhealthy event quotes."""

    ok: bool
    output: str = ""


def check(
    runtime: Runtime,
    container: Container,
    probe: Mapping[str, Any],
    *,
    container_id: str,
    address: str,
) -> Outcome:
    """Run the probe's one check; none takes longer than CHECK_MAX_S."""
    timeout_s = min(float(probe.get("timeoutSeconds") or 1), CHECK_MAX_S)
    if action := probe.get("httpGet"):
        return http_check(container, action, address, timeout_s=timeout_s)
    if action := probe.get("tcpSocket"):
        return tcp_check(container, action, address, timeout_s=timeout_s)
    if action := probe.get("exec"):
        argv = tuple(action.get("command") or ())
        return exec_check(runtime, container_id, argv, timeout_s=timeout_s)
    return Outcome(ok=False, output="this node offers no such probe")


def exec_check(
    runtime: Runtime, container_id: str, argv: tuple[str, ...], *, timeout_s: float
) -> Outcome:
    """Run a command in the container; exit code 0 is success."""
    try:
        result = runtime.exec_run(container_id, argv, timeout_s=timeout_s)
    except PaasError as error:
        return Outcome(ok=False, output=str(error))
    if result.timed_out:
        return Outcome(
            ok=False, output=f'command timed out: "{" ".join(argv)}" timed out after {timeout_s:g}s'
        )
    return Outcome(ok=result.exit_code == 0, output=result.output.decode(errors="replace"))


def tcp_check(
    container: Container, action: Mapping[str, Any], address: str, *, timeout_s: float
) -> Outcome:
    """Open and close a connection."""
    try:
        place = (str(action.get("host") or address), port_number(container, action["port"]))
    except ValueError as error:
        return Outcome(ok=False, output=str(error))
    try:
        socket.create_connection(place, timeout=timeout_s).close()
    except OSError as error:
        return Outcome(ok=False, output=f"dial tcp {place[0]}:{place[1]}: {_words(error)}")
    return Outcome(ok=True)


def http_check(
    container: Container, action: Mapping[str, Any], address: str, *, timeout_s: float
) -> Outcome:
    """Send a GET and follow redirects on the same host."""
    try:
        port = port_number(container, action["port"])
        scheme = str(action.get("scheme") or "HTTP").lower()
        host = str(action.get("host") or address)
        url = urljoin(f"{scheme}://{host}:{port}/", str(action.get("path") or "/"))
    except ValueError as error:
        return Outcome(ok=False, output=str(error))
    try:
        headers = {one["name"]: one["value"] for one in action.get("httpHeaders") or ()}
        return _follow(url, headers, _Deadline(timeout_s))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Outcome(ok=False, output=f'Get "{url}": {_words(error)}')


def _words(error: Exception) -> str:
    """Return what went wrong without its number, in upstream's words where it has some."""
    if isinstance(error, ConnectionRefusedError):
        return "connect: connection refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def port_number(container: Container, port: str | int) -> int:
    """Return a port by number or by its name in the container. Raises ValueError."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    for one in container.get("ports") or ():
        if one.get("name") == port:
            return int(one["containerPort"])
    raise ValueError(f"couldn't find port named {port}")


class _Deadline:
    """One moment for all that a check waits for."""

    def __init__(self, timeout_s: float) -> None:
        self._end = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Return how long there is still to wait. Raises TimeoutError."""
        if (left_s := self._end - time.monotonic()) <= 0:
            raise TimeoutError("timed out")
        return left_s


class _Answer(io.RawIOBase):
    """What a server says until the deadline, however slowly it drips."""

    def __init__(self, connected: socket.socket, deadline: _Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(self._deadline.left_s())
        return self._socket.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Do as a socket does, for HTTPResponse."""
        return io.BufferedReader(self)


def _follow(url: str, headers: Mapping[str, str], deadline: _Deadline) -> Outcome:
    first = urlsplit(url)
    for _ in range(_REDIRECTS_MAX):
        status, location, body = _get(url, headers, deadline)
        if status in _REDIRECTS and location:
            url = urljoin(url, location)
            if urlsplit(url).hostname != first.hostname:
                return Outcome(ok=True, output="Probe terminated redirects")
            continue
        if http.client.OK <= status < http.client.BAD_REQUEST:
            return Outcome(ok=True, output=body)
        return Outcome(ok=False, output=f"HTTP probe failed with statuscode: {status}")
    return Outcome(ok=False, output="stopped after 10 redirects")


def _get(url: str, headers: Mapping[str, str], deadline: _Deadline) -> tuple[int, str, str]:
    parts = urlsplit(url)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, deadline.left_s())
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"User-Agent": _USER_AGENT, "Accept": "*/*", "Connection": "close"}
    try:
        connection.request("GET", path, headers={**sent, **headers})
        answer = http.client.HTTPResponse(_Answer(connection.sock, deadline), method="GET")  # type: ignore[arg-type]  # it only reads
        answer.begin()
        body = answer.read(_BODY_MAX).decode(errors="replace")
        return answer.status, answer.getheader("Location") or "", body
    finally:
        connection.close()


def _connection(
    scheme: str, host: str, port: int | None, timeout_s: float
) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # as upstream: a pod's own certificate names no address
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
