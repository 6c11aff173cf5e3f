"""What every controller is made from."""

from dataclasses import dataclass

from paas.apimachinery.door import Door
from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.clock import Clock, utc_now
from paas.apimachinery.engine.events import EventRecorder, EventSink
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.engine.informers import Informers
from paas.core.actors import platform_actor


@dataclass(frozen=True, slots=True)
class Context:
    """The door, the shared informers, the events and the clock of one process."""

    door: Door
    informers: Informers
    events: EventSink
    now: Clock = utc_now

    def client(self, name: str) -> Client:
        """Return the door as the controller of that name."""
        return Client(self.door, platform_actor(name))

    def recorder(self, name: str) -> EventRecorder:
        """Return the events of the controller of that name."""
        return self.events.recorder(name)

    def of(self, resource: str) -> Informer:
        """Return the shared informer of a whole resource."""
        return self.informers.of(resource)
