"""The node agent's socket: logs, exec, attach, port-forward and usage for bearers of tickets.

One thread with an asyncio loop. Only the group of the unprivileged processes may connect, and
nothing is done without a ticket that the door's side has minted for exactly that.
"""

import asyncio
import grp
import json
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from paas.apimachinery.engine.clock import Clock
from paas.core.errors import BadRequestError, PaasError, RetryLaterError
from paas.core.usage import UsageSource
from paas.orchestration.nodeagent.frames import ERROR, LINE_MAX, STDOUT, read_frame, write_frame
from paas.orchestration.nodeagent.loglines import log_options
from paas.orchestration.nodeagent.logs import read_log
from paas.orchestration.nodeagent.sessions import (
    SessionThreads,
    connect_inside,
    run_forward,
    run_stream,
)
from paas.orchestration.nodeagent.statuses import encoded, error_status
from paas.orchestration.nodeagent.targets import Targets
from paas.orchestration.nodeagent.tickets import (
    NODE_USAGE,
    POD_USAGE,
    NodeTicket,
    TicketOffice,
)
from paas.orchestration.nodeagent.usagecodec import encode_usage
from paas.runtime.base import ExecStream, Runtime

log = structlog.get_logger(__name__)
GROUP = "minato"
_TICKET_S = 10.0
_START_S = 10.0

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Handler = Callable[[NodeTicket, Reader, Writer], Awaitable[None]]


class NodeServer:
    """Listens on `path` between `start` and `stop`."""

    def __init__(
        self,
        path: Path,
        *,
        office: TicketOffice,
        targets: Targets,
        runtime: Runtime,
        usage: UsageSource,
        now: Clock,
    ) -> None:
        self._path = path
        self._office = office
        self._targets = targets
        self._runtime = runtime
        self._usage = usage
        self._now = now
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="node-server", daemon=True)
        self._handlers: dict[str, Handler] = {
            "log": self._log,
            "exec": self._exec,
            "attach": self._attach,
            "portforward": self._forward,
            POD_USAGE: self._pod_usage,
            NODE_USAGE: self._node_usage,
        }

    def start(self) -> None:
        """Start the thread; returns when the socket listens."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._thread.start()
        if not self._listening.wait(_START_S):
            raise BadRequestError(f"{self._path} does not listen")

    def stop(self) -> None:
        """End every connection and the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_START_S)
        self._path.unlink(missing_ok=True)

    @property
    def alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_unix_server(self._connected, self._path, limit=LINE_MAX)
        _let_group_in(self._path)
        self._listening.set()
        await self._stopping.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: Reader, writer: Writer) -> None:
        try:
            ticket = await self._admit(reader)
            await self._handlers[ticket.action](ticket, reader, writer)
        except PaasError as error:
            with suppress(ConnectionError):
                await _answer(writer, {"ok": False, "status": error_status(error)})
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            pass  # the client has gone, or we are going
        except Exception:
            log.exception("node_connection_failed")
        finally:
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _admit(self, reader: Reader) -> NodeTicket:
        try:
            async with asyncio.timeout(_TICKET_S):
                request = json.loads(await reader.readline())
            text = str(request["ticket"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadRequestError("the first line must be a JSON object with a ticket") from error
        ticket = self._office.ticket_read(text, now=self._now())
        log.info(
            "node_ticket_used",
            action=ticket.action,
            actor=ticket.actor,
            namespace=ticket.namespace,
            pod=ticket.pod,
            container=ticket.container,
        )
        return ticket

    async def _log(self, ticket: NodeTicket, reader: Reader, writer: Writer) -> None:
        options = log_options(dict(ticket.options), now=self._now())
        place = self._targets.log(ticket, previous=options.previous)
        await _answer(writer, {"ok": True})

        async def send() -> None:
            pieces = read_log(
                place.directory,
                place.attempt,
                options,
                lambda: self._targets.has_ended(ticket, place),
            )
            async for data in pieces:
                if data:
                    await write_frame(writer, STDOUT, data)

        await _until_either(send(), _gone(reader))

    async def _exec(self, ticket: NodeTicket, reader: Reader, writer: Writer) -> None:
        argv = tuple(str(part) for part in ticket.options.get("command") or ())
        if not argv:
            raise BadRequestError("you must specify at least 1 command for the container")

        def start() -> ExecStream:
            state = self._targets.running(ticket)
            return self._runtime.exec_stream(state.id, argv, **_flags(ticket))

        await _run_session(reader, writer, start, with_exit_code=True)

    async def _attach(self, ticket: NodeTicket, reader: Reader, writer: Writer) -> None:
        def start() -> ExecStream:
            state = self._targets.running(ticket)
            return self._runtime.attach_stream(state.id, **_flags(ticket))

        await _run_session(reader, writer, start, with_exit_code=False)

    async def _forward(self, ticket: NodeTicket, reader: Reader, writer: Writer) -> None:
        port = int(ticket.options.get("port") or 0)
        with SessionThreads() as threads:
            connected = await self._connect(ticket, port, writer, threads)
        if connected is not None:
            await run_forward(reader, writer, connected)

    async def _pod_usage(self, ticket: NodeTicket, _reader: Reader, writer: Writer) -> None:
        history = bool(ticket.options.get("history"))
        found = self._usage.pods(ticket.namespace, history=history)
        await _answer(writer, {"ok": True})
        await write_frame(writer, STDOUT, encode_usage(found))

    async def _node_usage(self, _ticket: NodeTicket, _reader: Reader, writer: Writer) -> None:
        found = self._usage.node()
        await _answer(writer, {"ok": True})
        await write_frame(writer, STDOUT, encode_usage(found))

    async def _connect(
        self, ticket: NodeTicket, port: int, writer: Writer, threads: SessionThreads
    ) -> socket.socket | None:
        """Return the connection; None if the client has been told why there is none."""
        pid = await threads.run(self._targets.sandbox_pid, ticket)
        await _answer(writer, {"ok": True})
        try:
            return await threads.run(connect_inside, pid, port)
        except (OSError, RetryLaterError) as error:
            text = (
                f"error forwarding port {port} to pod {ticket.uid}, uid : failed to execute "
                f"portforward in network namespace: failed to connect to localhost:{port} inside "
                f"namespace, {error}"
            )
            await write_frame(writer, ERROR, encoded(error_status(PaasError(text))))
            return None


async def _run_session(
    reader: Reader, writer: Writer, start: Callable[[], ExecStream], *, with_exit_code: bool
) -> None:
    with SessionThreads() as threads:
        stream = await threads.run(start)
        with suppress(ConnectionError):  # then the session sees that the client has gone, and ends
            await _answer(writer, {"ok": True})
        await run_stream(reader, writer, stream, threads, with_exit_code=with_exit_code)


def _flags(ticket: NodeTicket) -> dict[str, Any]:
    return {
        "tty": bool(ticket.options.get("tty")),
        "stdin": bool(ticket.options.get("stdin")),
    }


async def _answer(writer: Writer, body: dict[str, Any]) -> None:
    writer.write(json.dumps(body).encode() + b"\n")
    await writer.drain()


async def _gone(reader: Reader) -> None:
    while await read_frame(reader) is not None:
        pass  # a reader of logs has nothing to say


async def _until_either(*works: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _let_group_in(path: Path) -> None:
    """Let the unprivileged processes connect; on a machine without their group only root may."""
    path.chmod(0o660)
    with suppress(KeyError):
        os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
