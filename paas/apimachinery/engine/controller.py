"""What a controller is: a name, sources of keys and a `reconcile`. It never loops or sleeps."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.engine.queue import Backoff
from paas.core.objects import ApiObject, ObjectKey, controller_of, name_of, namespace_of, uid_of

KeyFunction = Callable[[ApiObject], Iterable[ObjectKey]]
Reconcile = Callable[[ObjectKey], float | None]
"""Move one object one step nearer its spec. Returns seconds until the next look, or None.

Raises RetryLaterError to be called again after its delay, TerminalError to be left alone until
the next event; on anything else the engine backs off.
"""


def _always(_old: ApiObject, _new: ApiObject) -> bool:
    return True


def comes_or_goes(_old: ApiObject, _new: ApiObject) -> bool:
    """Say that no update matters: for sources that only announce new and deleted objects."""
    return False


@dataclass(frozen=True, slots=True)
class Source:
    """Where keys come from: every change of an object that `informer` sees asks `keys`.

    An update asks for the old and the new object, and only if `matters` says so.
    """

    informer: Informer
    keys: KeyFunction
    matters: Callable[[ApiObject, ApiObject], bool] = _always

    def keys_of(self, old: ApiObject | None, new: ApiObject | None) -> set[ObjectKey]:
        """Return the keys that a change concerns."""
        if old is not None and new is not None and not self.matters(old, new):
            return set()
        return {key for obj in (old, new) if obj is not None for key in self.keys(obj)}


class LateSources:
    """Sources that come while the controller runs; what ends is left to its informer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Source] = []
        self._attach: Callable[[Source], None] | None = None

    def add(self, source: Source) -> None:
        """Feed the controller from a source, from now on; at its start if it does not run yet."""
        with self._lock:
            attach = self._attach
            if attach is None:
                self._waiting.append(source)
                return
        attach(source)

    def bind(self, attach: Callable[[Source], None]) -> None:
        """Name what takes the sources: the controller's loop."""
        with self._lock:
            self._attach, waiting = attach, tuple(self._waiting)
            self._waiting.clear()
        for source in waiting:
            attach(source)


@dataclass(frozen=True, slots=True)
class Controller:
    """One loop's declaration.

    `reads` are informers that must be in sync before the first reconcile, besides the sources'.
    `first_keys` are queued at the start (for work that no object's change announces).
    `late` brings sources that are not there yet.
    """

    name: str
    reconcile: Reconcile
    sources: Sequence[Source] = ()
    reads: Sequence[Informer] = ()
    workers: int = 1
    backoff: Backoff = field(default_factory=Backoff)
    first_keys: Sequence[ObjectKey] = ()
    late: LateSources | None = None

    @property
    def needs(self) -> list[Informer]:
        """Return every informer that must be in sync before the first reconcile."""
        return list({id(one): one for one in (*self.reads, *self._watched())}.values())

    def _watched(self) -> list[Informer]:
        return [source.informer for source in self.sources]


def key_of(obj: ApiObject, resource: str) -> ObjectKey:
    """Return the key of one life of an object."""
    return ObjectKey(resource, namespace_of(obj), name_of(obj), uid_of(obj))


def itself(resource: str) -> KeyFunction:
    """Return the key function of a controller's own resource."""
    return lambda obj: (key_of(obj, resource),)


def its_controller(resource: str, kind: str) -> KeyFunction:
    """Return the key function that names an object's controlling owner, if it is of `kind`."""

    def keys(obj: ApiObject) -> Iterable[ObjectKey]:
        owner = controller_of(obj)
        if owner is None or owner["kind"] != kind:
            return ()
        return (ObjectKey(resource, namespace_of(obj), owner["name"], owner["uid"]),)

    return keys
