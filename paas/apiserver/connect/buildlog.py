"""builds/log: the kept log of a build as text, to its end or as it grows.

A build that has not begun is waited for unless `nowait` is given. The log stays readable when the
build has failed or was cancelled, which OpenShift's does not.
Source: openshift-apiserver pkg/build/apiserver/registry/buildlog.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import cache

from paas.apimachinery.database import Database
from paas.apiserver.calls import Call
from paas.apiserver.connect.base import Connect, parent_of
from paas.apiserver.responses import TEXT, stream
from paas.apiserver.watching import disconnected
from paas.builds.logs import SAFETY_S, BuildLogs, Piece
from paas.builds.names import BUILDS, has_ended
from paas.core.errors import BadRequestError, MethodNotAllowedError, NotFoundError
from paas.core.objects import ApiObject, uid_of


@cache
def _logs_of(database: Database) -> BuildLogs:
    return BuildLogs(database)


class _Reader:
    """Reads one build's log for one client. `offset` is ours: it makes a reader go on."""

    def __init__(self, call: Call, build: ApiObject) -> None:
        self._call, self._build, self._uid = call, build, uid_of(build)
        self._logs = _logs_of(call.services.door.store.database)
        self._follow = call.query.flag("follow")
        self._nowait = call.query.flag("nowait")
        self._offset = call.query.integer("offset") or 0
        self._limit = call.query.integer("limitBytes")
        if self._offset < 0 or (self._limit is not None and self._limit < 1):
            raise BadRequestError("offset and limitBytes must not be negative")

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the log until it ends, or until there is no more now."""
        loop, rung = asyncio.get_running_loop(), asyncio.Event()

        def ring() -> None:
            loop.call_soon_threadsafe(rung.set)

        end = self._logs.bell.subscribe(ring)
        try:
            began = False
            while True:
                rung.clear()
                piece = await self._read()
                began = began or bool(piece.data)
                if piece.data:
                    yield self._cut(piece.data)
                if await self._is_over(piece, began=began):
                    return
                if not piece.data:
                    await _wait(rung)
        finally:
            end()

    async def _read(self) -> Piece:
        piece = await self._call.services.threads.run(self._logs.read, self._uid, self._offset)
        self._offset += len(piece.data)
        return piece

    def _cut(self, data: bytes) -> bytes:
        if self._limit is None:
            return data
        data = data[: self._limit]
        self._limit -= len(data)
        return data

    async def _is_over(self, piece: Piece, *, began: bool) -> bool:
        if piece.complete or self._limit == 0:
            return True
        if piece.data:
            return False
        if not self._follow and (began or self._nowait):
            return True
        return await self._call.services.threads.run(self._has_ended)

    def _has_ended(self) -> bool:
        """Say whether nobody will write more: the build has ended, or is gone."""
        door, key = self._call.services.door, self._call.target
        try:
            build = door.get(self._call.actor, BUILDS, key.name, key.namespace)
        except NotFoundError:
            return True
        return uid_of(build) != self._uid or has_ended(build)


async def _wait(rung: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(rung.wait(), SAFETY_S)
    except TimeoutError:
        return


async def _serve(call: Call) -> None:
    if call.method not in {"GET", "HEAD"}:
        raise MethodNotAllowedError(
            "the server does not allow this method on the requested resource"
        )
    build = await parent_of(call, "get", {})
    reader = _Reader(call, build)
    call.unbound()
    sending = asyncio.ensure_future(stream(call.send, reader.pieces(), content_type=TEXT))
    gone = asyncio.ensure_future(disconnected(call.receive))
    try:
        await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, gone):
            task.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)
    if not sending.cancelled() and (error := sending.exception()) is not None:
        raise error


CONNECTS = (Connect(BUILDS, "log", _serve),)
