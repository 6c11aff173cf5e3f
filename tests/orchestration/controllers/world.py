"""A small cluster for controllers' tests: a door, a node that runs pods, and an observer."""

import threading
import time
from collections.abc import Callable

from paas.apimachinery.door import Door
from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.apimachinery.engine.queue import Backoff
from paas.apimachinery.options import DeleteOptions
from paas.core.actors import platform_actor
from paas.core.conditions import set_condition
from paas.core.errors import ServiceUnavailableError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from tests.fakes.door import FakeDoor

ACTOR = platform_actor("test")
BOUND_S = 60
NODE = "node"
BROKEN_DIGEST = "b" * 64


def node_object(*, cpu: str = "4", memory: str = "8Gi", pods: str = "110") -> ApiObject:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def deployment_object(
    name: str = "web", *, replicas: int = 3, image: str = "web:1", namespace: str = "shop", **spec
) -> ApiObject:
    annotations = spec.pop("annotations", {})
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": image}]},
            },
            **spec,
        },
    }


class FakeNode:
    """Makes every bound pod ready, and lets deleted pods go.

    Not ready is a pod whose image ends in `broken` or BROKEN_DIGEST.
    `hold` keeps pods from becoming ready until it is cleared.
    """

    def __init__(self, context: Context) -> None:
        self._client = context.client("node")
        self._pods = context.of("pods")
        self._now = context.now

    def controller(self) -> Controller:
        backoff = Backoff(base_s=0.001, max_s=0.05)
        return Controller(
            "node", self.reconcile, [Source(self._pods, itself("pods"))], backoff=backoff
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        pod = self._pods.find(key)
        if pod is None or not pod["spec"].get("nodeName"):
            return None
        if is_deleting(pod):
            options = DeleteOptions(grace_period_s=0, uid=uid_of(pod))
            self._client.delete("pods", name_of(pod), namespace_of(pod), options=options)
            return None
        wanted = status_of_pod(pod, now=self._now())
        if wanted != pod.get("status"):
            self._client.update_status({**pod, "status": wanted})
        return None


def crashes(pods):
    """Return the pods whose containers are in CrashLoopBackOff."""
    return [
        pod
        for pod in pods
        for container in (pod.get("status") or {}).get("containerStatuses") or ()
        if "waiting" in container["state"]
    ]


def status_of_pod(pod, *, now):
    """Return what the node says of a pod: ready, or in CrashLoopBackOff."""
    container = pod["spec"]["containers"][0]
    broken = container["image"].endswith(("broken", BROKEN_DIGEST))
    old = pod.get("status") or {}
    status = {**old, "phase": "Running", "conditions": list(old.get("conditions") or ())}
    status.setdefault("startTime", timestamp(now))
    set_condition(
        status,
        kind="Ready",
        value=not broken,
        reason="ContainersNotReady" if broken else "",
        message="containers with unready status: [web]" if broken else "",
        now=now,
    )
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}
    state = {"waiting": waiting} if broken else {"running": {}}
    last = {"terminated": {"exitCode": 3, "reason": "Error"}} if broken else {}
    status["containerStatuses"] = [
        {"name": container["name"], "ready": not broken, "state": state, "lastState": last}
    ]
    return status


class MortalDoor(FakeDoor):
    """The same door as `inner`, that dies after so many writes: nothing works any more."""

    def __init__(self, inner: Door, writes: int, on_death: Callable[[], None]) -> None:
        self.scheme = inner.scheme
        self._on_death = on_death
        self._inner = inner
        self._left = writes
        self._dying = threading.Lock()
        self.dead = threading.Event()

    def _write(self, act):
        with self._dying:
            if self._left > 0:
                self._left -= 1
                return act()
            self.dead.set()
        self._on_death()
        raise ServiceUnavailableError("the process is dead")

    def get(self, *args, **kwargs):
        return self._inner.get(*args, **kwargs)

    def list(self, *args, **kwargs):
        return self._inner.list(*args, **kwargs)

    def watch(self, *args, **kwargs):
        return self._inner.watch(*args, **kwargs)

    def create(self, actor, obj, *args, **kwargs):
        if obj["kind"] == "Event":  # a courtesy: nothing depends on it
            return self._inner.create(actor, obj, *args, **kwargs)
        return self._write(lambda: self._inner.create(actor, obj, *args, **kwargs))

    def update(self, *args, **kwargs):
        return self._write(lambda: self._inner.update(*args, **kwargs))

    def patch(self, *args, **kwargs):
        return self._write(lambda: self._inner.patch(*args, **kwargs))

    def delete(self, *args, **kwargs):
        return self._write(lambda: self._inner.delete(*args, **kwargs))

    def connect(self, *args, **kwargs):
        return self._write(lambda: self._inner.connect(*args, **kwargs))


class Observer:
    """Watches resources and waits until what they show satisfies a test."""

    def __init__(self, door: Door, resources: tuple[str, ...]) -> None:
        self._informers = Informers(door, ACTOR)
        self._changed = threading.Condition()
        self._all = {resource: self._informers.of(resource) for resource in resources}
        for informer in self._all.values():
            informer.add_handler(self._notify)
        self._informers.start()
        assert self._informers.wait_synced(BOUND_S)

    def _notify(self, _old, _new) -> None:
        self.poke()

    def poke(self) -> None:
        """Make `wait` look again."""
        with self._changed:
            self._changed.notify_all()

    def all(self, resource: str, namespace: str = "") -> list[ApiObject]:
        return self._all[resource].list(namespace)

    def get(self, resource: str, name: str, namespace: str = "shop") -> ApiObject | None:
        return self._all[resource].get(namespace, name)

    def wait(self, condition: Callable[[], object], *, timeout_s: float = BOUND_S) -> bool:
        """Wait until the condition holds, looking at every change."""
        give_up = time.monotonic() + timeout_s
        with self._changed:
            return self._changed.wait_for(
                lambda: bool(condition()), timeout=max(0.0, give_up - time.monotonic())
            )

    def stop(self) -> None:
        assert self._informers.stop(BOUND_S)


class World:
    """A door with a node, and processes of controllers that come and go."""

    def __init__(self, make, *, door: Door | None = None, now=None, resources=()) -> None:
        self.door = door or FakeDoor()
        self._make = make
        self._now = now
        self._running: list[tuple[Manager, EventSink]] = []
        watched = ("deployments.apps", "replicasets.apps", "pods", "events", "nodes", *resources)
        self.seen = Observer(self.door, watched)

    def context(self, door: Door) -> Context:
        informers = Informers(door, platform_actor("orchestrator"))
        sink = EventSink(Client(door, platform_actor("events")))
        more = {"now": self._now} if self._now else {}
        return Context(door, informers, sink, **more)

    def start(self, door: Door | None = None, make=None) -> Manager:
        """Start one process with its own informers."""
        context = self.context(door or self.door)
        manager = Manager(context.informers)
        for controller in (make or self._make)(context):
            manager.add(controller)
        context.events.start()
        manager.start()
        self._running.append((manager, context.events))
        return manager

    def start_node(self) -> Manager:
        """Start the fake node agent in a process of its own."""
        return self.start(make=lambda context: [FakeNode(context).controller()])

    def stop(self, manager: Manager) -> None:
        for running in list(self._running):
            if running[0] is manager:
                self._running.remove(running)
                ended = manager.stop(BOUND_S), running[1].stop(BOUND_S)
                assert all(ended)

    def close(self) -> None:
        for manager, _ in list(self._running):
            self.stop(manager)
        self.seen.stop()

    # -- what tests ask ------------------------------------------------------------------------

    def apply(self, obj: ApiObject) -> ApiObject:
        return self.door.create(ACTOR, obj)

    def change(self, resource: str, name: str, body, namespace: str = "shop") -> ApiObject:
        return Client(self.door, ACTOR).merge(resource, name, namespace, body=body)

    def set_image(self, image: str, name: str = "web") -> ApiObject:
        containers = [{"name": "web", "image": image}]
        template = {"spec": {"containers": containers}}
        return self.change("deployments.apps", name, {"spec": {"template": template}})

    def event_messages(self, reason: str) -> list[str]:
        return [event["message"] for event in self.seen.all("events") if event["reason"] == reason]
