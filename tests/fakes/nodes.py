"""A node agent in memory: each stream says what the test wrote, and keeps what it was sent."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from paas.core.actors import Actor
from paas.core.errors import PaasError

Frames = list[tuple[int, bytes]]


@dataclass(slots=True)
class Opened:
    """What one stream was opened for."""

    actor: str
    pod: str
    action: str
    container: str
    options: dict[str, Any]


class FakeStream:
    """Yields the frames given; where `answer` is set, also what it makes of each one received."""

    def __init__(self, frames: Frames, answer: Callable[[int, bytes], Frames] | None) -> None:
        self.received: Frames = []
        self.let_go = threading.Event()
        self._answer = answer
        self._outgoing: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        for frame in frames:
            self._outgoing.put_nowait(frame)
        if answer is None:
            self._outgoing.put_nowait(None)

    @property
    def closed(self) -> bool:
        return self.let_go.is_set()

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        while (frame := await self._outgoing.get()) is not None:
            yield frame
            if frame[0] == 3:
                return

    async def send(self, channel: int, data: bytes) -> None:
        self.received.append((channel, data))
        for frame in self._answer(channel, data) if self._answer else []:
            self._outgoing.put_nowait(frame)

    async def close(self) -> None:
        self.let_go.set()


@dataclass(slots=True)
class FakeNode:
    """Opens streams; `refusal` is raised instead where it is set."""

    frames: Frames = field(default_factory=list)
    answer: Callable[[int, bytes], Frames] | None = None
    refusal: PaasError | None = None
    opened: list[Opened] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)

    async def __call__(
        self,
        actor: Actor,
        pod: Mapping[str, Any],
        *,
        action: str,
        container: str,
        options: Mapping[str, Any],
    ) -> FakeStream:
        if self.refusal is not None:
            raise self.refusal
        name = pod["metadata"]["name"]
        self.opened.append(Opened(actor.name, name, action, container, dict(options)))
        stream = FakeStream(self.frames, self.answer)
        self.streams.append(stream)
        return stream
