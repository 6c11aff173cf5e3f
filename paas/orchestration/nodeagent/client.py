"""Talks to the node agent's socket: for the API server (asyncio), for workers and console (sync).

Whoever calls has authorised the actor before: a ticket is minted for what is asked.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from paas.core.actors import Actor
from paas.core.errors import PaasError, ServiceUnavailableError
from paas.core.objects import ApiObject, name_of, namespace_of, uid_of
from paas.core.usage import PodUsage, Usage
from paas.orchestration.nodeagent.frames import (
    CLOSE,
    LINE_MAX,
    STDOUT,
    Frame,
    encode_frame,
    read_frame,
    write_frame,
)
from paas.orchestration.nodeagent.statuses import error_of
from paas.orchestration.nodeagent.tickets import (
    NODE_USAGE,
    POD_USAGE,
    NodeTicket,
    ticket_issue,
)
from paas.orchestration.nodeagent.usagecodec import decode_node_usage, decode_pod_usage

T = TypeVar("T")

_ABSENT = "the node agent does not answer"
_CONNECT_S = 10.0
_CLOSE_S = 1.0
_USAGE_S = 3.0
"""How long the agent has to say what is used: a page waits for it."""


class NodeStream:
    """An open stream: frames both ways. One task reads, one writes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def __aiter__(self) -> AsyncIterator[Frame]:
        """Yield what the node sends, to the end."""
        while (frame := await read_frame(self._reader)) is not None:
            yield frame

    async def send(self, channel: int, data: bytes) -> None:
        """Send to a channel; waits while the node takes no more. What comes too late is lost."""
        with suppress(ConnectionError):
            await write_frame(self._writer, channel, data)

    async def close_channel(self, channel: int) -> None:
        """Say that no more comes on a channel, such as standard input."""
        await self.send(CLOSE, bytes([channel]))

    async def close(self) -> None:
        """Let go; what runs for this stream on the node is ended.

        What was sent and is not taken within a moment is lost: the command may never read it.
        """
        loop = asyncio.get_running_loop()
        patience = loop.call_later(_CLOSE_S, self._writer.transport.abort)
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        patience.cancel()


class NodeClient:
    """Opens streams to the node agent, with a ticket for each. Reads the key when needed."""

    def __init__(self, path: Path, key: bytes, now: Callable[[], datetime]) -> None:
        self._path = path
        self._key = key
        self._now = now

    async def __call__(
        self,
        actor: Actor,
        pod: ApiObject,
        *,
        action: str,
        container: str,
        options: Mapping[str, Any],
    ) -> NodeStream:
        """Open the stream of a pod: `action` is log, exec, attach or portforward.

        Raises what the node answers, ServiceUnavailableError while it does not.
        """
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=LINE_MAX)
        except (OSError, TimeoutError) as error:
            raise ServiceUnavailableError(_ABSENT) from error
        try:
            writer.write(self._request(_ticket(actor, pod, action, container, options)))
            await writer.drain()
            _check(await reader.readline())
        except (PaasError, OSError) as error:
            writer.close()
            if isinstance(error, PaasError):
                raise
            raise ServiceUnavailableError(_ABSENT) from error
        return NodeStream(reader, writer)

    def logs(
        self, actor: Actor, pod: ApiObject, *, container: str = "", **options: Any
    ) -> Iterator[bytes]:
        """Yield a container's log in pieces; options are spelled as in the API (follow, …)."""
        # a followed log may be silent for hours
        ticket = _ticket(actor, pod, "log", container, options)
        return self._output(ticket, answer_s=_CONNECT_S, silence_s=None)

    def pod_usage(
        self, actor: Actor, namespace: str, *, history: bool = False
    ) -> Sequence[PodUsage]:
        """Return what the pods of a namespace use, or all for ""; see `UsageReader`."""
        options = {"history": history}
        ticket = NodeTicket(actor.name, POD_USAGE, namespace=namespace, options=options)
        return self._asked(ticket, decode_pod_usage)

    def node_usage(self, actor: Actor) -> tuple[str, Usage] | None:
        """Return what the node uses; see `UsageReader`."""
        return self._asked(NodeTicket(actor.name, NODE_USAGE), decode_node_usage)

    def _asked(self, ticket: NodeTicket, read: Callable[[bytes], T]) -> T:
        try:
            return read(b"".join(self._output(ticket)))
        except ValueError as error:  # it was cut off
            raise ServiceUnavailableError(_ABSENT) from error

    def _output(
        self, ticket: NodeTicket, *, answer_s: float = _USAGE_S, silence_s: float | None = _USAGE_S
    ) -> Iterator[bytes]:
        """Yield what a ticket brings on standard output; `silence_s` bounds each wait for more."""
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(answer_s)
            try:
                connection.connect(str(self._path))
                connection.sendall(self._request(ticket))
            except OSError as error:
                raise ServiceUnavailableError(_ABSENT) from error
            with connection.makefile("rb") as file:
                try:
                    _check(file.readline(LINE_MAX))
                    connection.settimeout(silence_s)
                    yield from (data for channel, data in _frames(file) if channel == STDOUT)
                except OSError as error:
                    raise ServiceUnavailableError(_ABSENT) from error

    def _request(self, ticket: NodeTicket) -> bytes:
        text = ticket_issue(self._key, ticket, now=self._now())
        return json.dumps({"ticket": text}).encode() + b"\n"


def _ticket(
    actor: Actor, pod: ApiObject, action: str, container: str, options: Mapping[str, Any]
) -> NodeTicket:
    return NodeTicket(
        actor=actor.name,
        action=action,
        namespace=namespace_of(pod),
        pod=name_of(pod),
        uid=uid_of(pod),
        container=container,
        options=options,
    )


def _check(line: bytes) -> None:
    if not line:
        raise ServiceUnavailableError(_ABSENT)
    answer = json.loads(line)
    if not answer.get("ok"):
        raise error_of(answer.get("status") or {})


def _frames(file: BinaryIO) -> Iterator[Frame]:
    head_size = len(encode_frame(0, b""))
    while len(head := file.read(head_size)) == head_size:
        data = file.read(int.from_bytes(head[1:], "big"))
        yield head[0], data
