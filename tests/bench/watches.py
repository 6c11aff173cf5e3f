"""From a create to the event that each of 100 watchers sees.

100 watchers of one namespace through the edge, each with a connection of its own, while ConfigMaps
are created at a steady pace. The delay is counted from just before the POST is sent to the moment
the watcher's bytes are read, for every watcher and every object. The bare tool is one LISTEN in
PostgreSQL and an insert with NOTIFY, from before the insert to the wake-up.
"""

import asyncio
import re
import ssl
import threading
import time
from dataclasses import dataclass, field

import psycopg

from tests.bench.api_reads import MAPS
from tests.bench.bench import Api, Bench, BenchError
from tests.bench.rows import Budget, Row, percentile, row_of
from tests.bench.servers import conninfo

WATCHERS = 100
PER_S = 20
LATE_S = 10.0
_NAME = re.compile(rb'"type":"ADDED".{0,400}?"name":"map-(\d+)"')


@dataclass
class _Seen:
    """When each object was sent, and when each watcher saw it (time.perf_counter)."""

    count: int
    sent_at: dict[int, float] = field(default_factory=dict)
    delays_ms: list[float] = field(default_factory=list)
    opened: int = 0

    def complete(self) -> bool:
        return len(self.delays_ms) >= self.count * WATCHERS


def measure(bench: Bench) -> list[Row]:
    """Return the figures of watch delivery."""
    namespace = bench.stack.enter_context(bench.namespace("watches"))
    seen = _Seen(bench.pick(400, 60))
    bench.say(f"{WATCHERS} watchers, {seen.count} creates at {PER_S}/s …")
    bare = _notify_ms(bench, seen.count)
    asyncio.run(_watch_all(bench, namespace, seen))
    lost = seen.count * WATCHERS - len(seen.delays_ms)
    p50, p99 = percentile(seen.delays_ms, 0.5), percentile(seen.delays_ms, 0.99)
    return [
        row_of("event seen, p50", [p50], "ms", against=[percentile(bare, 0.5)]),
        row_of(
            "event seen, p99",
            [p99],
            "ms",
            against=[percentile(bare, 0.99)],
            budget=Budget(figure_max=20),
        ),
        row_of("events lost", [lost], "", budget=Budget(figure_max=0)),
    ]


async def _watch_all(bench: Bench, namespace: str, seen: _Seen) -> None:
    """Open the watchers, create, and wait until all have seen all or it has been too long."""
    version = bench.admin.get(MAPS.format(namespace))["metadata"]["resourceVersion"]
    path = f"{MAPS.format(namespace)}?watch=1&resourceVersion={version}"
    async with asyncio.TaskGroup() as group:
        watchers = [group.create_task(_watch(bench.admin, path, seen)) for _ in range(WATCHERS)]
        await _until(lambda: seen.opened == WATCHERS, "every watch is open")
        await asyncio.to_thread(_create_all, bench.admin, namespace, seen)
        deadline = time.perf_counter() + LATE_S
        while not seen.complete() and time.perf_counter() < deadline:
            await asyncio.sleep(0.05)
        for watcher in watchers:
            watcher.cancel()


async def _until(check, what: str) -> None:
    deadline = time.perf_counter() + LATE_S
    while not check():
        if time.perf_counter() > deadline:
            raise BenchError(f"not within {LATE_S:.0f} s: {what}")
        await asyncio.sleep(0.01)


async def _watch(api: Api, path: str, seen: _Seen) -> None:
    context = ssl.create_default_context(cafile=str(api.instance.ca_file))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", api.instance.https_port, ssl=context, server_hostname=api.host
    )
    head = f"GET {path} HTTP/1.1\r\nHost: {api.host}\r\nAuthorization: Bearer {api.token}\r\n\r\n"
    try:
        writer.write(head.encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise BenchError(f"the watch was answered {status!r}")
        while (await reader.readline()).strip():
            pass
        seen.opened += 1
        while line := await reader.readline():
            at = time.perf_counter()
            for found in _NAME.findall(line):
                seen.delays_ms.append((at - seen.sent_at[int(found)]) * 1000)
    finally:
        writer.close()


def _create_all(api: Api, namespace: str, seen: _Seen) -> None:
    began = time.perf_counter()
    for number in range(seen.count):
        time.sleep(max(began + number / PER_S - time.perf_counter(), 0))
        wish = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"map-{number}"},
            "data": {"value": "x" * 100},
        }
        seen.sent_at[number] = time.perf_counter()
        api.post(MAPS.format(namespace), wish)


def _notify_ms(bench: Bench, count: int) -> list[float]:
    """Return the milliseconds from before an insert with NOTIFY to a listener's wake-up."""
    found: list[float] = []
    ready = threading.Event()
    sent: list[float] = []

    def listen() -> None:
        with psycopg.connect(conninfo(bench.instance), autocommit=True) as connection:
            connection.execute("LISTEN minato_bench")
            ready.set()
            for _ in connection.notifies(timeout=LATE_S, stop_after=count):
                found.append((time.perf_counter() - sent[len(found)]) * 1000)

    thread = threading.Thread(target=listen)
    thread.start()
    ready.wait(LATE_S)
    with psycopg.connect(conninfo(bench.instance), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE bench (body text)")
        for number in range(count):
            sent.append(time.perf_counter())
            with connection.transaction():
                connection.execute("INSERT INTO bench VALUES (repeat('x', 1300))")
                connection.execute("SELECT pg_notify('minato_bench', %s)", (str(number),))
            time.sleep(1 / PER_S / 4)
    thread.join(LATE_S * 2)
    return found
