"""Unbound, by its control socket and by one DNS question. No process is started.

A control connection carries one command: `UBCT1 <command>` and its lines, ended by a line with
the byte 4, then the answer until the other end closes. Unbound 1.17 spins for ever when a
connection ends before that byte, so a command is always one write that fits the socket's buffer:
it arrives whole or not at all, even if this process is killed.
Source: unbound-control(8), unbound's daemon/remote.c; RFC 1035.
"""

import secrets
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import structlog

from paas.orchestration.network.errors import DnsUnavailableError

log = structlog.get_logger(__name__)

_SHOWN_MAX = 500
_PROTOCOL = "UBCT1"
_TIMEOUT_S = 10.0
_QUESTION_TIMEOUT_S = 1.0
_CHUNK = 1 << 16
_COMMAND_MAX = 1 << 16  # bytes; a Unix socket takes 208 KiB at once
_END = "\x04"
_DNS_HEADER = struct.Struct(">HHHHHH")
_TXT, _INTERNET, _RECURSE = 16, 1, 0x0100


class Unbound:
    """The control socket of one unbound. Raises DnsUnavailableError when nobody answers."""

    def __init__(self, control: Path, address: tuple[str, int]) -> None:
        self._control = control
        self._address = address

    def add(self, records: Iterable[str]) -> None:
        """Add records to what it answers by itself."""
        self._bulk("local_datas", records)

    def remove(self, names: Iterable[str]) -> None:
        """Forget every record of these names."""
        self._bulk("local_datas_remove", names)

    def listed(self) -> str:
        """Return every record that it answers by itself, one a line."""
        return self.command("list_local_data")

    def knows(self, name: str) -> bool:
        """Ask it by DNS whether a name has a TXT record."""
        number = secrets.randbelow(1 << 16)
        labels = b"".join(
            bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")
        )
        question = _DNS_HEADER.pack(number, _RECURSE, 1, 0, 0, 0) + labels + b"\0"
        question += struct.pack(">HH", _TXT, _INTERNET)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(_QUESTION_TIMEOUT_S)
                sock.connect(self._address)
                sock.send(question)
                answer = sock.recv(_CHUNK)
        except OSError as error:
            raise DnsUnavailableError(f"unbound does not answer: {error}") from error
        identity, _, _, answers, _, _ = _DNS_HEADER.unpack_from(answer)
        return bool(identity == number and answers > 0)

    def command(self, command: str, lines: Sequence[str] = ()) -> str:
        """Send one command and return the whole answer; the lines fit one write together."""
        ended = (*lines, _END) if lines else ()
        body = "".join(f"{line}\n" for line in (f"{_PROTOCOL} {command}", *ended))
        parts: list[bytes] = []
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(_TIMEOUT_S)
                sock.connect(str(self._control))
                sock.sendall(body.encode())
                while part := sock.recv(_CHUNK):
                    parts.append(part)
        except OSError as error:
            raise DnsUnavailableError(f"unbound's control socket: {error}") from error
        return b"".join(parts).decode(errors="replace")

    def _bulk(self, command: str, lines: Iterable[str]) -> None:
        for batch in batches(lines):
            answer = self.command(command, batch)
            # "added 2 datas", "removed 2 datas"; one refused line must not hold up the others
            if not answer.startswith(("added ", "removed ")):
                log.error("unbound_refused", command=command, answer=answer.strip()[:_SHOWN_MAX])


def batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines in groups that each fit one write."""
    batch: list[str] = []
    size_bytes = 0
    for line in lines:
        if batch and size_bytes + len(line) + 1 > _COMMAND_MAX - _SHOWN_MAX:
            yield batch
            batch, size_bytes = [], 0
        batch.append(line)
        size_bytes += len(line) + 1
    if batch:
        yield batch
