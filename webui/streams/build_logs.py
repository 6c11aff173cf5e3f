"""Build logs: as text, and followed from an offset without a thread per reader."""

import asyncio
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

from paas.builds.logs import SAFETY_S
from paas.builds.names import BUILDS
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.numbers import parse_whole
from paas.core.objects import uid_of
from paas.manager import runtime
from paas.manager.builds import build_logs
from webui.streams.marks import Piece
from webui.streams.threads import in_thread

TEXT_BYTES = 8 * 1024 * 1024


def build_log_text(cluster: Cluster, *, actor: Actor, project: str, build: str) -> str:
    """Return what there is of a log; of a very long one its end."""
    return (
        build_logs()
        .tail(_authorised(cluster, actor, project, build), TEXT_BYTES)
        .decode(errors="replace")
    )


async def build_log_follow(
    actor: Actor, where: Mapping[str, str], query: Mapping[str, str], position: str
) -> AsyncIterator[Piece]:
    """Yield a log from an offset in bytes, as it grows, to its end."""
    del query
    place = where["project"], where["build"]
    uid = await in_thread(_authorised, runtime.cluster(), actor, *place)
    offset = parse_whole(position) or 0
    decoder = getincrementaldecoder("utf-8")("replace")
    with _bell() as rung:
        while True:
            rung.clear()
            piece = await in_thread(build_logs().read, uid, offset)
            offset += len(piece.data)
            if text := decoder.decode(piece.data, final=piece.complete):
                yield Piece(text, str(offset - len(decoder.getstate()[0])))
            if piece.complete:
                break
            if not piece.data:
                await _rings(rung)
    yield Piece("", "", ends=True)


@contextmanager
def _bell() -> Iterator[asyncio.Event]:
    """Give an event that is set when some log has grown."""
    loop, rung = asyncio.get_running_loop(), asyncio.Event()

    def ring() -> None:
        loop.call_soon_threadsafe(rung.set)

    end = build_logs().bell.subscribe(ring)
    try:
        yield rung
    finally:
        end()


async def _rings(rung: asyncio.Event) -> None:
    """Wait for news, or for as long as a notification may be lost."""
    try:
        async with asyncio.timeout(SAFETY_S):
            await rung.wait()
    except TimeoutError:
        return


def _authorised(cluster: Cluster, actor: Actor, project: str, build: str) -> str:
    """Return the uid of a build whose log the actor may read."""
    found = cluster.connect(actor, BUILDS, build, project, subresource="log", verb="get")
    return uid_of(found)
