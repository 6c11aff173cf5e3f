"""A node agent on a fake door, with a runtime and a network of the test's choice."""

import threading
import time
from typing import Any

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.apimachinery.options import DeleteOptions
from paas.core.actors import platform_actor
from paas.core.objects import ObjectKey, uid_of
from paas.orchestration.nodeagent.agent import NodeAgent, Seams
from paas.orchestration.nodeagent.hostfiles import DnsConfig
from paas.orchestration.nodeagent.place import Drain, NodePlace
from tests.fakes.door import FakeDoor
from tests.orchestration.nodeagent.pods import NAMESPACE, NODE, FakeTime

ACTOR = platform_actor("node-agent")
PATIENCE_S = 90.0


class Lab:
    """Starts and restarts an agent; the door, runtime and network outlive it."""

    def __init__(self, root, runtime, network, *, seams=None, namespace=NAMESPACE, door=None):
        self.root, self.runtime, self.network = root, runtime, network
        self.seams = seams or Seams(drain=Drain(minimum_s=0.0))
        self.door = door or FakeDoor()
        self.time = FakeTime()
        self.agent: Any = None
        self.door.create(ACTOR, namespace)

    def start(self):
        client = Client(self.door, ACTOR)
        self.manager = Manager(Informers(self.door, ACTOR))
        self.sink = EventSink(client, now=self.time)
        self.agent = NodeAgent(
            node=NodePlace(
                instance="minato0",
                node_name=NODE,
                host_ip="10.64.0.1",
                dns=DnsConfig("172.30.0.10"),
                cpu="2",
                memory_bytes=4 << 30,
            ),
            pods_root=self.root / "pods",
            client=client,
            manager=self.manager,
            runtime=self.runtime,
            network=self.network,
            events=self.sink,
            seams=self.seams,
            usage_every_s=3600.0,  # once, at the start; tests call `sample` themselves
            now=self.time,
        )
        self.agent.register()
        self.manager.start()
        self.agent.start()

    def stop(self):
        """End the agent as a crash would leave it: containers run on."""
        if self.agent is not None:
            self.agent.stop()
            ended = self.manager.stop(PATIENCE_S), self.sink.stop(PATIENCE_S)
            assert all(ended)
            self.agent = None

    def create(self, obj):
        return self.door.create(ACTOR, obj)

    def stored(self, name="web"):
        """Return the pod as it is stored; None when it is gone."""
        return Client(self.door, ACTOR).find("pods", name, "shop")

    def delete(self, name="web", grace_s=None):
        options = DeleteOptions(grace_period_s=grace_s)
        self.door.delete(ACTOR, "pods", name, "shop", options=options)

    def wake(self, name="web"):
        pod = self.stored(name)
        self.agent.wake(ObjectKey("pods", "shop", name, uid_of(pod)))

    def jump(self, seconds, name="web"):
        """Let time pass, and the agent look."""
        self.time.jump(seconds)
        self.wake(name)

    def until(self, condition, name="web"):
        """Wait until the condition holds of the stored pod; return the pod."""
        seen: list[Any] = [None]

        def holds():
            seen[0] = self.agent.pods.get("shop", name)
            return bool(seen[0] is not None and seen[0].get("status") and condition(seen[0]))

        if not self.agent.pods.wait_until(holds, PATIENCE_S):
            raise AssertionError(f"in vain: {seen[0] and seen[0].get('status')} {self.events()}")
        return seen[0]

    def until_ready(self, name="web"):
        return self.until(lambda pod: condition(pod, "Ready") == "True", name)

    def until_gone(self, name="web"):
        if not self.agent.pods.wait_until(
            lambda: self.agent.pods.get("shop", name) is None, PATIENCE_S
        ):
            raise AssertionError(f"still there: {self.stored(name)['status']} {self.events()}")

    def events(self):
        """Return (type, reason, message) of every event, in order."""
        self.sink.flush()
        found = self.door.list(ACTOR, "events").items
        found.sort(key=lambda one: int(one["metadata"]["resourceVersion"]))
        return [(one["type"], one["reason"], one["message"]) for one in found]

    def reasons(self):
        return [reason for _, reason, _ in self.events()]


def eventually(holds):
    """Wait for something outside the store that announces itself to nobody."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        if holds():
            return
        threading.Event().wait(0.02)
    assert holds(), "in vain"


def condition(pod, kind):
    """Return a condition's status, or an empty string."""
    for one in (pod.get("status") or {}).get("conditions") or ():
        if one["type"] == kind:
            return one["status"]
    return ""


def state_of(pod, name="web"):
    """Return (state's name, its body) of a container."""
    status = pod.get("status") or {}
    for one in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        if one["name"] == name:
            ((kind, body),) = one["state"].items()
            return kind, body
    return "", {}


def status_of(pod, name="web"):
    """Return a container's status."""
    return next(one for one in pod["status"]["containerStatuses"] if one["name"] == name)


def waits_for(reason, name="web"):
    """Return a condition: the container waits for this reason."""
    return lambda pod: state_of(pod, name)[1].get("reason") == reason
