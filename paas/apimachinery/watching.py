"""A watch as an iterator for threads: controllers, the command line, tests.

The API server bridges the hub to its event loop by itself (`open_watch` with its own sink).
"""

import queue
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from paas.apimachinery.hub import Change, Hub, Subscription
from paas.apimachinery.kinds import Kind
from paas.apimachinery.options import Event, WatchOptions
from paas.core.objects import ApiObject

BOOKMARK_S = 60.0
QUEUE_MAX = 10_000

Opened = Callable[[ApiObject], ApiObject]
Select = Callable[[Change], Iterable[Event]]
"""Turns a change into the events that one watcher sees; called on the hub's thread."""


class WatchFilter:
    """Turns changes into the events that one watcher sees, or nothing."""

    def __init__(
        self,
        namespace: str,
        options: WatchOptions,
        opened: Opened | None = None,
        form: str = "",
    ) -> None:
        self._namespace = namespace
        self._options = options
        self._opened = opened
        self._form = form

    def __call__(self, change: Change) -> Sequence[Event]:
        """Return the event, or nothing where the watcher does not see the change."""
        if self._namespace and change.namespace != self._namespace:
            return ()
        kind = change.seen_by(self._options.labels, self._options.fields)
        return (change.event(kind, self._opened, self._form),) if kind else ()


class ThreadWatch:
    """An open watch that a thread iterates. A reader that falls far behind is closed."""

    def __init__(self, kind: Kind, options: WatchOptions, select: Select) -> None:
        self._kind = kind
        self._options = options
        self._select = select
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._subscription: Subscription | None = None
        self._closed = False

    def open(
        self, hub: Hub, resources: Sequence[str], after: int, initial: list[Event]
    ) -> "ThreadWatch":
        """Begin: first the initial events, then what the hub has after the version."""
        for event in initial:
            self._queue.put(event)
        if self._options.send_initial_events:
            self._queue.put(bookmark(self._kind, after, initial_end=True))
        self._subscription = hub.subscribe(resources, after, self._take, lost=self._lost)
        return self

    def close(self) -> None:
        """End the iteration, from any thread."""
        self._closed = True
        if self._subscription is not None:
            self._subscription.close()
        self._queue.put(None)

    def __iter__(self) -> Iterator[Event]:
        timeout_s = self._options.timeout_s
        deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        try:
            while not self._closed:
                event = self._next(deadline)
                if event is not None:
                    yield event
                if deadline is not None and time.monotonic() >= deadline:
                    return
        finally:
            self.close()

    def _next(self, deadline: float | None) -> Event | None:
        wait_s = BOOKMARK_S
        if deadline is not None:
            wait_s = min(wait_s, max(deadline - time.monotonic(), 0.0))
        try:
            return self._queue.get(timeout=wait_s)
        except queue.Empty:
            return self._bookmark()

    def _bookmark(self) -> Event | None:
        if not self._options.bookmarks or self._subscription is None:
            return None
        version = self._subscription.settled()
        # whatever came up to that version is in the queue by now: it goes first
        return bookmark(self._kind, version) if self._queue.empty() else None

    def _take(self, change: Change) -> None:
        for event in self._select(change):
            self._queue.put(event)
        if self._queue.qsize() > QUEUE_MAX:
            self.close()

    def _lost(self) -> None:
        self._queue.put(lost())


def lost() -> Event:
    """Return what ends a watch that could not be served any further: its client lists anew."""
    why = "Internal error occurred: the watch could not be served any further"
    return Event(
        "ERROR",
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": why,
            "reason": "InternalError",
            "code": 500,
        },
    )


def bookmark(kind: Kind, version: int, *, initial_end: bool = False) -> Event:
    """Return a BOOKMARK at a version. Source: the API concepts' watch bookmarks."""
    data: ApiObject = {"resourceVersion": str(version)}
    if initial_end:
        data["annotations"] = {"k8s.io/initial-events-end": "true"}
    return Event("BOOKMARK", {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": data})
