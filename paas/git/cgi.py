"""Runs `git http-backend` for one request and streams both ways, holding little in memory.

Source: RFC 3875 for the answer's head; git-http-backend(1).
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

from paas.core.errors import RequestTooLargeError, TimeoutExceededError
from paas.git.errors import GitFailedError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)
CHUNK_BYTES = 64 * 1024
HEAD_MAX_BYTES = 16 * 1024
COMPLAINT_MAX_BYTES = 2000
KILL_AFTER_S = 5.0


class ClientGoneError(Exception):
    """The client has closed its connection."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one request may take: its body as it is sent, and time without a byte either way."""

    body_max_bytes: int
    idle_s: float


class Exchange:
    """One request and its answer."""

    def __init__(self, receive: Receive, send: Send, bounds: Bounds) -> None:
        self._receive = receive
        self._send = send
        self._bounds = bounds
        self._moved_at = 0.0
        self.started = False

    async def run(
        self, environment: Mapping[str, str], *, inherited: socket.socket | None = None
    ) -> None:
        """Answer the request; `inherited` is a socket for the hook, closed here once passed on.

        Raises RequestTooLargeError, TimeoutExceededError, GitFailedError, ClientGoneError. When
        the answer has begun (`started`), nothing can be told any more: the connection must close.
        """
        process = await _spawn(environment, inherited)
        self._touch()
        complaints = asyncio.create_task(_complaints(process))
        workers = [
            asyncio.create_task(self._answer(process)),
            asyncio.create_task(self._feed(process)),
            asyncio.create_task(self._watch_idleness()),
        ]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
            ended = next(task for task in workers if task.done())
            await ended
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await asyncio.shield(_end(process, complaints))

    async def _answer(self, process: asyncio.subprocess.Process) -> None:
        output = _pipe(process.stdout)
        status, headers = await _head(output)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        self.started = True
        while chunk := await output.read(CHUNK_BYTES):
            self._touch()
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        if await process.wait() != 0:
            log.info("git_backend_ended", code=process.returncode)
        await self._send({"type": "http.response.body", "body": b""})

    async def _feed(self, process: asyncio.subprocess.Process) -> None:
        """Pass the body on, then wait for the client to go."""
        entry = process.stdin
        if entry is None:
            raise GitFailedError("git has no input")
        sent_bytes, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            self._touch()
            body: bytes = message.get("body", b"")
            more = bool(message.get("more_body"))
            sent_bytes += len(body)
            if sent_bytes > self._bounds.body_max_bytes:
                raise RequestTooLargeError("The push is too large.")
            # what git does not want is read all the same: its answer says why
            with contextlib.suppress(ConnectionError):
                entry.write(body)
                await entry.drain()
                self._touch()
        with contextlib.suppress(ConnectionError):
            entry.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise ClientGoneError

    async def _watch_idleness(self) -> None:
        loop = asyncio.get_running_loop()
        while (left_s := self._moved_at + self._bounds.idle_s - loop.time()) > 0:
            await asyncio.sleep(left_s)
        raise TimeoutExceededError("Nothing moved for too long.", hint="Try again.")

    def _touch(self) -> None:
        self._moved_at = asyncio.get_running_loop().time()


async def _spawn(
    environment: Mapping[str, str], inherited: socket.socket | None
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *("git", "http-backend"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=CHUNK_BYTES,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
            pass_fds=(inherited.fileno(),) if inherited else (),
        )
    except OSError as error:
        raise GitFailedError("git cannot be started", output=str(error)) from error
    finally:
        if inherited is not None:
            inherited.close()


async def _head(output: asyncio.StreamReader) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Return status and headers of a CGI answer."""
    try:
        text = await output.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise GitFailedError("git gave no answer") from error
    status, headers = 200, []
    for line in text[:HEAD_MAX_BYTES].decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        elif colon:
            headers.append((name.lower().encode("latin-1"), value.strip().encode("latin-1")))
    return status, [*headers, (b"x-content-type-options", b"nosniff")]


async def _complaints(process: asyncio.subprocess.Process) -> bytes:
    """Return the beginning of what git writes to its error output; read all of it."""
    kept = b""
    while chunk := await _pipe(process.stderr).read(CHUNK_BYTES):
        kept = (kept + chunk)[:COMPLAINT_MAX_BYTES]
    return kept


async def _end(process: asyncio.subprocess.Process, complaints: "asyncio.Task[bytes]") -> None:
    """Leave no process of the request behind."""
    for number, wait_s in ((signal.SIGTERM, KILL_AFTER_S), (signal.SIGKILL, None)):
        if process.returncode is None:
            # all of the request's processes are in the group that the first of them leads
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await process.wait()
                said = await complaints
            break
    if said:
        log.info("git_backend_said", text=said.decode(errors="replace").strip())


def _pipe(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise GitFailedError("git has no output")
    return stream
