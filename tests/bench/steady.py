"""A constant rate of requests, whatever the answers do: what fails is counted, not waited for."""

import asyncio
import threading
import time
from dataclasses import dataclass, field

CONNECTIONS = 32
ANSWER_S = 5.0


@dataclass
class Outcome:
    """What became of the requests. `failures` holds the first few reasons."""

    sent: int = 0
    failed: int = 0
    delays_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def fail(self, why: str) -> None:
        """Count a request that was not answered with 200."""
        self.failed += 1
        if len(self.failures) < 5:
            self.failures.append(why)


class SteadyLoad:
    """Sends GETs from a thread until `stop`; kept connections, as a browser or proxy does it.

    A connection that the server closed between two requests is opened anew and is no failure; one
    that breaks after a request was sent on it is.
    """

    def __init__(self, address: str, port: int, host: str, *, per_s: int) -> None:
        self._place = (address, port)
        self._request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self._per_s = per_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.outcome = Outcome()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> Outcome:
        """End, and return what became of all that was sent."""
        self._stopping.set()
        self._thread.join(ANSWER_S * 3)
        return self.outcome

    async def _run(self) -> None:
        free: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            free.put_nowait(_Connection(*self._place))
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                due = began + self.outcome.sent / self._per_s
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                self.outcome.sent += 1
                group.create_task(self._one(free))
        while not free.empty():
            free.get_nowait().close()

    async def _one(self, free: "asyncio.LifoQueue[_Connection]") -> None:
        began = time.perf_counter()
        connection = await free.get()
        try:
            async with asyncio.timeout(ANSWER_S):
                status = await connection.ask(self._request)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            connection.close()
            self.outcome.fail(f"{type(error).__name__}: {error}")
        else:
            if status != 200:
                self.outcome.fail(f"HTTP {status}")
            self.outcome.delays_ms.append((time.perf_counter() - began) * 1000)
        free.put_nowait(connection)


class _Connection:
    """One kept connection; knows just enough HTTP for the benchmark's own server."""

    def __init__(self, address: str, port: int) -> None:
        self._place = (address, port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """Send, read one whole answer and return its status."""
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection(*self._place)
        reader, writer = self._streams
        writer.write(request)
        status = int((await reader.readuntil(b"\r\n")).split()[1])
        length, closes = 0, False
        while line := (await reader.readuntil(b"\r\n")).strip().lower():
            name, _, value = line.partition(b":")
            if name == b"content-length":
                length = int(value)
            closes = closes or (name == b"connection" and value.strip() == b"close")
        await reader.readexactly(length)
        if closes:
            self.close()
        return status

    def close(self) -> None:
        """Let the connection go."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
