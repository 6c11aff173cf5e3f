"""Asks each process whether it does its work: a real request, never just "the pid exists".

A probe returns the version it was told, and raises when the answer is not the right one.
"""

import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy import layout, release
from deploy.configs.postgres import DATABASE, ROLE
from deploy.errors import DeployError
from deploy.runner import run
from paas.settings.instance import Instance

PROBE_S = 3.0
HEARTBEAT_MOST_S = 20.0
HEARTBEAT_KEY = "minato:heartbeat:{}"
_OK, _UNAUTHORIZED, _MISDIRECTED, _UNAVAILABLE = 200, 401, 421, 503
_NOBODY = "nobody.invalid"
_DNS_PORT = 53
_DNS_ANSWERS = {0, 3}  # what was asked for exists, or does not: RFC 1035, RCODE

Probe = Callable[[Instance], str]


def probe(name: str, instance: Instance) -> str:
    """Return the version of a healthy process. Raises DeployError saying what is wrong."""
    try:
        return PROBES[name](instance)
    except _WRONG as error:
        text = str(error).strip().splitlines()
        raise DeployError(text[0] if text else type(error).__name__) from error


def _postgres(instance: Instance) -> str:
    dsn = f"host={instance.postgres_socket_dir} user={ROLE} dbname={DATABASE}"
    with psycopg.connect(dsn, connect_timeout=int(PROBE_S)) as db:
        row = db.execute("SELECT 1, split_part(current_setting('server_version'), ' ', 1)")
        return str((row.fetchone() or ("", ""))[1])


def _redis(instance: Instance) -> str:
    with _redis_client(instance) as client:
        client.ping()
        return str(client.info("server")["redis_version"])


def _redis_client(instance: Instance) -> "redis.Redis[bytes]":
    once = Retry(NoBackoff(), 0)  # a probe that tries again hides what it is to find
    path = str(instance.redis_socket)
    return redis.Redis(unix_socket_path=path, socket_timeout=PROBE_S, retry=once)


def _registry(instance: Instance) -> str:
    _unix_get(instance.registry_socket, "/v2/", expected=_UNAUTHORIZED)
    return _registry_version()


@cache
def _registry_version() -> str:
    return run(["docker-registry", "--version"], timeout_s=10).split()[-1]


def _podman(instance: Instance) -> str:
    server = _unix_get(instance.podman_socket, "/libpod/_ping")
    # for example Libpod/4.3.1 (linux)
    return server.split()[0].partition("/")[2]


def _edge(instance: Instance) -> str:
    """Ask for one site by another's name: the edge refuses that by itself, over TLS."""
    status = _edge_get(instance, "/", named=instance.console_host, host=instance.api_host)
    if status != _MISDIRECTED:
        raise DeployError(f"a misdirected request is answered {status}")
    return _haproxy_version(instance.edge_admin_socket)


def _edge_get(instance: Instance, path: str, *, named: str, host: str) -> int:
    """Return the status of an answer over TLS; `named` is verified."""
    place = f"{layout.loopback_url(instance)}{path}"
    trust = ssl.create_default_context(cafile=str(instance.ca_file))
    with httpx.Client(verify=trust, timeout=PROBE_S, trust_env=False) as client:
        answer = client.get(place, headers={"Host": host}, extensions={"sni_hostname": named})
    return answer.status_code


def _router(instance: Instance) -> str:
    """Ask for what nobody has: the router's own page says so, and is found in the map."""
    place = layout.loopback(instance), instance.http_port
    with closing(http.client.HTTPConnection(*place, timeout=PROBE_S)) as connection:
        connection.request("GET", "/", headers={"Host": _NOBODY})
        answer = connection.getresponse()
        page = answer.read().decode(errors="replace")
    if answer.status != _UNAVAILABLE or "No application" not in page:
        raise DeployError(f"a request for nobody is answered {answer.status}")
    return _haproxy_version(instance.router_admin_socket)


def _haproxy_version(admin_socket: Path) -> str:
    info = dict(line.split(": ", 1) for line in _ask(admin_socket, b"show info\n") if ": " in line)
    if info.get("Stopping") == "1" or "Version" not in info:
        raise DeployError("does not serve")
    return info["Version"].partition("-")[0]


def _unbound(instance: Instance) -> str:
    _dns_ask(str(instance.node_address), "cluster.local")
    said = _ask(instance.dns_control_socket, b"UBCT1 status\n")
    found = dict(line.split(": ", 1) for line in said if ": " in line)
    if not any(line.endswith("is running...") for line in said):
        raise DeployError("; ".join(said) or "no answer")
    return found["version"]


def _dns_ask(server: str, name: str) -> None:
    """Ask for a name's address by UDP. Raises DeployError unless the server has an answer."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    number = os.urandom(2)
    # recursion desired, one question: type A, class IN
    question = number + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(PROBE_S)
        link.connect((server, _DNS_PORT))
        link.send(question)
        answer = link.recv(512)
    if len(answer) < len(question) or answer[:2] != number:
        raise DeployError("what it answers is no answer")
    if (code := answer[3] & 0xF) not in _DNS_ANSWERS:
        raise DeployError(f"a question is answered with code {code}")


def _ask(path: Path, request: bytes) -> list[str]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(PROBE_S)
        link.connect(str(path))
        link.sendall(request)
        with link.makefile("rb") as answer:
            return answer.read().decode(errors="replace").splitlines()


def _web(instance: Instance) -> str:
    _unix_get(instance.web_socket, "/readyz", host=instance.api_host)
    status = _edge_get(instance, "/livez", named=instance.api_host, host=instance.api_host)
    if status != _OK:
        raise DeployError(f"/livez through the edge answers {status}")
    return _our_version(instance)


def _worker(instance: Instance) -> str:
    return _heartbeat_in_redis(instance, "worker")


def _beat(instance: Instance) -> str:
    return _heartbeat_in_redis(instance, "beat")


def _heartbeat_in_redis(instance: Instance, name: str) -> str:
    with _redis_client(instance) as client:
        said = client.get(HEARTBEAT_KEY.format(name))
    if said is None:
        raise DeployError("no heartbeat")
    return _fresh(json.loads(str(said, "utf-8") if isinstance(said, bytes) else str(said)))


def _orchestrator(instance: Instance) -> str:
    if not instance.orchestrator_heartbeat.exists():
        raise DeployError("no heartbeat")
    version = _fresh(json.loads(instance.orchestrator_heartbeat.read_text()))
    (said,) = _ask(instance.node_socket, b"{}\n")  # nobody's ticket: the node agent refuses it
    if json.loads(said).get("ok") is not False:
        raise DeployError("the node agent lets in whoever has no ticket")
    return version


def _fresh(beat: dict[str, Any]) -> str:
    """Return the version in a heartbeat that is young enough: `time` is seconds since 1970."""
    age_s = time.time() - float(beat["time"])
    if age_s > HEARTBEAT_MOST_S:
        raise DeployError(f"the last heartbeat is {age_s:.0f} s old")
    return str(beat["version"])


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, closed at once where nobody listens."""

    def __init__(self, path: Path, host: str) -> None:
        super().__init__(host, timeout=PROBE_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket in the file system; the host is only named."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _unix_get(path: Path, target: str, *, host: str = "localhost", expected: int = _OK) -> str:
    """Return the Server header of the expected answer. Raises DeployError for another one."""
    with closing(_UnixConnection(path, host)) as connection:
        connection.request("GET", target, headers={"X-Minato-Site": "api"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != expected:
            raise DeployError(f"{target} answers {answer.status}")
        return answer.headers.get("Server", "")


def _our_version(instance: Instance) -> str:
    return release.version(layout.app_directory(instance))


_WRONG = (
    DeployError,
    OSError,
    ValueError,
    KeyError,
    http.client.HTTPException,
    httpx.HTTPError,
    psycopg.Error,
    redis.RedisError,
)
PROBES: dict[str, Probe] = {
    "postgres": _postgres,
    "redis": _redis,
    "registry": _registry,
    "podman": _podman,
    "web": _web,
    "worker": _worker,
    "beat": _beat,
    "orchestrator": _orchestrator,
    "edge": _edge,
    "router": _router,
    "unbound": _unbound,
}
