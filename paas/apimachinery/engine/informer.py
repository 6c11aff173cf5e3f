"""A shared, indexed copy of one resource, kept true by a list and a watch.

Objects in it are shared and never changed by anyone. Handlers only enqueue keys: they run in the
informer's one thread. Whether a copy has caught up with a write is asked with `has_seen`.
Source: k8s.io/client-go/tools/cache.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from paas.apimachinery.door import Door, Watch
from paas.apimachinery.engine.queue import Backoff
from paas.apimachinery.engine.traces import trace_of
from paas.apimachinery.options import Event, ListOptions, WatchOptions
from paas.core.actors import Actor
from paas.core.errors import ExpiredError, NotFoundError, ServiceUnavailableError
from paas.core.objects import ApiObject, ObjectKey, controller_of, name_of, namespace_of, uid_of
from paas.core.selectors import ANY_FIELD, EVERYTHING, FieldSelector, LabelSelector

log = structlog.get_logger(__name__)

Handler = Callable[[ApiObject | None, ApiObject | None], None]
"""Called with the old and the new object; old is None for a new one, new for one that is gone."""

Objects = list[ApiObject]
Values = list[str]
IndexFunction = Callable[[ApiObject], Iterable[str]]
Transform = Callable[[ApiObject], ApiObject]

BY_NAMESPACE: Final = "namespace"
BY_CONTROLLER: Final = "controller"
_GONE = 410
_RETRY = Backoff(base_s=0.05, max_s=10.0)
_BREATH_S = 0.02  # a watch that ends as soon as it opens must not spin


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a resource an informer holds; by default all."""

    labels: LabelSelector = EVERYTHING
    fields: FieldSelector = ANY_FIELD


def _by_namespace(obj: ApiObject) -> Iterable[str]:
    return (namespace_of(obj),)


def _by_controller(obj: ApiObject) -> Iterable[str]:
    owner = controller_of(obj)
    return (owner["uid"],) if owner else ()


def _version(obj: ApiObject) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))


class Informer:
    """Lists and watches one resource as `actor`; one thread, started by `start`."""

    def __init__(
        self,
        door: Door,
        actor: Actor,
        resource: str,
        *,
        selection: Selection | None = None,
        transform: Transform | None = None,
    ) -> None:
        self.resource = resource
        self.synced = threading.Event()
        self.transform = transform
        self._door = door
        self._actor = actor
        self._selection = selection or Selection()
        self._changed = threading.Condition()
        self._objects: dict[tuple[str, str], ApiObject] = {}
        self._index_functions: dict[str, IndexFunction] = {
            BY_NAMESPACE: _by_namespace,
            BY_CONTROLLER: _by_controller,
        }
        self._indexes: dict[str, dict[str, set[tuple[str, str]]]] = {
            name: {} for name in self._index_functions
        }
        self._handlers: list[Handler] = []
        self._resume_from = ""
        self._high_water = 0
        self._stopping = threading.Event()
        self._watch: Watch | None = None
        self._thread: threading.Thread | None = None
        self._failures = 0
        self.last_progress = time.monotonic()

    # -- reading -----------------------------------------------------------------------------

    def get(self, namespace: str, name: str) -> ApiObject | None:
        """Return the object of this name, whatever its uid."""
        return self._objects.get((namespace, name))

    def find(self, key: ObjectKey) -> ApiObject | None:
        """Return the object that the key addresses; None for a new object of an old name."""
        found = self._objects.get((key.namespace, key.name))
        return found if found and key.uid in {"", uid_of(found)} else None

    def list(self, namespace: str = "") -> Objects:
        """Return all objects, or those of a namespace, in no order."""
        if namespace:
            return self.by_index(BY_NAMESPACE, namespace)
        with self._changed:
            return list(self._objects.values())

    def by_index(self, index: str, value: str) -> Objects:
        """Return the objects for which the index function yields `value`, in no order."""
        with self._changed:
            places = self._indexes[index].get(value, ())
            return [self._objects[place] for place in places]

    def controlled_by(self, uid: str) -> Objects:
        """Return the objects whose controller reference names this uid."""
        return self.by_index(BY_CONTROLLER, uid)

    def index_values(self, index: str) -> Values:
        """Return every value that some object has in the index."""
        with self._changed:
            return list(self._indexes[index])

    # -- shaping -----------------------------------------------------------------------------

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Keep an index of that name; the function must be pure. Adding it again does nothing."""
        with self._changed:
            if name in self._index_functions:
                return
            self._index_functions[name] = function
            self._indexes[name] = {}
            for place, obj in self._objects.items():
                self._index(name, place, obj)

    def add_handler(self, handler: Handler) -> None:
        """Call `handler` at every change, and now for every object that is here already."""
        with self._changed:
            self._handlers.append(handler)
            present = list(self._objects.values())
        for obj in present:
            handler(None, obj)

    # -- knowing how fresh it is -------------------------------------------------------------

    def has_seen(self, resource_version: str) -> bool:
        """Say whether the copy is at least as new as a write that returned this version."""
        return not resource_version.isdigit() or self._high_water >= int(resource_version)

    def has_seen_deletion(self, key: ObjectKey) -> bool:
        """Say whether the object is gone from the copy, or marked for deletion in it."""
        found = self.find(key)
        return found is None or bool(found["metadata"].get("deletionTimestamp"))

    def wait_until(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until the condition holds after some change; False when stopped or too late."""
        with self._changed:
            self._changed.wait_for(
                lambda: condition() or self._stopping.is_set(), timeout=timeout_s
            )
            return condition()

    def wait_synced(self, timeout_s: float | None = None) -> bool:
        """Wait until the first list is here; False when stopped or too late."""
        return self.wait_until(self.synced.is_set, timeout_s)

    # -- running -----------------------------------------------------------------------------

    @property
    def started(self) -> bool:
        """Say whether `start` was called."""
        return self._thread is not None

    @property
    def alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def failures(self) -> int:
        """Return how often in a row listing or watching has failed."""
        return self._failures

    def start(self) -> None:
        """Start the thread; nothing happens the second time."""
        if self._thread is None:
            name = f"informer-{self.resource}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; `join` waits for it."""
        with self._changed:
            self._stopping.set()
            watch = self._watch
            self._changed.notify_all()
        if watch is not None:
            watch.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end and say whether it came."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.alive

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
                self._stopping.wait(_BREATH_S)
            except ExpiredError:
                self._resume_from = ""
            except NotFoundError:  # a custom resource whose definition is gone, and all of its own
                self._clear()
                return
            except Exception as error:  # noqa: BLE001 -- the engine's edge: a loop never dies
                self._pause(error)

    def _clear(self) -> None:
        """Let go of everything: nothing of the resource is left."""
        for place in list(self._objects):
            self._replace(place, None)
        with self._changed:
            self.synced.set()
            self._changed.notify_all()

    def _pause(self, error: Exception) -> None:
        if self._stopping.is_set():
            return
        self._failures += 1
        delay_s = _RETRY.delay_s(self._failures)
        log.warning(
            "informer_failed",
            resource=self.resource,
            error=str(error),
            failures=self._failures,
            delay_s=delay_s,
        )
        self._stopping.wait(delay_s)

    def _follow(self) -> None:
        if not self._resume_from:
            self._relist()
        watch = self._open()
        try:
            for event in watch:
                self._receive(event)
        finally:
            with self._changed:
                self._watch = None
            watch.close()

    def _open(self) -> Watch:
        watch = self._door.watch(
            self._actor,
            self.resource,
            options=WatchOptions(
                labels=self._selection.labels,
                fields=self._selection.fields,
                resource_version=self._resume_from,
                bookmarks=True,
            ),
        )
        with self._changed:
            self._watch = watch
            stopped = self._stopping.is_set()
        if stopped:  # stop() came between the loop's test and here and has closed nothing
            watch.close()
        return watch

    def _receive(self, event: Event) -> None:
        if event.kind == "ERROR":
            message = str(event.obj.get("message", "the watch ended with an error"))
            if event.obj.get("code") == _GONE:
                raise ExpiredError(message)
            raise ServiceUnavailableError(message)
        self._failures = 0
        self.last_progress = time.monotonic()
        if event.kind == "BOOKMARK":
            self._advance(_version(event.obj))
            return
        place = (namespace_of(event.obj), name_of(event.obj))
        self._replace(place, None if event.kind == "DELETED" else event.obj)
        self._advance(_version(event.obj))

    def _relist(self) -> None:
        options = ListOptions(labels=self._selection.labels, fields=self._selection.fields)
        page = self._door.list(self._actor, self.resource, options=options)
        fresh = {(namespace_of(obj), name_of(obj)): obj for obj in page.items}
        for place in [place for place in list(self._objects) if place not in fresh]:
            self._replace(place, None)
        for place, obj in fresh.items():
            self._replace(place, obj)
        self._failures = 0
        self.last_progress = time.monotonic()
        self._advance(page.resource_version)
        with self._changed:
            self.synced.set()
            self._changed.notify_all()

    def _replace(self, place: tuple[str, str], new: ApiObject | None) -> None:
        if new is not None:
            new = (self.transform or unmanaged)(new)
        old = self._objects.get(place)
        if old is not None and new is not None and uid_of(old) != uid_of(new):
            self._store(place, old, None)
            self._store(place, None, new)
        elif old is not None or new is not None:
            if old is not None and new is not None and _version(old) == _version(new):
                return
            self._store(place, old, new)

    def _store(self, place: tuple[str, str], old: ApiObject | None, new: ApiObject | None) -> None:
        with self._changed:
            if old is not None:
                self._unindex(place, old)
            if new is None:
                del self._objects[place]
            else:  # in place: who reads without the lock must never find a changed object gone
                self._objects[place] = new
                for name in self._index_functions:
                    self._index(name, place, new)
            handlers = tuple(self._handlers)
        for handler in handlers:
            try:
                handler(old, new)
            except Exception as error:  # noqa: BLE001 -- one bad handler must not starve the rest
                log.error("handler_failed", resource=self.resource, traceback=trace_of(error))  # noqa: TRY400 -- a trace without locals

    def _advance(self, resource_version: str) -> None:
        with self._changed:
            self._resume_from = resource_version or self._resume_from
            if resource_version.isdigit():
                self._high_water = max(self._high_water, int(resource_version))
            self._changed.notify_all()

    def _index(self, name: str, place: tuple[str, str], obj: ApiObject) -> None:
        for value in self._index_functions[name](obj):
            self._indexes[name].setdefault(value, set()).add(place)

    def _unindex(self, place: tuple[str, str], obj: ApiObject) -> None:
        for name, function in self._index_functions.items():
            index = self._indexes[name]
            for value in function(obj):
                places = index.get(value, set())
                places.discard(place)
                if not places:
                    index.pop(value, None)


def unmanaged(obj: ApiObject) -> ApiObject:
    """Leave out managedFields, which no controller reads: they are a third of a small object.

    An update that does not mention them leaves them as they are.
    """
    metadata: Mapping[str, object] = obj["metadata"]
    if "managedFields" not in metadata:
        return obj
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    return {**obj, "metadata": kept}


def metadata_only(obj: ApiObject) -> ApiObject:
    """Keep what garbage collection needs: a transform for informers of everything."""
    kept = unmanaged(obj)["metadata"]
    # one object without its type must not stop the informer, and with it everybody's collector
    trimmed: ApiObject = {key: obj[key] for key in ("apiVersion", "kind") if key in obj}
    trimmed["metadata"] = kept
    return trimmed
