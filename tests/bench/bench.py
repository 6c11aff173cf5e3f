"""The platform under measure: brought up for the run, asked over its own API, thrown away."""

import json
import os
import secrets
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from deploy import instances
from deploy.processes import podman_environment
from paas.settings.instance import Instance
from tests.fixtures.platform import free_ports

CHECKOUT = Path(__file__).resolve().parents[2]
UP_S, COMMAND_S, WAIT_S = 1800, 300, 180.0
SETTLE_S = 5.0
_RUN = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); from paas.cli.main import main; main()"
_GONE = frozenset({404, 409})


class BenchError(Exception):
    """The platform did not do what the benchmark needs; the message says what."""


@dataclass
class Bench:
    """What every benchmark gets. `quick` asks for small counts: to try a benchmark, not to judge.

    `say` tells the person who waits; `stack` ends what the benchmark started, in any case.
    """

    instance: Instance
    quick: bool
    say: Callable[[str], None]
    stack: ExitStack = field(default_factory=ExitStack)

    def pick(self, full: int, quick: int) -> int:
        """Return a count: the real one, or the one for a try."""
        return quick if self.quick else full

    @cached_property
    def admin(self) -> "Api":
        """Return the API as the first administrator, who may do everything."""
        return Api(self.instance, self.token("admin"))

    def token(self, user: str) -> str:
        """Return a fresh token of a user."""
        said = self.minato("token", "create", "--user", user, "--ttl", "4h", "--name", "bench")
        return said.strip().splitlines()[-1]

    def user(self, name: str) -> None:
        """Make a person without any right; nothing happens if it is there."""
        with suppress(BenchError):
            self.minato("user", "create", name)

    def minato(self, *arguments: str, timeout_s: int = COMMAND_S) -> str:
        """Run the platform's own command line. Raises BenchError with its last lines."""
        return minato(self.instance, *arguments, timeout_s=timeout_s)

    def podman(self, *arguments: str) -> str:
        """Run podman on the platform's storage."""
        env = {**os.environ, **podman_environment(self.instance)}
        done = subprocess.run(
            ["podman", *arguments],
            env=env,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"podman {arguments[0]}: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()

    @contextmanager
    def namespace(self, prefix: str) -> Iterator[str]:
        """Lend a namespace; it is deleted, and awaited gone, at the end."""
        name = f"{prefix}-{secrets.token_hex(3)}"
        wish = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.admin.post("/api/v1/namespaces", wish)
        try:
            self._await_account(name)
            yield name
        finally:
            self.admin.delete(f"/api/v1/namespaces/{name}")

    def _await_account(self, namespace: str) -> None:
        place = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        await_true(lambda: self.admin.find(place) is not None, f"{place} is there")


class Api:
    """The platform's API through its edge, as one bearer token. Raises BenchError on refusal."""

    def __init__(self, instance: Instance, token: str) -> None:
        self.instance, self.token = instance, token
        self.base = f"https://127.0.0.1:{instance.https_port}"
        self.host = instance.api_host
        context = ssl.create_default_context(cafile=str(instance.ca_file))
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=32)
        self._client = httpx.Client(
            verify=context,
            trust_env=False,
            timeout=60,
            limits=limits,
            headers={"Host": self.host, "Authorization": f"Bearer {token}"},
        )

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request; return whatever is answered."""
        extensions = {"sni_hostname": self.host}
        return self._client.request(method, self.base + path, extensions=extensions, **more)

    @contextmanager
    def stream(self, path: str) -> Iterator[httpx.Response]:
        """Open a stream (watch, log) that is closed at the end."""
        extensions = {"sni_hostname": self.host}
        with self._client.stream(
            "GET", self.base + path, extensions=extensions, timeout=120
        ) as response:
            if response.status_code != httpx.codes.OK:
                raise BenchError(f"GET {path}: {response.read().decode()[:300]}")
            yield response

    def get(self, path: str) -> Any:
        """Return the answer's JSON."""
        return self._checked(self.request("GET", path), path)

    def find(self, path: str) -> Any:
        """Return the answer's JSON, None where there is nothing."""
        answer = self.request("GET", path)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._checked(answer, path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Create; return what was created."""
        return self._checked(self.request("POST", path, json=body), path)

    def patch(self, path: str, body: Any, kind: str = "merge-patch") -> Any:
        """Change by a merge patch (or a strategic one)."""
        headers = {"Content-Type": f"application/{kind}+json"}
        content = json.dumps(body)
        return self._checked(self.request("PATCH", path, content=content, headers=headers), path)

    def delete(self, path: str) -> None:
        """Delete; what is gone already is fine."""
        answer = self.request("DELETE", path)
        if answer.status_code not in _GONE:
            self._checked(answer, path)

    def _checked(self, answer: httpx.Response, path: str) -> Any:
        if answer.is_error:
            raise BenchError(f"{path}: {answer.status_code} {answer.text[:400]}")
        return answer.json()


def await_true(check: Callable[[], bool], what: str, *, within_s: float = WAIT_S) -> float:
    """Ask every 10 ms until it is so; return the seconds it took. Raises BenchError."""
    began = time.perf_counter()
    while not check():
        if time.perf_counter() - began > within_s:
            raise BenchError(f"not within {within_s:.0f} s: {what}")
        time.sleep(0.01)
    return time.perf_counter() - began


def minato(instance: Instance, *arguments: str, timeout_s: int = COMMAND_S) -> str:
    """Run this checkout's `minato` for an instance. Raises BenchError with its last lines."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MINATO_", "DJANGO_"))}
    env |= {
        "MINATO_HOME": str(instance.home),
        "MINATO_HTTP_PORT": str(instance.http_port),
        "MINATO_HTTPS_PORT": str(instance.https_port),
    }
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        check=False,
        cwd="/",
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-3000:]
        raise BenchError(f"minato {' '.join(arguments)} ended with {done.returncode}:\n{said}")
    return done.stdout


@contextmanager
def throwaway(say: Callable[[str], None]) -> Iterator[Instance]:
    """Bring up a platform of the run's own; it is purged at the end, whatever happens."""
    http_port, https_port = free_ports(2)
    home = Path(f"/var/lib/minato-bench-{os.getpid()}")
    instance = Instance(home=home, http_port=http_port, https_port=https_port)
    try:
        began = time.monotonic()
        say(f"minato up in {home} (a few minutes) …")
        minato(instance, "up", timeout_s=UP_S)
        say(f"up after {time.monotonic() - began:.0f} s")
        yield _numbered(instance)
    finally:
        with suppress(BenchError, subprocess.TimeoutExpired):
            minato(instance, "purge", "--yes", timeout_s=UP_S)


def running(home: Path) -> Instance:
    """Return a platform that is up already, to try a benchmark on. Raises BenchError."""
    settings = home / "etc" / "minato.env"
    if not settings.exists():
        raise BenchError(f"There is no platform at {home}.")
    pairs = dict(line.split("=", 1) for line in settings.read_text().splitlines() if "=" in line)
    ports = int(pairs["MINATO_HTTP_PORT"]), int(pairs["MINATO_HTTPS_PORT"])
    return _numbered(Instance(home=home, http_port=ports[0], https_port=ports[1]))


def _numbered(instance: Instance) -> Instance:
    number = instances.number_of(instance.home)
    if number is None:
        raise BenchError(f"{instance.home} has no number.")
    return replace(instance, number=number)
