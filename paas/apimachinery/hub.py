"""The watch hub: one listener per process reads the change log and fans it out in memory.

Every subscriber sees every change after its resourceVersion once, in commit order. Recent changes
are kept in memory, so that most watches resume without the database. A NOTIFY only wakes the
hub: what it carries is read from the log, so a lost wake-up costs at most `SAFETY_S`. A subscriber
that fails on a change is told and dropped: the others must not wait for it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
import structlog
from psycopg import Connection, Error, OperationalError

from paas.apimachinery import sql
from paas.apimachinery.database import Database, Row
from paas.apimachinery.options import Event
from paas.apimachinery.words import expired
from paas.core.objects import ApiObject
from paas.core.selectors import FieldSelector, LabelSelector

log = structlog.get_logger(__name__)

SAFETY_S = 5.0
RECONNECT_S = 0.5
# between two reads of the log: under load one read takes many changes, and in each process
READ_EVERY_S = 0.003
BATCH = 1000
RECENT = 4096
KINDS = {"A": "ADDED", "M": "MODIFIED", "D": "DELETED"}


@dataclass(slots=True)
class Change:
    """One row of the change log. `body` is as stored; `event` opens and parses it once."""

    version: int
    kind: str
    resource: str
    namespace: str
    name: str
    labels: dict[str, str]
    fields: dict[str, str]
    old_labels: dict[str, str]
    old_fields: dict[str, str]
    body: str
    _events: dict[tuple[str, str], Event] = field(default_factory=dict)

    def seen_by(self, labels: LabelSelector, fields: FieldSelector) -> str:
        """Return what a selector sees of it: ADDED, MODIFIED, DELETED, or nothing.

        An object that comes into or leaves the selection is ADDED or DELETED.
        Source: the API concepts' watch documentation.
        """
        new = self.kind != "D" and self._matches(labels, fields, self.labels, self.fields)
        old = self.kind != "A" and self._matches(labels, fields, self.old_labels, self.old_fields)
        if new:
            return "MODIFIED" if old else "ADDED"
        return "DELETED" if old else ""

    def _matches(
        self,
        labels: LabelSelector,
        fields: FieldSelector,
        of_labels: dict[str, str],
        of_fields: dict[str, str],
    ) -> bool:
        if labels.requirements and not labels.matches(of_labels):
            return False
        if not fields.terms:
            return not labels.nothing
        place = {"metadata.name": self.name, "metadata.namespace": self.namespace}
        return fields.matches({**of_fields, **place})

    def event(
        self, kind: str, opened: Callable[[ApiObject], ApiObject] | None, form: str = ""
    ) -> Event:
        """Return the shared event of this kind; `opened` reads the body, where it must be read.

        `form` tells apart what several versions of a kind make of one body.
        """
        known = self._events.get((kind, form))
        if known is None:
            if opened is None:
                known = Event(kind, text=self.body)
            else:
                known = Event(kind, opened(orjson.loads(self.body)))
            self._events[kind, form] = known
        return known


class Sink(Protocol):
    """Takes changes in order, on the hub's thread: must return at once."""

    def __call__(self, change: Change) -> None:
        """Take one change."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscriber; `close` ends it at once, from any thread.

    `lost` is called, on the hub's thread, when the sink has failed and gets nothing any more.
    """

    resources: Sequence[str]
    after: int
    sink: Sink
    hub: "Hub"
    lost: Callable[[], None]

    def close(self) -> None:
        """Take no more changes."""
        self.hub.remove(self)

    def settled(self) -> int:
        """Return a version up to which the sink has been given everything it will get.

        It moves with the whole log, so that a watch of a quiet kind does not fall behind it.
        """
        return max(self.after, self.hub.last)


class Hub:
    """Start it once per process; `subscribe` from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Condition()
        self._recent: deque[Change] = deque(maxlen=RECENT)
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._last = 0
        self._floor = 0
        self._stopping = False
        self._on_accounts_change: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen; returns when the hub knows where the log ends."""
        if self._thread is not None:
            return
        with self._database.connection() as connection:
            row = connection.execute(sql.NEWEST).fetchone()
        self._last = self._floor = int(row[0]) if row and row[0] else 0
        self._thread = threading.Thread(target=self._run, name="watch-hub", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the listener."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        if self._thread is not None:
            with suppress(OperationalError), self._database.connection() as connection:
                connection.execute("NOTIFY minato")  # the listener sleeps until it hears something
            self._thread.join(timeout=SAFETY_S * 2)

    @property
    def alive(self) -> bool:
        """Say whether the listener runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def last(self) -> int:
        """Return the newest version that this process has seen and given to its subscribers."""
        return self._last

    def reach(self, version: int, *, timeout_s: float) -> bool:
        """Wait until every change up to `version` has been fanned out."""
        with self._lock:
            return self._lock.wait_for(lambda: self._last >= version, timeout_s)

    def subscribe(
        self,
        resources: Sequence[str],
        after: int,
        sink: Sink,
        *,
        lost: Callable[[], None] = lambda: None,
    ) -> Subscription:
        """Send `sink` every change of the resources after the version, old ones first.

        Raises ExpiredError when the log no longer reaches back so far.
        """
        subscription = Subscription(resources, after, sink, self, lost)
        done = after
        while not self._join(subscription, done):
            done = self._replay(subscription, done)
        return subscription

    def on_accounts_change(self, call: Callable[[], None]) -> None:
        """Call back, on the hub's thread, whenever a person or a token was changed."""
        self._on_accounts_change.append(call)

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription; nothing happens if it is gone."""
        with self._lock:
            for resource in subscription.resources:
                of_resource = self._subscriptions.get(resource, [])
                if subscription in of_resource:
                    of_resource.remove(subscription)

    def _join(self, subscription: Subscription, done: int) -> bool:
        """Register if memory reaches back to `done`, handing over what it has since then."""
        with self._lock:
            if done < self._floor:
                return False
            for change in self._recent:
                if change.version > done and change.resource in subscription.resources:
                    subscription.sink(change)
            subscription.after = max(done, self._last)
            for resource in subscription.resources:
                self._subscriptions.setdefault(resource, []).append(subscription)
            return True

    def _replay(self, subscription: Subscription, done: int) -> int:
        """Hand over what the log has after `done`; return up to where."""
        last = self._last
        with self._database.connection() as connection:
            rows = connection.execute(
                sql.CHANGES_OF, (done, last, list(subscription.resources))
            ).fetchall()
            # asked after the rows: had they been compacted meanwhile, this would show it
            row = connection.execute(sql.COMPACTED).fetchone()
        oldest = int(row[0]) if row else 0
        if done < oldest:
            raise expired(done, oldest)
        for one in rows:
            subscription.sink(_change(one))
        return last

    def _run(self) -> None:
        while not self._stopping:
            try:
                with self._database.connect() as connection:
                    connection.execute("LISTEN minato")
                    connection.execute("LISTEN minato_accounts")
                    self._tell_accounts()  # what came while nobody listened
                    self._listen(connection)
            except Error as error:  # whatever it is: without the hub the process is blind
                log.warning("watch_hub_reconnects", error=str(error).strip())
                with self._lock:
                    self._lock.wait_for(lambda: self._stopping, RECONNECT_S)

    def _listen(self, connection: Connection[Row]) -> None:
        while not self._stopping:
            next_at = time.monotonic() + READ_EVERY_S
            while self._read(connection) == BATCH:
                pass
            time.sleep(max(next_at - time.monotonic(), 0))
            for note in connection.notifies(timeout=SAFETY_S, stop_after=1):
                if note.channel == "minato_accounts":
                    self._tell_accounts()

    def _tell_accounts(self) -> None:
        for call in self._on_accounts_change:
            call()

    def _read(self, connection: Connection[Any]) -> int:
        rows = connection.execute(sql.CHANGES, (self._last, BATCH)).fetchall()
        if rows:
            changes = [_change(row) for row in rows]
            with self._lock:
                self._fan_out(changes)
                self._lock.notify_all()
        return len(rows)

    def _fan_out(self, changes: list[Change]) -> None:
        for change in changes:
            if len(self._recent) == RECENT:
                self._floor = self._recent[0].version
            self._recent.append(change)
            for subscription in tuple(self._subscriptions.get(change.resource, ())):
                if change.version > subscription.after:
                    self._give(subscription, change)
            self._last = change.version  # only now: whoever reads it may rely on the sinks

    def _give(self, subscription: Subscription, change: Change) -> None:
        try:
            subscription.sink(change)
        except Exception:
            log.exception("watch_sink_failed", resource=change.resource, version=change.version)
            self.remove(subscription)
            subscription.lost()


def _change(row: tuple[Any, ...]) -> Change:
    return Change(row[0], row[1], *row[2:])
