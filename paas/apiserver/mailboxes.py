"""A watcher's queue between the hub's thread and the event loop, with a bound."""

import asyncio
import threading
from collections import deque

from paas.apimachinery.options import Event


class Mailbox:
    """`put` from any thread, `take` on the loop. Drops everything once it is too far behind."""

    def __init__(self, loop: asyncio.AbstractEventLoop, size: int) -> None:
        self._loop = loop
        self._size = size
        self._lock = threading.Lock()
        self._waiting: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self.lagging = asyncio.Event()
        self._bounded = False
        self._overflowed = False

    def put(self, event: Event) -> None:
        """Take an event. Wakes the loop once for many events."""
        with self._lock:
            if self._overflowed:
                return
            if self._bounded and len(self._waiting) >= self._size:
                self._overflowed = True
                self._waiting.clear()
                self._wake(self.lagging)
                return
            self._waiting.append(event)
            if len(self._waiting) == 1:
                self._wake(self._arrived)

    def limit(self) -> None:
        """Count from now on: what was there at the start is no backlog."""
        with self._lock:
            self._bounded = True

    async def take(self, timeout_s: float) -> list[Event]:
        """Return what has come, in order; waits for the first of it, but no longer."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        except TimeoutError:
            pass
        with self._lock:
            self._arrived.clear()
            events = list(self._waiting)
            self._waiting.clear()
            return events

    def _wake(self, event: asyncio.Event) -> None:
        try:
            self._loop.call_soon_threadsafe(event.set)
        except RuntimeError:  # the loop is closed: the server is going down
            self._overflowed = True
