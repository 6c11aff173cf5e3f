"""A machine, pods and a world made of network namespaces: real packets, nothing of the host's."""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Self

from paas.orchestration.network.machine import machine_prepare
from paas.orchestration.network.namespaces import namespace_open, namespace_run
from paas.orchestration.network.nftables import Nftables
from paas.orchestration.network.pods import NetlinkPodNetwork
from paas.orchestration.network.table import ServiceTable
from paas.settings.instance import Instance
from tests.fixtures.scratch import MORTAL

CLONE_NEWNET = 0x40000000
WAIT_S = 60.0  # for an answer, be it a refusal
SILENCE_S = 1.0  # how long a packet that must not arrive may take to do so
libc = ctypes.CDLL(None, use_errno=True)
INSTANCE = Instance(number=13)
RED = next(iter(list(INSTANCE.pod_network.subnets(new_prefix=24))[3:]))
BLUE = next(iter(list(INSTANCE.pod_network.subnets(new_prefix=24))[4:]))
WORLD = IPv4Address("198.51.100.2")
MACHINE = IPv4Address("198.51.100.1")


@contextlib.contextmanager
def own_network_namespace() -> Iterator[None]:
    """Put the calling thread, and what it starts, into a fresh network namespace."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        assert libc.unshare(CLONE_NEWNET) == 0
        yield
    finally:
        assert libc.setns(before, CLONE_NEWNET) == 0
        os.close(before)


class Server:
    """Answers every TCP connection or UDP datagram with `name` and the client's address."""

    def __init__(self, sock: socket.socket, name: str) -> None:
        self._socket = sock
        self._name = name
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._answer()

    def _answer(self) -> None:
        if self._socket.type == socket.SOCK_DGRAM:
            _, peer = self._socket.recvfrom(100)
            if peer is None:  # shut down
                raise OSError
            self._socket.sendto(f"{self._name} {peer[0]}".encode(), peer)
            return
        connection, peer = self._socket.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(f"{self._name} {peer[0]}".encode())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(WAIT_S)


class Host:
    """A network namespace held by a process; functions run in it."""

    unshare: tuple[str, ...] = ("--net",)

    def __init__(self, name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [*MORTAL, "unshare", *self.unshare, "sh", "-c", "echo ready; exec sleep infinity"],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        self.pid = self._process.pid
        self._servers: list[Server] = []

    def run(self, function: Callable[[], Any]) -> Any:
        with namespace_open(self.pid) as descriptor:
            return namespace_run(descriptor, function)

    def command(self, *argv: str) -> str:
        done = self.run(lambda: subprocess.run(argv, check=True, capture_output=True, text=True))
        return str(done.stdout)

    def serve(self, port: int, *, kind: int = socket.SOCK_STREAM, name: str = "") -> Server:
        sock = self.run(lambda: listening("", port, kind))
        server = Server(sock, name or self.name)
        self._servers.append(server)
        return server

    def ask(
        self,
        address: object,
        port: int,
        *,
        kind: int = socket.SOCK_STREAM,
        within_s: float = WAIT_S,
    ) -> str:
        return str(self.run(lambda: ask(str(address), port, kind, within_s=within_s)))

    def close(self) -> None:
        for server in self._servers:
            server.close()
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def listening(address: str, port: int, kind: int, family: int = socket.AF_INET) -> socket.socket:
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    if kind == socket.SOCK_STREAM:
        sock.listen(64)
    return sock


def ask(
    address: str,
    port: int,
    kind: int = socket.SOCK_STREAM,
    *,
    source: str = "",
    family: int = socket.AF_INET,
    within_s: float = WAIT_S,
) -> str:
    """Return the server's answer, or the name of the error: TimeoutError, and so on.

    Who expects none says so by `within_s`: everybody else gets an answer however slow the machine.
    """
    with socket.socket(family, kind) as sock:
        sock.settimeout(within_s)
        try:
            if source:
                sock.bind((source, 0))
            sock.connect((address, port))
            if kind == socket.SOCK_DGRAM:
                sock.send(b"?")
            return sock.recv(100).decode()
        except OSError as error:
            return os.strerror(error.errno) if error.errno else type(error).__name__


class Lab:
    """The machine (the calling thread's namespace) with a world behind it and pods on it."""

    def __init__(self) -> None:
        self.instance = INSTANCE
        self.world = Host("world")
        self._hosts = [self.world]
        self._ip("link", "add", "up0", "type", "veth", "peer", "eth0", "netns", self.world.pid)
        self._ip("addr", "add", f"{MACHINE}/24", "dev", "up0")
        self._ip("link", "set", "up0", "up")
        self._ip("link", "set", "lo", "up")
        self._ip("route", "add", "default", "via", WORLD)
        self.world.command("ip", "addr", "add", f"{WORLD}/24", "dev", "eth0")
        self.world.command("ip", "link", "set", "eth0", "up")
        self.uplinks = machine_prepare(INSTANCE)
        self.nftables = Nftables()
        self.table = ServiceTable(INSTANCE, self.nftables)
        self.table.prepare(self.uplinks.guarded)
        self.network = NetlinkPodNetwork(INSTANCE, mtu=self.uplinks.mtu)
        self.network.adopt()
        self._servers: list[Server] = []

    def _ip(self, *argv: object) -> None:
        subprocess.run(["ip", *map(str, argv)], check=True)

    def pod(
        self,
        name: str,
        subnet: IPv4Network = RED,
        *,
        egress_only: bool = False,
        uid: str = "",
        project: str = "red",
    ) -> "Pod":
        pod = Pod(name)
        self._hosts.append(pod)
        wired = self.network.attach(
            pod_uid=uid or name,
            namespace=project,
            pid=pod.pid,
            subnet=subnet,
            egress_only=egress_only,
        )
        pod.address = IPv4Address(wired.ip)
        return pod

    def neighbour(self, name: str, network: str) -> Host:
        """Put another host, `<network>.2`, behind a second interface of the machine."""
        host = Host(name)
        self._hosts.append(host)
        self._ip("link", "add", name, "type", "veth", "peer", "eth0", "netns", host.pid)
        self._ip("addr", "add", f"{network}.1/24", "dev", name)
        self._ip("link", "set", name, "up")
        host.command("ip", "addr", "add", f"{network}.2/24", "dev", "eth0")
        host.command("ip", "link", "set", "eth0", "up")
        host.command("ip", "route", "add", "default", "via", f"{network}.1")
        return host

    def serve(self, address: object, port: int, *, kind: int = socket.SOCK_STREAM) -> Server:
        """Serve on the machine itself."""
        server = Server(listening(str(address), port, kind), "machine")
        self._servers.append(server)
        return server

    def serve6(self, address: str, port: int) -> None:
        sock = listening(address, port, socket.SOCK_STREAM, socket.AF_INET6)
        self._servers.append(Server(sock, "machine"))

    def close(self) -> None:
        for server in self._servers:
            server.close()
        for host in self._hosts:
            host.close()
        self.table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Pod(Host):
    """A fake pod: a namespace that the network under test wires, owned by a user namespace."""

    unshare = ("--user", "--map-root-user", "--net")
    address = IPv4Address(0)
