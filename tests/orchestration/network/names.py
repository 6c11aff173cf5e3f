"""A real unbound with the platform's own configuration, and a resolver that asks it."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading

import pytest

from deploy.configs.unbound import unbound_conf
from tests.fixtures.scratch import MORTAL
from tests.orchestration.network.lab import INSTANCE, WAIT_S

NODE = str(INSTANCE.node_address)
DNS = str(INSTANCE.dns_service_address)
A, PTR, TXT, SRV = 1, 12, 16, 33
NXDOMAIN = 3
ATTEMPTS = 10
BASE = "svc.cluster.local"


def encoded(name: str) -> bytes:
    labels = name.rstrip(".").split(".")
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def decoded(data: bytes, at: int) -> tuple[str, int]:
    labels: list[str] = []
    while length := data[at]:
        if length >= 0xC0:
            rest, _ = decoded(data, struct.unpack_from(">H", data, at)[0] & 0x3FFF)
            return ".".join([*labels, rest]), at + 2
        labels.append(data[at + 1 : at + 1 + length].decode())
        at += length + 1
    return ".".join(labels), at + 1


def value(data: bytes, kind: int, at: int, length: int) -> str:
    if kind == A:
        return socket.inet_ntoa(data[at : at + 4])
    if kind == PTR:
        return decoded(data, at)[0]
    if kind == SRV:
        _, _, number = struct.unpack_from(">HHH", data, at)
        return f"{decoded(data, at + 6)[0]}:{number}"
    return data[at + 1 : at + length].decode()


def resolve(name: str, kind: int = A, server: str = DNS) -> set[str] | int:
    """Return what the server says, or its error code; as a pod's resolver would ask."""
    question = encoded(name) + struct.pack(">HH", kind, 1)
    data = _answer(struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question, server)
    _, flags, _, count, _, _ = struct.unpack_from(">HHHHHH", data)
    if flags & 15:
        return int(flags & 15)
    found: set[str] = set()
    at = 12 + len(question)
    for _ in range(count):
        _, at = decoded(data, at)
        answered, _, _, length = struct.unpack_from(">HHIH", data, at)
        found.add(value(data, answered, at + 10, length))
        at += 10 + length
    return found


def _answer(question: bytes, server: str) -> bytes:
    """Ask, and ask again as resolvers do: a datagram may be lost. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3)
        sock.connect((server, 53))
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(TimeoutError):
                sock.send(question)
                return sock.recv(65535)
        sock.send(question)
        return sock.recv(65535)


class UnboundServer:
    """An unbound in the calling thread's namespace."""

    def __init__(self, instance) -> None:
        (instance.run / "dns").mkdir(parents=True, exist_ok=True)
        self._config = instance.home / "unbound.conf"
        self._config.write_text(unbound_conf(instance, resolvers=["198.51.100.2"]))
        self.start()

    def start(self) -> None:
        argv = [*MORTAL, "unbound", "-d", "-c", str(self._config)]
        self._process = subprocess.Popen([*argv, "-vv"], stderr=subprocess.PIPE)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if b"start of service" in line:
                break
        else:
            pytest.fail("unbound did not start")
        self._drain = threading.Thread(target=self._process.stderr.read, daemon=True)
        self._drain.start()

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._drain.join(WAIT_S)
        if self._process.stderr is not None:
            self._process.stderr.close()
