"""Controllers that run against a door of the test's choice, and what they are watched by."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from paas.apimachinery.door import Door
from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.clock import Clock, utc_now
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.apimachinery.engine.queue import WorkQueue
from paas.core.actors import Actor
from paas.core.objects import ApiObject, name_of, namespace_of

PATIENCE_S = 60.0
_SOON_S = 1.0


@contextmanager
def controllers_running(
    door: Door,
    actor: Actor,
    make: Callable[[Context], Iterable[Controller]],
    *,
    now: Clock = utc_now,
) -> Iterator[Context]:
    """Run what `make` returns for a context; it asks the context for what else is to be read."""
    with manager_running(door, actor, make, now=now) as (context, _):
        yield context


@contextmanager
def manager_running(
    door: Door,
    actor: Actor,
    make: Callable[[Context], Iterable[Controller]],
    *,
    now: Clock = utc_now,
) -> Iterator[tuple[Context, Manager]]:
    """Run the same; yield also what runs it, for who wants to know when it rests."""
    informers = Informers(door, actor)
    manager, sink = Manager(informers), EventSink(Client(door, actor))
    context = Context(door, informers, sink, now)
    for one in make(context):
        manager.add(one)
    sink.start()
    manager.start()
    try:
        yield context, manager
    finally:  # also of a test that failed: no thread of it may live on among the next ones
        ended = manager.stop(PATIENCE_S), sink.stop(PATIENCE_S)
    assert all(ended)


def is_at_rest(door: Door, actor: Actor, manager: Manager) -> bool:
    """Say whether every copy is as the store is, and nobody works or is about to.

    Whatever a controller does after that is an answer to a later write or to the clock.
    """
    copies = manager.informers.all()
    return all(_is_fresh(door, actor, one) for one in copies) and not any(
        _is_busy(loop.queue) for loop in manager._loops
    )


def _is_fresh(door: Door, actor: Actor, copy: Informer) -> bool:
    stored = _versions(door.list(actor, copy.resource).items)
    newest = max((int(version) for version in stored.values()), default=0)
    return stored == _versions(copy.list()) and copy.has_seen(str(newest))


def _versions(objects: Iterable[ApiObject]) -> dict[tuple[str, str], str]:
    return {
        (namespace_of(one), name_of(one)): one["metadata"]["resourceVersion"] for one in objects
    }


def _is_busy(queue: WorkQueue) -> bool:
    with queue._changed:
        soon = queue._clock() + _SOON_S
        return bool(queue._dirty or queue._working) or min(queue._due.values(), default=soon) < soon
