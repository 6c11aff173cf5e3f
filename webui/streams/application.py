"""Streams beside Django: whoever asks a page's address for `text/event-stream` gets it live.

A stream holds no thread while it waits. Only our own pages may open one.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from urllib.parse import parse_qsl, urlsplit

from django.urls import Resolver404, resolve

from paas.core.actors import Actor
from paas.core.errors import PaasError
from webui.sites import Application, Receive, Scope, Send
from webui.streams import sse
from webui.streams.fragments import BEAT_S, Renderer, fragments
from webui.streams.marks import Follow, Piece
from webui.streams.people import person_of

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class Streams:
    """Serves streams; everything else goes on to `pages`."""

    def __init__(self, pages: Application) -> None:
        self._pages = pages
        self._render = Renderer()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        headers = _headers(scope)
        if b"text/event-stream" not in headers.get(b"accept", b""):
            await self._pages(scope, receive, send)
        elif scope["method"] != "GET":
            await _refuse(send, 405)
        elif not _from_us(headers):
            await _refuse(send, 403)
        else:
            await self._stream(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            match = resolve(scope["path"])
        except Resolver404:
            await _refuse(send, 404)
            return
        actor = await person_of(scope)
        if actor is None:
            # not a status: a script does not learn one, and would try again for ever
            await _serve(_leave(401), receive, send)
            return
        if follow := getattr(match.func, "follow", None):
            events = _follow(follow, actor, match.kwargs, scope)
        elif (resources := getattr(match.func, "live", None)) is not None:
            project = str(match.kwargs.get("project", ""))
            events = fragments(self._render, scope, resources, project)
        else:
            await _refuse(send, 406)
            return
        await _serve(events, receive, send)


async def _leave(status: int) -> AsyncGenerator[bytes, None]:
    """Yield what makes a page load itself anew, which leads to the sign-in."""
    yield sse.leave(status)


async def _follow(
    follow: Follow, actor: Actor, where: Mapping[str, str], scope: Scope
) -> AsyncGenerator[bytes, None]:
    """Yield a log's pieces from where the browser had it, with a sign of life between them."""
    query = _query(scope)
    # the header is the browser's own, of a connection that it has opened again by itself
    header = _headers(scope).get(b"last-event-id", b"").decode("latin-1")
    position = header or query.pop("position", "")
    yield sse.RETRY
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=64)
    reading = asyncio.ensure_future(_read(follow(actor, where, query, position), queue))
    try:
        while True:
            try:
                async with asyncio.timeout(BEAT_S):
                    piece = await queue.get()
            except TimeoutError:
                yield sse.BEAT
                continue
            if piece is None:
                return
            yield piece
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(pieces: AsyncIterator[Piece], queue: "asyncio.Queue[bytes | None]") -> None:
    try:
        async for piece in pieces:
            if piece.ends:
                await queue.put(sse.event(piece.text, name="end"))
                break
            await queue.put(sse.text(piece.text, position=piece.position))
    except PaasError as error:
        await queue.put(sse.event(str(error).replace("\n", " "), name="end"))
    await queue.put(None)


async def _serve(events: AsyncGenerator[bytes, None], receive: Receive, send: Send) -> None:
    """Send events until they end or the browser goes."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    sending = asyncio.ensure_future(_send_all(events, send))
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, gone):
            task.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)
    if not sending.cancelled() and (error := sending.exception()) is not None:
        raise error


async def _send_all(events: AsyncGenerator[bytes, None], send: Send) -> None:
    async with aclosing(events) as opened:
        async for one in opened:
            await send({"type": "http.response.body", "body": one, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: int) -> None:
    """Refuse; the browser does not try again after a status that is not 200."""
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _from_us(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether a page of this very host asks. Source: Fetch Metadata; RFC 6454 for others."""
    site = headers.get(b"sec-fetch-site")
    if site is not None and site != b"same-origin":
        return False
    origin = headers.get(b"origin")
    if origin is None:
        return site is not None
    return urlsplit(origin).netloc == headers.get(b"host", b"")


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1")))
