"""A hand-written HAProxy: what an administrator would write for the same hosts and servers."""

import contextlib
import http.client
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bench import await_true
from tests.fixtures.platform import free_ports

STOP_S = 10.0
RELOAD_S = 1.0
_HEAD = """\
global
  maxconn 4000
  stats socket {directory}/admin.sock level admin
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
frontend http
  bind 127.0.0.1:{port}
"""


@dataclass(frozen=True, slots=True)
class Backend:
    """A host and its servers; port 0 means that HAProxy itself answers."""

    name: str
    host: str
    servers: tuple[tuple[str, int], ...]


@dataclass
class Proxy:
    """A running one."""

    port: int
    process: "subprocess.Popen[bytes]"

    def answers(self) -> bool:
        """Say whether it takes connections."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/")
            return connection.getresponse().status > 0
        return False

    def reload(self) -> None:
        """Have the master start a new worker, and let it take over."""
        os.kill(self.process.pid, 12)  # SIGUSR2
        time.sleep(RELOAD_S)


@contextlib.contextmanager
def hand_written(backends: Sequence[Backend]) -> Iterator[Proxy]:
    """Run HAProxy with a host map and a backend each; it is ended at the end."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="minato-bench-") as scratch:
        directory = Path(scratch)
        (directory / "hosts.map").write_text(
            "".join(f"{one.host} {one.name}\n" for one in backends)
        )
        config = directory / "haproxy.cfg"
        config.write_text(_config(directory, port, backends))
        argv = ["haproxy", "-W", "-db", "-q", "-f", str(config)]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
        try:
            proxy = Proxy(port, process)
            await_true(proxy.answers, "the hand-written HAProxy answers", within_s=STOP_S)
            yield proxy
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            process.kill()
            process.wait(STOP_S)


def _config(directory: Path, port: int, backends: Sequence[Backend]) -> str:
    head = _HEAD.format(directory=directory, port=port)
    choose = f"  use_backend %[req.hdr(host),field(1,:),lower,map({directory}/hosts.map)]\n"
    return head + choose + "".join(map(_backend, backends))


def _backend(backend: Backend) -> str:
    lines = [f"backend {backend.name}"]
    for number, (address, port) in enumerate(backend.servers):
        if port:
            lines.append(f"  server s{number} {address}:{port}")
        else:
            lines.append('  http-request return status 200 content-type text/plain string "ok"')
    return "\n".join(lines) + "\n"
