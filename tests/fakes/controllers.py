"""Controllers that run against a door of the test's choice, and what they are watched by."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from paas.apimachinery.door import Door
from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.clock import Clock, utc_now
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.core.actors import Actor

PATIENCE_S = 60.0


@contextmanager
def controllers_running(
    door: Door,
    actor: Actor,
    make: Callable[[Context], Iterable[Controller]],
    *,
    now: Clock = utc_now,
) -> Iterator[Context]:
    """Run what `make` returns for a context; it asks the context for what else is to be read."""
    informers = Informers(door, actor)
    manager, sink = Manager(informers), EventSink(Client(door, actor))
    context = Context(door, informers, sink, now)
    for one in make(context):
        manager.add(one)
    sink.start()
    manager.start()
    yield context
    assert manager.stop(PATIENCE_S)
    assert sink.stop(PATIENCE_S)
