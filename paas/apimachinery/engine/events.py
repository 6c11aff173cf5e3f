"""Events about objects: repeats are counted, floods are bounded, and no caller ever waits or fails.

An event is a courtesy to people: one that cannot be written is dropped with a line in the log.
Source: k8s.io/client-go/tools/record (EventCorrelator) and core/v1 Event.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import structlog

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.clock import Clock, utc_now
from paas.apimachinery.engine.traces import trace_of
from paas.core.errors import NotFoundError, PaasError
from paas.core.objects import ApiObject, dig, name_of, namespace_of, timestamp, uid_of

log = structlog.get_logger(__name__)

WAITING_MAX: Final = 1000
REMEMBERED_MAX: Final = 4096
MESSAGE_MAX: Final = 1024
BURST: Final = 25
REFILL_S: Final = 300.0
SIMILAR_MAX: Final = 10
SIMILAR_WITHIN_S: Final = 600.0
COMBINED: Final = "(combined from similar events): "

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Recent(Generic[K, V]):
    """A dictionary that forgets what was used longest ago."""

    def __init__(self, make: Callable[[], V]) -> None:
        self._make = make
        self._items: OrderedDict[K, V] = OrderedDict()

    def of(self, key: K) -> V:
        if key not in self._items:
            self._items[key] = self._make()
        self._items.move_to_end(key)
        while len(self._items) > REMEMBERED_MAX:
            self._items.popitem(last=False)
        return self._items[key]


@dataclass(slots=True)
class _Bucket:
    """Tokens of one source and object: `BURST` at first, one more every `REFILL_S`."""

    tokens: float = BURST
    at: float = -1.0

    def take(self, now: float) -> bool:
        if self.at >= 0:
            self.tokens = min(BURST, self.tokens + (now - self.at) / REFILL_S)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class _Similar:
    """The different messages of one reason, lately."""

    messages: set[str] = field(default_factory=set)
    at: float = 0.0


@dataclass(slots=True)
class _Written:
    """The stored event that a repeat counts up."""

    name: str = ""
    count: int = 0
    first: str = ""


@dataclass(frozen=True, slots=True)
class _Happening:
    component: str
    host: str
    about: tuple[tuple[str, str], ...]
    kind: str
    reason: str
    message: str
    at: str

    @property
    def namespace(self) -> str:
        return dict(self.about).get("namespace") or "default"


class EventSink:
    """Writes the events of one process through one thread. Make recorders with `recorder`."""

    def __init__(
        self,
        client: Client,
        *,
        now: Clock = utc_now,
        host: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._now = now
        self._host = host
        self._clock = clock
        self._waiting: deque[_Happening] = deque()
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._buckets: _Recent[object, _Bucket] = _Recent(_Bucket)
        self._similar: _Recent[object, _Similar] = _Recent(_Similar)
        self._written: _Recent[object, _Written] = _Recent(_Written)

    def recorder(self, component: str) -> "EventRecorder":
        """Return the recorder of a component such as `deployment-controller`."""
        return EventRecorder(self, component)

    def record(
        self,
        component: str,
        obj: ApiObject,
        *,
        kind: str,
        reason: str,
        message: str,
        field_path: str = "",
    ) -> None:
        """Queue an event; when too many wait, the oldest is dropped."""
        happening = _Happening(
            component=component,
            host=self._host,
            about=_reference(obj, field_path),
            kind=kind,
            reason=reason,
            message=message.encode()[:MESSAGE_MAX].decode(errors="ignore"),
            at=timestamp(self._now()),
        )
        with self._changed:
            if len(self._waiting) >= WAITING_MAX:
                dropped = self._waiting.popleft()
                log.warning("event_dropped", reason=dropped.reason, why="too many are waiting")
            self._waiting.append(happening)
            self._changed.notify()

    def start(self) -> None:
        """Start the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="events", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Write what waits, then end; say whether that happened in time."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
            return not self._thread.is_alive()
        self.flush()
        return True

    @property
    def alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def flush(self) -> None:
        """Write what waits now, in the caller's thread."""
        while self._write_next():
            pass

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
            self.flush()
            if self._closed:
                return

    def _write_next(self) -> bool:
        """Write the oldest that waits; False when there is none, and nobody still writes one."""
        with self._writing:  # taken and written in one: what came first is written first
            happening = self._next()
            if happening is not None:
                self._write(happening)
            return happening is not None

    def _next(self) -> _Happening | None:
        with self._changed:
            return self._waiting.popleft() if self._waiting else None

    def _write(self, happening: _Happening) -> None:
        try:
            self._count(happening)
        except PaasError as error:
            log.info("event_dropped", reason=happening.reason, why=str(error))
        except Exception as error:  # noqa: BLE001 -- the thread serves every component
            log.error("event_dropped", reason=happening.reason, traceback=trace_of(error))  # noqa: TRY400 -- a trace without locals

    def _count(self, happening: _Happening) -> None:
        source = (happening.component, happening.host, happening.about)
        if not self._buckets.of(source).take(self._clock()):
            return
        message = self._combined(happening, source)
        identity = (source, happening.kind, happening.reason, message[1] or happening.message)
        written = self._written.of(identity)
        written.count += 1
        written.first = written.first or happening.at
        text = message[0]
        if written.name and self._repeat(happening, written, text):
            return
        written.name = f"{dict(happening.about)['name']}.{time.time_ns():x}"
        self._client.create(_event(happening, written, text), happening.namespace)

    def _combined(self, happening: _Happening, source: object) -> tuple[str, str]:
        """Return the message to write, and one constant for all that are combined."""
        similar = self._similar.of((source, happening.kind, happening.reason))
        now = self._clock()
        if now - similar.at > SIMILAR_WITHIN_S:
            similar.messages.clear()
        similar.at = now
        if len(similar.messages) < SIMILAR_MAX or happening.message in similar.messages:
            similar.messages.add(happening.message)
            return happening.message, ""
        return COMBINED + happening.message, COMBINED

    def _repeat(self, happening: _Happening, written: _Written, message: str) -> bool:
        body = {"count": written.count, "lastTimestamp": happening.at, "message": message}
        try:
            self._client.merge("events", written.name, happening.namespace, body=body)
        except NotFoundError:  # pruned meanwhile
            return False
        return True


class EventRecorder:
    """Tells people what a component did to an object, or why it could not."""

    def __init__(self, sink: EventSink, component: str) -> None:
        self._sink = sink
        self._component = component

    def normal(self, obj: ApiObject, reason: str, message: str, *, field_path: str = "") -> None:
        """Record that something went as it should."""
        self._record(obj, "Normal", reason, message, field_path)

    def warning(self, obj: ApiObject, reason: str, message: str, *, field_path: str = "") -> None:
        """Record that something did not."""
        self._record(obj, "Warning", reason, message, field_path)

    def _record(self, obj: ApiObject, kind: str, reason: str, message: str, path: str) -> None:
        self._sink.record(
            self._component, obj, kind=kind, reason=reason, message=message, field_path=path
        )


def _reference(obj: ApiObject, field_path: str) -> tuple[tuple[str, str], ...]:
    """Return the ObjectReference as pairs, so that it can be a key; without resourceVersion."""
    pairs = {
        "apiVersion": str(obj.get("apiVersion", "")),
        "kind": str(obj.get("kind", "")),
        "namespace": namespace_of(obj),
        "name": name_of(obj),
        "uid": uid_of(obj),
        "fieldPath": field_path,
    }
    return tuple((key, value) for key, value in pairs.items() if value)


def _event(happening: _Happening, written: _Written, message: str) -> ApiObject:
    source = {"component": happening.component}
    if happening.host:
        source["host"] = happening.host
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": written.name, "namespace": happening.namespace},
        "involvedObject": dict(happening.about),
        "type": happening.kind,
        "reason": happening.reason,
        "message": message,
        "source": source,
        "firstTimestamp": written.first,
        "lastTimestamp": happening.at,
        "count": written.count,
        "reportingComponent": happening.component,
        "reportingInstance": happening.host,
    }


def last_seen(event: ApiObject) -> str:
    """Return the newest moment an Event carries, whatever API its author used."""
    moments = (
        event.get("lastTimestamp"),
        dig(event, "series", "lastObservedTime"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        event["metadata"].get("creationTimestamp"),
    )
    return str(next((moment for moment in moments if moment), ""))
