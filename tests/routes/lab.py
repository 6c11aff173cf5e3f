"""A real HAProxy on loopback with set-up's own frame, and small web servers behind it."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy import certificates, layout, users
from deploy.files import directory_ensure
from deploy.runner import run
from deploy.steps.router import router_write
from paas.routes.errors import RouterError
from paas.routes.files import router_files
from paas.routes.haproxy import HaproxySocket
from paas.routes.router import Router
from paas.settings.instance import Instance
from tests.fixtures.scratch import MORTAL

BOUND_S = 60.0
SHOP, B_C = (f"198.{net}.{os.getpid() % 256}" for net in (18, 19))
"""The first three numbers of two networks that exist in tests only (RFC 2544), as pods' subnets."""


def eventually(true, bound_s=BOUND_S):
    """Wait until a function returns something true, and return it."""
    end = time.monotonic() + bound_s
    while not (found := true()):
        assert time.monotonic() < end, "it has not come true in time"
        _PAUSE.wait(0.01)
    return found


_PAUSE = threading.Event()


@dataclass
class Lab:
    """An instance's router: `process` is HAProxy's master."""

    instance: Instance
    process: subprocess.Popen[bytes]

    @property
    def haproxy(self) -> HaproxySocket:
        return HaproxySocket(self.instance.router_admin_socket, self.instance.router_master_socket)

    def router(self) -> Router:
        return Router(router_files(self.instance), self.haproxy)

    def settled(self, router: Router) -> Router:
        """Return the router when HAProxy is what it should be."""
        eventually(lambda: quietly(router.check))
        return router

    def workers(self):
        """Return HAProxy's workers; its master's socket is away while it begins anew."""
        return eventually(lambda: quietly(self.haproxy.workers))

    def reload(self) -> None:
        """Reload HAProxy and wait for its new worker."""
        self.workers()
        before = self.haproxy.pid()
        self.haproxy.reload()
        eventually(lambda: quietly(lambda: self.haproxy.pid() != before))

    def kill(self) -> None:
        """Kill HAProxy, workers and all, as a crash of the machine's would."""
        workers = self.workers()
        for pid in (workers.current, *workers.old, self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(60)

    def restart(self) -> None:
        """Begin anew from the files, as the supervisor does."""
        self.process.terminate()
        self.process.wait(60)
        self.process = haproxy_start(self.instance)

    def get(self, host, path="/", headers=None, port=0):
        """Return status, headers and body of a request by plain HTTP."""
        return http_get(port or self.instance.http_port, host, path, headers or {})


def quietly(check):
    """Return what a check says; its master's socket is away while it begins anew."""
    with suppress(RouterError):
        return check()
    return False


def http_get(port, host, path, headers):
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", port), BOUND_S) as link:
        link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while piece := link.recv(65536):
            answer += piece
    return parse_answer(answer)


def tls_get(lab, host, *, alpn=("http/1.1",), source="192.0.2.7"):
    """Ask as the edge does: PROXY v2, then TLS; return certificate, protocol and answer."""
    context = ssl.create_default_context(cafile=str(lab.instance.ca_file))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(60)
        plain.connect(str(lab.instance.router_tls_socket))
        addresses = socket.inet_aton(source) + socket.inet_aton("127.0.0.1")
        ports = (4000).to_bytes(2, "big") + lab.instance.https_port.to_bytes(2, "big")
        plain.sendall(b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + addresses + ports)
        with context.wrap_socket(plain, server_hostname=host) as link:
            der, protocol = link.getpeercert(binary_form=True), link.selected_alpn_protocol()
            if protocol == "h2":
                return der, protocol, ""
            link.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := link.recv(65536):
                answer += piece
            return der, protocol, answer.decode()


def parse_answer(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return int(status.split()[1]), {k.lower(): v for k, v in fields.items()}, body.decode()


@contextmanager
def local_networks() -> Iterator[None]:
    """Make every address of both networks one of this machine's."""
    networks = [f"{prefix}.0/24" for prefix in (SHOP, B_C)]
    for network in networks:
        run(["ip", "route", "replace", "local", network, "dev", "lo"], timeout_s=60)
    try:
        yield
    finally:
        for network in networks:
            run(["ip", "route", "delete", "local", network, "dev", "lo"], timeout_s=60)


def haproxy_start(instance):
    """Start HAProxy as the supervisor does."""
    argv = ["haproxy", "-W", "-S", f"{instance.router_master_socket},mode,600"]
    process = subprocess.Popen(
        [*MORTAL, *argv, "-f", str(instance.router_config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: _connects(instance.router_admin_socket))
    eventually(lambda: _connects(instance.router_master_socket))
    return process


def _connects(path):
    with socket.socket(socket.AF_UNIX) as link, suppress(OSError):
        link.connect(str(path))
        return True
    return False


@contextmanager
def lab(home: Path, *, http_port: int, https_port: int) -> Iterator[Lab]:
    """Run an instance's router in `home`."""
    for name in users.missing():
        users.create(name)
    instance = Instance(home=home, number=15, http_port=http_port, https_port=https_port)
    for path, access in layout.directories(instance).items():
        directory_ensure(path, access)
    certificates.issue(instance, now=datetime.now(UTC))
    router_write(instance)
    one = Lab(instance, haproxy_start(instance))
    try:
        yield one
    finally:
        one.process.terminate()
        one.process.wait(60)


async def _converse(reader, writer, name, goes_on):
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        await goes_on.wait()
        if "upgrade: websocket" in head.lower():
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n")
            writer.write(b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
            writer.write(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
            while piece := await reader.read(1024):
                writer.write(piece)
                await writer.drain()
            return
        body = f"{name}\n{head}".encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        writer.write(body)
        await writer.drain()


class Backends:
    """Web servers that answer with their name, what they were asked and by whom."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._servers = {}
        self._goes_on = defaultdict(asyncio.Event)

    def start(self, name, address="127.0.0.1", port=0):
        """Start one and return its address and port."""
        self.let_go(name)

        async def answer(reader, writer):
            try:
                await _converse(reader, writer, name, self._goes_on[name])
            except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        server = self._run(asyncio.start_server(answer, address, port))
        self._servers[name] = server
        return server.sockets[0].getsockname()[:2]

    def hold(self, name):
        """Have a server take requests and not answer them until it is let go."""
        self.loop.call_soon_threadsafe(self._goes_on[name].clear)

    def let_go(self, name):
        """Have a server answer what it has taken, and go on."""
        self.loop.call_soon_threadsafe(self._goes_on[name].set)

    def stop(self, name):
        """Close the listener, as an application that gets SIGTERM."""
        server = self._servers.pop(name)
        self.loop.call_soon_threadsafe(server.close)

    def asking(self, port, host):
        """Send a request from another thread; return the future of its answer's body."""

        async def ask():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            whole = await reader.read()
            writer.close()
            return parse_answer(whole)[2]

        return asyncio.run_coroutine_threadsafe(ask(), self.loop)

    def close(self):
        for name in list(self._servers):
            self.stop(name)
        self._run(self._cancel())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _cancel(self):
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(BOUND_S)
