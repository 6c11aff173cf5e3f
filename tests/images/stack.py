"""A registry as the platform runs it: real docker-registry, real edge, our token service.

Only the web process is another: an ASGI server in a thread, whose application each test sets.
"""

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

import uvicorn
from starlette.responses import Response

from deploy import certificates, instances, layout, secret_files, users
from deploy.configs.edge import edge_cfg
from deploy.configs.registry import registry_json
from deploy.files import directory_ensure
from paas.images.tokens import RegistryTokens
from paas.settings.instance import Instance
from tests.fixtures.platform import free_ports
from tests.fixtures.scratch import MORTAL, scratch_make, scratch_remove
from webui.sites import Sites

START_S = 60.0
_TICK_S = 0.02


class Site:
    """What the web process answers for the registry; a test sets `application`.

    Between tests it takes whatever comes, so that the registry has nothing to send again.
    """

    application: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self.application or Response())(scope, receive, send)


@dataclass(slots=True)
class Stack:
    """Where the registry is reached, and with which keys."""

    instance: Instance
    tokens: RegistryTokens
    site: Site = field(default_factory=Site)
    registry_pid: int = 0

    @property
    def inside(self) -> str:
        """Return the registry's port on the node, as podman on it is sent there."""
        return f"{self.instance.node_address}:5000"

    @property
    def notify_secret(self) -> str:
        return secret_files.read(self.instance, "registry-notify.token")

    def environment(self) -> dict[str, str]:
        """Return what makes a Go client trust our authority and keep its files to itself."""
        home = self.instance.home / "client"
        home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "SSL_CERT_FILE": str(self.instance.ca_file),
            "REGISTRY_AUTH_FILE": str(home / "auth.json"),
            "TMPDIR": str(home),
        }

    def skopeo(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run skopeo; the caller looks at its exit code."""
        return subprocess.run(
            ["skopeo", *arguments],
            check=False,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
        )


@contextmanager
def registry_stack() -> Iterator[Stack]:
    """Start everything; stop and remove it at the end."""
    for name in users.missing():
        users.create(name)
    with ExitStack() as stack:
        home = scratch_make()
        stack.callback(scratch_remove, home)
        home.chmod(0o755)
        number = instances.number_claim(home)
        stack.callback(instances.number_release, home)
        instance = _instance(home, number)
        stack.enter_context(_node_address(instance))
        made = Stack(instance, _tokens(instance))
        stack.enter_context(_web(made))
        trust = {**os.environ, "SSL_CERT_FILE": str(instance.ca_file)}
        config = instance.etc / "registry.json"
        argv = ["docker-registry", "serve", str(config)]
        server = stack.enter_context(_running(argv, instance.registry_socket, trust))
        made.registry_pid = server.pid
        edge = ["haproxy", "-W", "-db", "-f", str(instance.etc / "edge.cfg")]
        stack.enter_context(_running(edge, instance.edge_admin_socket, dict(os.environ)))
        yield made


def _instance(home: Path, number: int) -> Instance:
    now = datetime.now(UTC)
    http_port, https_port = free_ports(2)
    one = replace(Instance(home=home, number=number), http_port=http_port, https_port=https_port)
    for path, access in layout.directories(one).items():
        directory_ensure(path, access)
    secret_files.create(one, now=now)
    certificates.issue(one, now=now)
    text = registry_json(
        one,
        notify_token=secret_files.read(one, "registry-notify.token"),
        http_secret=secret_files.read(one, "registry-http.key"),
    )
    (one.etc / "registry.json").write_text(text)
    (one.etc / "edge.cfg").write_text(edge_cfg(one))
    return one


def _tokens(instance: Instance) -> RegistryTokens:
    key = (instance.secrets / "registry-token.key").read_bytes()
    return RegistryTokens(key, (instance.secrets / "registry-token.crt").read_bytes())


@contextmanager
def _node_address(instance: Instance) -> Iterator[None]:
    """Give the machine the instance's address."""
    link = f"{instance.bridge_prefix}img"
    assert _ip("link", "add", link, "type", "bridge")
    try:
        assert _ip("address", "add", f"{instance.node_address}/32", "dev", link)
        assert _ip("link", "set", link, "up")
        yield
    finally:
        _ip("link", "delete", link)


def _ip(*arguments: str) -> bool:
    return subprocess.run(["ip", *arguments], check=False, timeout=60).returncode == 0


@contextmanager
def _web(stack: Stack) -> Iterator[None]:
    path = stack.instance.web_socket
    config = uvicorn.Config(
        Sites({b"registry": stack.site}, lifespan=stack.site),
        uds=str(path),
        lifespan="off",
        log_config=None,
        forwarded_allow_ips="*",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        _await_socket(path)
        path.chmod(0o777)
        yield
    finally:
        server.should_exit = True
        thread.join(START_S)


@contextmanager
def _running(argv: list[str], path: Path, environment: dict[str, str]) -> "Iterator[Popen[bytes]]":
    process = Popen([*MORTAL, *argv], stdout=DEVNULL, stderr=DEVNULL, env=environment)
    try:
        _await_socket(path, process)
        yield process
    finally:
        process.terminate()
        process.wait(START_S)


def _await_socket(path: Path, process: "Popen[bytes] | None" = None) -> None:
    for _ in range(int(START_S / _TICK_S)):
        with socket.socket(socket.AF_UNIX) as link:
            try:
                link.connect(str(path))
            except OSError:
                assert process is None or process.poll() is None, f"{process} has ended"
            else:
                return
        threading.Event().wait(_TICK_S)
    raise AssertionError(f"nobody listens on {path}")


def token_keys() -> RegistryTokens:
    """Return a signer with keys of its own, made as set-up makes them."""
    with tempfile.TemporaryDirectory() as directory:
        one = Instance(home=Path(directory))
        one.secrets.mkdir()
        secret_files.create(one, now=datetime.now(UTC))
        return _tokens(one)
