"""The netlink wire format and a socket that sends a batch of requests at once.

pyroute2 does the same with 27 MiB and 0.6 s at its first use and an asyncio loop for each
namespace; attaching a pod needs a dozen fixed messages, which are a page of code.
Source: linux/netlink.h, RFC 3549.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from paas.orchestration.network.errors import NetlinkError

REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
NETFILTER = 12
REPLACE, EXCLUSIVE, CREATE = 0x100, 0x200, 0x400
NESTED = 0x8000
_TYPE_MASK = 0x3FFF
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_BUFFER = 1 << 18
_SEND_BUFFER, _SEND_BUFFER_FORCE = 1 << 22, 32  # a transaction is one message
_TIMEOUT_S = 10.0


def attribute(kind: int, payload: bytes) -> bytes:
    """Return one attribute, padded to four bytes."""
    head = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(payload), kind)
    return head + payload + b"\0" * (-len(payload) % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """Return an attribute that holds others."""
    return attribute(kind | NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """Return a NUL-terminated string attribute."""
    return attribute(kind, value.encode() + b"\0")


def u32(kind: int, value: int) -> bytes:
    """Return a 32-bit attribute in the machine's byte order."""
    return attribute(kind, struct.pack("=I", value))


def u8(kind: int, value: int) -> bytes:
    """Return an 8-bit attribute."""
    return attribute(kind, struct.pack("=B", value))


def parse_attributes(data: bytes) -> dict[int, bytes]:
    """Return the payload of each attribute by its type; the last of a type wins."""
    return dict(_attributes(data))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _TYPE_MASK, data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `harmless` are the errnos that mean "it is so already"."""

    kind: int
    body: bytes
    flags: int = 0
    what: str = ""
    harmless: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """One message of a dump or get: its type and the bytes after the netlink header."""

    kind: int
    body: bytes


class NetlinkSocket:
    """A socket in the network namespace of the thread that makes it. Not shared by threads."""

    def __init__(self, protocol: int = socket.NETLINK_ROUTE) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self._socket.settimeout(_TIMEOUT_S)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def apply(self, requests: Sequence[Request]) -> None:
        """Send all at once, in order, and wait for every answer.

        The kernel goes on after a request that fails. Raises NetlinkError for the first that did.
        """
        first = self._sequence + 1
        self._send(requests, ACK)
        failed: NetlinkError | None = None
        for sequence, code in self._acknowledged(len(requests)):
            request = requests[sequence - first]
            if code and code not in request.harmless and failed is None:
                failed = NetlinkError(f"{request.what}: {os.strerror(code)}", code=code)
        if failed is not None:
            raise failed

    def transact(self, begin: Request, requests: Sequence[Request], end: Request) -> None:
        """Send a batch of netfilter: all or nothing of it.

        Raises NetlinkError for the first that failed; the socket is of no use then.
        """
        start = self._sequence + 1
        last = start + len(requests)
        self._socket.setsockopt(socket.SOL_SOCKET, _SEND_BUFFER_FORCE, _SEND_BUFFER)
        # errors come in any case: an answer for each of thousands would not fit the buffer
        acknowledged = replace(requests[-1], flags=requests[-1].flags | ACK)
        self._send([begin, *requests[:-1], acknowledged, end], 0)
        while True:
            for kind, sequence, payload in self._receive():
                code = -struct.unpack_from("=i", payload)[0] if kind == _ERROR else 0
                if code:
                    asked = begin if sequence == start else requests[sequence - start - 1]
                    raise NetlinkError(f"{asked.what}: {os.strerror(code)}", code=code)
                if sequence == last:
                    return

    def dump(self, kind: int, body: bytes) -> list[Answer]:
        """Return every object of a table; asks again when it changed meanwhile."""
        self._send([Request(kind, body)], DUMP)
        found: list[Answer] = []
        while True:
            for answered, _, payload in self._receive():
                if answered == _DONE:
                    return found
                if answered == _ERROR:
                    self._raise_code(payload)
                found.append(Answer(answered, payload))

    def get(self, kind: int, body: bytes) -> list[Answer]:
        """Return what one request is answered with. Raises NetlinkError."""
        self._send([Request(kind, body)], ACK)
        found: list[Answer] = []
        while True:
            for answered, _, payload in self._receive():
                if answered != _ERROR:
                    found.append(Answer(answered, payload))
                    continue
                if struct.unpack_from("=i", payload)[0]:
                    self._raise_code(payload)
                return found

    def _send(self, requests: Iterable[Request], flags: int) -> None:
        parts = []
        for request in requests:
            self._sequence += 1
            size = _HEADER.size + len(request.body)
            head = (size, request.kind, REQUEST | flags | request.flags, self._sequence, 0)
            parts.append(_HEADER.pack(*head) + request.body + b"\0" * (-size % 4))
        self._socket.send(b"".join(parts))

    def _acknowledged(self, count: int) -> Iterator[tuple[int, int]]:
        while count:
            for kind, sequence, payload in self._receive():
                if kind == _ERROR:
                    count -= 1
                    yield sequence, -struct.unpack_from("=i", payload)[0]

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        try:
            data = self._socket.recv(_BUFFER)
        except OSError as error:
            code = error.errno or errno.ETIMEDOUT
            raise NetlinkError(f"netlink: {os.strerror(code)}", code=code) from error
        offset = 0
        while offset + _HEADER.size <= len(data):
            size, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
            yield kind, sequence, data[offset + _HEADER.size : offset + size]
            offset += (size + 3) & ~3

    @staticmethod
    def _raise_code(payload: bytes) -> None:
        code = -struct.unpack_from("=i", payload)[0]
        raise NetlinkError(f"netlink: {os.strerror(code)}", code=code)
