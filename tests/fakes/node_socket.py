"""The node agent's socket as its protocol is written down: a line each way, then frames.

It checks the ticket as the real one does and answers each stream with the frames it was given.
"""

import json
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from paas.core.errors import PaasError
from paas.orchestration.nodeagent.tickets import NodeTicket, TicketOffice

_HEAD = struct.Struct(">BI")


class FakeNodeSocket(socketserver.ThreadingUnixStreamServer):
    """Listens on a path; `tickets` are those that were good."""

    daemon_threads = True

    def __init__(self, path: Path, key: bytes) -> None:
        super().__init__(str(path), _Handler)
        self.office = TicketOffice(key)
        self.frames: list[tuple[int, bytes]] = []
        self.refusal: dict[str, Any] | None = None
        self.tickets: list[NodeTicket] = []


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = cast("FakeNodeSocket", self.server)
        request = json.loads(self.rfile.readline())
        try:
            ticket = server.office.ticket_read(request["ticket"], now=datetime.now(UTC))
        except PaasError as error:
            self._say({"ok": False, "status": {"reason": error.reason, "message": str(error)}})
            return
        server.tickets.append(ticket)
        if server.refusal is not None:
            self._say({"ok": False, "status": server.refusal})
            return
        self._say({"ok": True})
        for channel, data in server.frames:
            self.wfile.write(_HEAD.pack(channel, len(data)) + data)

    def _say(self, answer: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(answer).encode() + b"\n")


@contextmanager
def node_socket(path: Path, key: bytes) -> Iterator[FakeNodeSocket]:
    """Serve the socket until the block ends."""
    with FakeNodeSocket(path, key) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(60)
