"""DaemonSets for tests: the real door, scheduler and controller, and nodes of the test's choice."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from paas.apimachinery.door import Door
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.engine.manager import Manager
from paas.apimachinery.options import Patch
from paas.core.errors import NotFoundError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    labels_of,
    name_of,
    uid_of,
)
from paas.orchestration.controllers.daemonset.controller import DaemonSets
from paas.orchestration.controllers.garbage.collector import GarbageCollector
from paas.orchestration.controllers.scheduler.controller import Scheduler
from tests.fakes.controllers import controllers_running, is_at_rest, manager_running
from tests.images.people import ADMIN
from tests.orchestration.controllers.jobs import Clock, Program, ProgramNode, eventually
from tests.orchestration.controllers.world import node_object

DAEMON_SETS, REVISIONS = "daemonsets.apps", "controllerrevisions.apps"
HASH = "controller-revision-hash"


class BoundNode(ProgramNode):
    """Runs what the scheduler has bound."""

    def reconcile(self, key: ObjectKey) -> None:
        pod = self._pods.find(key)
        if pod is not None and pod["spec"].get("nodeName"):
            super().reconcile(key)


def add_node(door: Door, name: str, *, labels: dict[str, str] | None = None, **spec: Any) -> None:
    """Add a node that is ready."""
    obj = node_object()
    named = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
    made = door.create(ADMIN, {**obj, "metadata": named, "spec": spec})
    door.update(ADMIN, {**made, "status": obj["status"]}, subresource="status")


def is_rolled_out(door: Door, name: str, nodes: int) -> bool:
    """Say whether what `kubectl rollout status` waits for is there."""
    found = door.get(ADMIN, DAEMON_SETS, name, "shop")
    status = found["status"]
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    counts = ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    return seen and all(status.get(field) == nodes for field in counts)


@contextmanager
def with_nodes(door: Door, names: Iterable[str]) -> Iterator[None]:
    """Run the scheduler and these nodes, on which every program runs for ever."""
    for name in names:
        add_node(door, name)

    def make(context: Context) -> list[Controller]:
        node = BoundNode(context, lambda: lambda _pod: None)
        return [
            Scheduler(context).controller(),
            GarbageCollector(context).controller(),
            node.controller(),
        ]

    with controllers_running(door, ADMIN, make):
        yield


class World:
    """What the controllers make of DaemonSets."""

    manager: Manager

    def __init__(self, context: Context, clock: Clock) -> None:
        self.door, self.clock = context.door, clock
        self.sets, self.pods = context.of(DAEMON_SETS), context.of("pods")
        self.revisions, self.events = context.of(REVISIONS), context.of("events")
        self.program: Program = lambda _pod: None

    def node(self, name: str, *, labels: dict[str, str] | None = None, **spec: Any) -> None:
        """Add a node that is ready."""
        add_node(self.door, name, labels=labels, **spec)

    def change(self, body: ApiObject, resource: str = DAEMON_SETS, name: str = "web") -> ApiObject:
        namespace = "" if resource == "nodes" else "shop"
        return self.door.patch(ADMIN, resource, name, namespace, patch=Patch("merge", body))

    def set_image(self, image: str) -> ApiObject:
        containers = [{"name": "web", "image": image}]
        return self.change({"spec": {"template": {"spec": {"containers": containers}}}})

    def found(self) -> ApiObject:
        return self.door.get(ADMIN, DAEMON_SETS, "web", "shop")

    def own_pods(self) -> list[ApiObject]:
        """Return its pods that are not going away, by node."""
        pods = self.pods.controlled_by(uid_of(self.found()))
        there = [pod for pod in pods if not is_deleting(pod)]
        return sorted(there, key=lambda pod: pod["spec"].get("nodeName", ""))

    def places(self) -> list[str]:
        return [pod["spec"].get("nodeName", "") for pod in self.own_pods()]

    def images(self) -> list[str]:
        return [pod["spec"]["containers"][0]["image"] for pod in self.own_pods()]

    def history(self) -> list[ApiObject]:
        own = self.revisions.controlled_by(uid_of(self.found()))
        return sorted(own, key=lambda one: one["revision"])

    def until(self, holds: Callable[[], object]) -> None:
        if not eventually(holds):
            raise AssertionError(f"in vain: {self.found().get('status')} {self.places()}")

    def rest(self) -> None:
        """Wait until all that was written is answered."""
        self.until(lambda: is_at_rest(self.door, ADMIN, self.manager))

    def until_status(self, **wanted: int) -> ApiObject:
        self.until(lambda: wanted.items() <= self.found()["status"].items())
        return dict(self.found()["status"])

    def until_rolled_out(self, nodes: int) -> None:
        """Wait as `kubectl rollout status` does."""
        self.until(lambda: is_rolled_out(self.door, "web", nodes))

    def words(self, reason: str) -> list[str]:
        return [one["message"] for one in self.events.list("shop") if one["reason"] == reason]

    def hashes(self) -> set[str]:
        return {labels_of(pod)[HASH] for pod in self.own_pods()}

    def poke(self) -> None:
        """Have the controllers look at every DaemonSet, and the node at every pod."""
        for resource, informer in ((DAEMON_SETS, self.sets), ("pods", self.pods)):
            for obj in informer.list("shop"):
                mark = {"metadata": {"annotations": {"poked": str(self.clock())}}}
                with suppress(NotFoundError):
                    self.change(mark, resource, name_of(obj))


@contextmanager
def daemon_world(door: Door) -> Iterator[World]:
    """Run the controllers of DaemonSets, the scheduler, the garbage collector and nodes."""
    clock = Clock()
    found: list[World] = []

    def make(context: Context) -> list[Controller]:
        found.append(World(context, clock))
        node = BoundNode(context, lambda: found[0].program)
        return [
            DaemonSets(context).controller(),
            Scheduler(context).controller(),
            GarbageCollector(context).controller(),
            node.controller(),
        ]

    with manager_running(door, ADMIN, make, now=clock) as (_, manager):
        found[0].manager = manager
        yield found[0]


def daemon_set(
    *, image: str = "web:1", pod: dict[str, Any] | None = None, **spec: Any
) -> ApiObject:
    """Return a DaemonSet; `pod` are more fields of its pods' specs."""
    containers = [{"name": "web", "image": image}]
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": containers, **(pod or {})},
            },
            **spec,
        },
    }
