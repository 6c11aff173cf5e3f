"""StatefulSets for tests: the real door, scheduler and controllers, a node, disks in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from paas.apimachinery.door import Door
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.options import Patch
from paas.core.errors import NotFoundError
from paas.core.objects import ApiObject, ObjectKey, is_deleting, labels_of, name_of, uid_of
from paas.core.volumes import CLAIMS
from paas.orchestration.controllers.garbage.collector import GarbageCollector
from paas.orchestration.controllers.scheduler.controller import Scheduler
from paas.orchestration.controllers.statefulset.controller import StatefulSets
from paas.orchestration.controllers.statefulset.identity import ordinal_of
from tests.fakes.controllers import controllers_running
from tests.fakes.disks import FakeDisks
from tests.images.people import ADMIN
from tests.orchestration.controllers.daemons import BoundNode, add_node
from tests.orchestration.controllers.jobs import eventually
from tests.orchestration.controllers.storage import NODE, storage_controllers

SETS, REVISIONS = "statefulsets.apps", "controllerrevisions.apps"
HASH = "controller-revision-hash"


class PickyNode(BoundNode):
    """Runs every pod but those of an image `broken`, which never become ready."""

    def reconcile(self, key: ObjectKey) -> None:
        pod = self._pods.find(key)
        runs = pod is None or pod["spec"]["containers"][0]["image"] != "broken"
        if runs or is_deleting(pod or {}):
            super().reconcile(key)


def surroundings(context: Context, disks: FakeDisks) -> list[Controller]:
    """Return everything but the controller of StatefulSets."""
    node = PickyNode(context, lambda: lambda _pod: None)
    return [
        *storage_controllers(context, disks),
        Scheduler(context).controller(),
        GarbageCollector(context).controller(),
        node.controller(),
    ]


@contextmanager
def with_node(door: Door, disks: FakeDisks) -> Iterator[None]:
    """Run the surroundings, which outlive the controller of StatefulSets."""
    add_node(door, NODE)
    with controllers_running(door, ADMIN, lambda context: surroundings(context, disks)):
        yield


class World:
    """What the controllers make of StatefulSets."""

    def __init__(self, context: Context, disks: FakeDisks) -> None:
        self.door, self.disks = context.door, disks
        self.sets, self.pods = context.of(SETS), context.of("pods")
        self.revisions, self.events = context.of(REVISIONS), context.of("events")

    def found(self) -> ApiObject:
        return self.door.get(ADMIN, SETS, "web", "shop")

    def status(self) -> dict[str, Any]:
        return dict(self.found()["status"])

    def change(self, body: ApiObject, resource: str = SETS, name: str = "web") -> ApiObject:
        return self.door.patch(ADMIN, resource, name, "shop", patch=Patch("merge", body))

    def scale(self, replicas: int) -> None:
        self.change({"spec": {"replicas": replicas}})

    def set_image(self, image: str) -> None:
        containers = [{"name": "web", "image": image}]
        self.change({"spec": {"template": {"spec": {"containers": containers}}}})

    def roll_by(self, **rolling: Any) -> None:
        self.change({"spec": {"updateStrategy": {"rollingUpdate": rolling}}})

    def own_pods(self) -> list[ApiObject]:
        """Return its pods that are not going away, by number."""
        pods = self.pods.list("shop")
        there = [pod for pod in pods if labels_of(pod).get("app") == "web" and not is_deleting(pod)]
        return sorted(there, key=ordinal_of)

    def names(self) -> list[str]:
        return [name_of(pod) for pod in self.own_pods()]

    def images(self) -> list[str]:
        return [pod["spec"]["containers"][0]["image"] for pod in self.own_pods()]

    def claims(self) -> dict[str, ApiObject]:
        return {name_of(one): one for one in self.door.list(ADMIN, CLAIMS, "shop").items}

    def history(self) -> list[ApiObject]:
        own = self.revisions.controlled_by(uid_of(self.found()))
        return sorted(own, key=lambda one: one["revision"])

    def delete_pod(self, name: str) -> None:
        with suppress(NotFoundError):
            self.door.delete(ADMIN, "pods", name, "shop")

    def until(self, holds: Callable[[], object]) -> None:
        if not eventually(holds):
            raise AssertionError(f"in vain: {self.status()} {self.names()} {self.images()}")

    def until_status(self, **wanted: Any) -> dict[str, Any]:
        self.until(lambda: wanted.items() <= self.status().items())
        return self.status()

    def until_rolled_out(self, replicas: int) -> None:
        """Wait as `kubectl rollout status` does."""
        self.until(lambda: is_rolled_out(self.door, "web", replicas))

    def words(self, reason: str) -> list[str]:
        return [one["message"] for one in self.events.list("shop") if one["reason"] == reason]


def is_rolled_out(door: Door, name: str, replicas: int) -> bool:
    """Say whether every pod is ready and of the newest revision, which is the current one."""
    found = door.get(ADMIN, SETS, name, "shop")
    status = found["status"]
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return False
    counts = ("replicas", "readyReplicas", "updatedReplicas", "currentReplicas")
    if any(status.get(field, 0) != replicas for field in counts):
        return False
    return bool(status["currentRevision"] == status["updateRevision"])


@contextmanager
def stateful_world(door: Door) -> Iterator[World]:
    """Run the controllers of StatefulSets and of all that they need."""
    found: list[World] = []
    add_node(door, NODE)

    def make(context: Context) -> list[Controller]:
        found.append(World(context, FakeDisks()))
        return [StatefulSets(context).controller(), *surroundings(context, found[0].disks)]

    with controllers_running(door, ADMIN, make):
        yield found[0]


def stateful_set(
    name: str = "web", *, image: str = "web:1", claims: tuple[str, ...] = (), **spec: Any
) -> ApiObject:
    """Return a StatefulSet of two pods; `claims` are the names of its claims' templates."""
    labels = {"app": name}
    templates = [
        {
            "metadata": {"name": one},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }
        for one in claims
    ]
    mounts = [{"name": one, "mountPath": f"/{one}"} for one in claims]
    containers = [{"name": "web", "image": image, "volumeMounts": mounts}]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": 2,
            "serviceName": "db",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
            "volumeClaimTemplates": templates,
            **spec,
        },
    }
