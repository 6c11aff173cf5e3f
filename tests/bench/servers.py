"""Processes of the run's own beside the platform: the bare tools, and a second web server."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy import layout, users
from deploy.launch import environment_of
from deploy.processes import control_plane
from paas.settings.instance import Instance
from tests.bench.bare import CONNINFO
from tests.bench.bench import CHECKOUT, await_true
from tests.fixtures.platform import free_ports

START_S, STOP_S = 30.0, 20.0
PROCESSES = 2


@contextmanager
def process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = CHECKOUT,
    silent: bool = False,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server for a while; it is ended, and awaited, at the end."""
    nowhere = subprocess.DEVNULL
    errors = nowhere if silent else None
    with subprocess.Popen(
        argv, env=env, cwd=cwd, stdin=nowhere, stdout=nowhere, stderr=errors
    ) as running:
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(STOP_S)
            except subprocess.TimeoutExpired:
                running.kill()


def listens(port: int) -> bool:
    """Say whether anybody answers on a port of loopback."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def conninfo(instance: Instance) -> str:
    """Return how the platform's database is reached; root of the machine may."""
    return f"host={instance.postgres_socket_dir} dbname=minato user=minato"


@contextmanager
def bare_api(instance: Instance) -> Iterator[str]:
    """Yield the URL of the bare ASGI function, on the platform's own database."""
    (port,) = free_ports(1)
    argv = [
        *(sys.executable, "-m", "uvicorn", "tests.bench.bare:application"),
        *("--workers", str(PROCESSES), "--port", str(port), "--log-level", "error"),
    ]
    env = {**os.environ, CONNINFO: conninfo(instance), "PYTHONPATH": str(CHECKOUT)}
    with process(argv, env=env):
        await_true(lambda: listens(port), "the bare ASGI function", within_s=START_S)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def second_web(instance: Instance) -> Iterator[str]:
    """Yield the URL of a second gunicorn of the platform's, on a port: wrk speaks no Unix socket.

    The very command, user and environment of the real one; only what it binds differs.
    """
    (port,) = free_ports(1)
    web = next(one for one in control_plane(instance) if one.name == "web")
    argv = [
        f"127.0.0.1:{port}" if word == f"unix:{instance.web_socket}" else word
        for word in web.command
    ]
    argv += ["--log-level", "error"]
    become = ["setpriv", f"--reuid={users.WEB}", f"--regid={users.WEB}", "--init-groups", "--"]
    env = environment_of(layout.settings_file(instance))
    with process([*become, *argv], env=env, cwd=layout.app_directory(instance)):
        await_true(lambda: listens(port), "the second web server", within_s=START_S)
        yield f"http://127.0.0.1:{port}"
