"""Watches: events as JSON lines, for as long as the client keeps up and may see them.

No thread per watcher: the hub puts events into a mailbox, the event loop empties it. Upstream lets
a watch go on when its token or right is taken away; here it ends within a minute.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import orjson

from paas.apimachinery.options import Event, WatchOptions
from paas.apimachinery.watching import END, bookmark
from paas.apiserver.calls import Call
from paas.apiserver.identity import actor_of
from paas.apiserver.mailboxes import Mailbox
from paas.apiserver.negotiation import PLAIN, Accepted, accepted_stream
from paas.apiserver.parameters import wants_initial, watch_options
from paas.apiserver.reads import OpenWatch
from paas.apiserver.responses import JSON, Receive, stream
from paas.apiserver.statuses import status_of
from paas.apiserver.tables import TableView, partial
from paas.core.errors import (
    ExpiredError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
)

Line = Callable[[Event], bytes]
_AS_IT_IS = frozenset({"ERROR"})
_LAST = frozenset({"ERROR", END.kind})


async def watch(call: Call) -> None:
    """Answer a watch until its time is over, its client goes, or it falls too far behind."""
    header = call.headers.get(b"accept")
    line = _line_of(call, accepted_stream(header) if header else PLAIN)
    options = watch_options(call.query)
    call.unbound()
    mailbox = Mailbox(asyncio.get_running_loop(), call.services.limits.watch_backlog)
    try:
        subscription = await call.services.reader.watch(
            call.actor,
            call.target,
            options,
            initial=wants_initial(call.query),
            put=mailbox.put,
        )
    except ExpiredError as error:
        await stream(call.send, _once(line(Event("ERROR", status_of(error)))), content_type=JSON)
        return
    mailbox.limit()
    lines = _Lines(call, options, mailbox, subscription, line)
    await _serve(call, lines.until_the_end(), subscription, mailbox)


async def _serve(
    call: Call, lines: AsyncIterator[bytes], subscription: OpenWatch, mailbox: Mailbox
) -> None:
    """Send the lines; stop at once when the client is gone or too slow."""
    sending = asyncio.ensure_future(stream(call.send, lines, content_type=JSON))
    gone = asyncio.ensure_future(disconnected(call.receive))
    lagging = asyncio.ensure_future(mailbox.lagging.wait())
    tasks = (sending, gone, lagging)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        subscription.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not sending.cancelled() and (error := sending.exception()) is not None:
        raise error


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _Lines:
    """What one watch sends."""

    def __init__(
        self,
        call: Call,
        options: WatchOptions,
        mailbox: Mailbox,
        subscription: OpenWatch,
        line: Line,
    ) -> None:
        self._call = call
        self._options = options
        self._mailbox = mailbox
        self._subscription = subscription
        self._line = line
        self._failed = False

    async def until_the_end(self) -> AsyncIterator[bytes]:
        """Yield the events in order, with a bookmark at each beat and one at the end."""
        clock = asyncio.get_running_loop().time
        end = clock() + (self._options.timeout_s or 0.0)
        beat_s = self._call.services.limits.watch_beat_s
        due = clock() + beat_s
        if self._options.send_initial_events:
            yield await self._marked(initial_end=True)
        while not self._failed and (now := clock()) < end:
            events = await self._mailbox.take(max(min(due, end) - now, 0))
            if events:
                yield self._text(events)
            if self._options.bookmarks and not self._failed and clock() >= min(due, end):
                yield await self._marked()
            if clock() >= due:
                due += beat_s
                self._failed = self._failed or not await self._may_go_on()

    async def _marked(self, *, initial_end: bool = False) -> bytes:
        """Return what has come, and a bookmark of how far that is."""
        version = self._subscription.settled()
        # whatever came up to that version is in the mailbox by now: it goes first
        events = await self._mailbox.take(0)
        text = self._text(events)
        if self._failed:  # a mark would lead the client past what it has not been given
            return text
        return text + self._line(bookmark(self._call.target.kind, version, initial_end=initial_end))

    def _text(self, events: list[Event]) -> bytes:
        self._failed = self._failed or any(event.kind in _LAST for event in events)
        return b"".join(self._line(event) for event in events if event is not END)

    async def _may_go_on(self) -> bool:
        """Say whether token, right and kind still hold; a client that asks again is told."""
        call = self._call
        kind = call.target.kind
        try:
            customs = call.services.door.customs
            if kind.declared_by and customs.current(kind).schema != kind.schema:
                return False
            await actor_of(call.services, call.scope)
            await call.services.reader.authorize_watch(call.actor, call.target, self._options)
        except (ForbiddenError, NotFoundError, UnauthorizedError):
            return False
        return True


async def _once(line: bytes) -> AsyncIterator[bytes]:
    yield line


def _line_of(call: Call, wanted: Accepted) -> Line:
    """Return what turns an event into its line. Raises BadRequestError."""
    if not wanted.transform:
        return _plain
    if wanted.transform != "Table":
        return lambda event: _with(event, lambda: partial(event.obj, wanted.version))
    include = call.query.text("includeObject")
    view = TableView(call.target.kind, version=wanted.version, include=include)
    now = call.services.now
    return lambda event: _with(event, lambda: view.of_event(event.obj, now()))


def _plain(event: Event) -> bytes:
    return f'{{"type":"{event.kind}","object":{event.text}}}\n'.encode()


def _with(event: Event, view: Callable[[], object]) -> bytes:
    if event.kind in _AS_IT_IS:
        return _plain(event)
    return orjson.dumps({"type": event.kind, "object": view()}, option=orjson.OPT_APPEND_NEWLINE)
