"""Exec, attach and port-forward: bytes between a socket's frames and a container.

What a session waits for it waits for in threads of its own: a command that reads nothing holds up
nobody else.
"""

import asyncio
import json
import select
import socket
import threading
from asyncio import FIRST_COMPLETED as FIRST
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

import structlog

from paas.core.errors import PaasError
from paas.orchestration.network.namespaces import namespace_open, namespace_run
from paas.orchestration.nodeagent.frames import (
    CLOSE,
    ERROR,
    RESIZE,
    STDIN,
    STDOUT,
    read_frame,
    write_frame,
)
from paas.orchestration.nodeagent.statuses import encoded, error_status, exit_status
from paas.runtime.base import ExecStream

log = structlog.get_logger(__name__)
CONNECT_S = 5.0
Result = TypeVar("Result")
_CHUNK_BYTES = 1 << 16
_LAST_INPUT_S = 1.0
_THREADS = 2  # one may wait for a command to read, the other ends it


class SessionThreads:
    """Runs what waits, in threads that are this session's own and made when they are needed."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="session")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=False)

    async def run(self, work: Callable[..., Result], *args: object) -> Result:
        """Return what a function returns or raise what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)


async def run_stream(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    stream: ExecStream,
    threads: SessionThreads,
    *,
    with_exit_code: bool,
) -> None:
    """Copy both ways until the command ends or the client goes, then let go of the command."""
    ended = _copy_output(stream, writer, asyncio.get_running_loop())
    incoming = asyncio.ensure_future(_copy_input(reader, stream, threads))
    try:
        with _hang_up(writer) as gone:
            await asyncio.wait((ended, incoming, gone), return_when=FIRST)
        if not ended.done() or not await ended:  # the client has gone
            await asyncio.wait((incoming,), timeout=_LAST_INPUT_S)  # what it said last is heard
            return
        code = await threads.run(stream.exit_code) if with_exit_code else 0
        await write_frame(writer, ERROR, encoded(exit_status(code)))
    except PaasError as error:
        with suppress(ConnectionError):
            await write_frame(writer, ERROR, encoded(error_status(error)))
    finally:
        incoming.cancel()
        await threads.run(stream.close)
        with suppress(PaasError, OSError, asyncio.CancelledError):
            await ended


@contextmanager
def _hang_up(writer: asyncio.StreamWriter) -> Iterator[asyncio.Future[None]]:
    """Yield what is done when the client closes, also while nobody reads what it has sent."""
    loop = asyncio.get_running_loop()
    gone = loop.create_future()

    def notice() -> None:
        loop.remove_reader(poll)
        if not gone.done():
            gone.set_result(None)

    if writer.is_closing():  # its socket may be closed
        gone.set_result(None)
        yield gone
        return
    with select.epoll() as poll:
        poll.register(writer.get_extra_info("socket"), select.EPOLLHUP)
        loop.add_reader(poll, notice)
        try:
            yield gone
        finally:
            loop.remove_reader(poll)


def _copy_output(
    stream: ExecStream, writer: asyncio.StreamWriter, loop: asyncio.AbstractEventLoop
) -> asyncio.Future[bool]:
    """Start a thread that reads the stream; it waits while the client takes no more.

    The result says whether the command has ended; if not, the client has gone.
    """
    done: asyncio.Future[bool] = loop.create_future()

    def finish(error: Exception | None, whole: bool) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(whole)
        else:
            done.set_exception(error)

    def copy() -> None:
        failure: Exception | None = None
        whole = True
        try:
            while (piece := stream.read()) is not None:
                sent = asyncio.run_coroutine_threadsafe(write_frame(writer, *piece), loop)
                sent.result()
        except ConnectionError:
            whole = False
        except (PaasError, OSError) as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed: the agent is going down
            loop.call_soon_threadsafe(finish, failure, whole)

    threading.Thread(target=copy, name="exec-output", daemon=True).start()
    return done


async def _copy_input(
    reader: asyncio.StreamReader, stream: ExecStream, threads: SessionThreads
) -> None:
    """Hand the client's frames to the stream, as fast as it takes them; ends with the client."""
    while (frame := await read_frame(reader)) is not None:
        channel, data = frame
        with suppress(PaasError, OSError):  # the command may have ended meanwhile
            if channel == STDIN:
                await threads.run(stream.write, data)
            elif channel == CLOSE and data[:1] == bytes([STDIN]):
                await threads.run(stream.close_stdin)
            elif channel == RESIZE:
                await threads.run(_resize, stream, data)


def _resize(stream: ExecStream, data: bytes) -> None:
    try:
        size = json.loads(data)
        width, height = int(size["Width"]), int(size["Height"])
    except (ValueError, KeyError, TypeError):
        return  # a client's mistake costs it the resize only
    stream.resize(width=width, height=height)


def connect_inside(pid: int, port: int) -> socket.socket:
    """Connect to a port on the pod's own loopback, as upstream's port-forward does.

    Raises OSError, RetryLaterError.
    """
    with namespace_open(pid) as descriptor:
        return namespace_run(descriptor, lambda: _connect(port))


def _connect(port: int) -> socket.socket:
    try:
        return socket.create_connection(("127.0.0.1", port), timeout=CONNECT_S)
    except ConnectionRefusedError:
        return socket.create_connection(("::1", port), timeout=CONNECT_S)


async def run_forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connected: socket.socket
) -> None:
    """Copy bytes between channels 0 and 1 and a connection until both sides are done."""
    connected.setblocking(False)
    inner_reader, inner_writer = await asyncio.open_connection(sock=connected)
    down = asyncio.ensure_future(_forward_down(inner_reader, writer))
    up = asyncio.ensure_future(_forward_up(reader, inner_writer))
    try:
        await asyncio.wait((down, up), return_when=FIRST)
        if not down.done() and up.result():
            await down  # the client only closed its half
    finally:
        for task in (down, up):
            task.cancel()
        await asyncio.gather(down, up, return_exceptions=True)
        inner_writer.close()


async def _forward_down(inner: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await inner.read(_CHUNK_BYTES):
            await write_frame(writer, STDOUT, data)


async def _forward_up(reader: asyncio.StreamReader, inner: asyncio.StreamWriter) -> bool:
    """Return True if the client closed its half, False if it has gone."""
    with suppress(ConnectionError):
        while (frame := await read_frame(reader)) is not None:
            channel, data = frame
            if channel == STDIN:
                inner.write(data)
                await inner.drain()
            elif channel == CLOSE:
                inner.write_eof()
                return True
    return False
