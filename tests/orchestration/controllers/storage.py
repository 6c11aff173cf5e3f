"""Claims and volumes for tests: the real door and controllers, a node, disks in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from paas.apimachinery.door import Door
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.options import Patch
from paas.core.objects import ApiObject
from paas.core.volumes import CLAIMS, CLASSES, VOLUMES
from paas.orchestration.controllers.scheduler.controller import Scheduler
from paas.orchestration.controllers.volumes.binder import VolumeBinder
from paas.orchestration.controllers.volumes.protection import StorageProtection
from paas.orchestration.controllers.volumes.provisioner import PROVISIONER, LocalVolumes
from tests.fakes.controllers import controllers_running
from tests.fakes.disks import FakeDisks
from tests.images.people import ADMIN
from tests.orchestration.controllers.daemons import BoundNode, add_node
from tests.orchestration.controllers.jobs import eventually

NODE = "a"


def storage_controllers(context: Context, disks: FakeDisks) -> list[Controller]:
    """Return everything that moves claims and volumes."""
    return [
        VolumeBinder(context).controller(),
        *StorageProtection(context).controllers(),
        LocalVolumes(context, disks, node=NODE).controller(),
    ]


def node_controllers(context: Context) -> list[Controller]:
    """Return the scheduler and a node on which every program runs for ever."""
    node = BoundNode(context, lambda: lambda _pod: None)
    return [Scheduler(context).controller(), node.controller()]


class World:
    """What the controllers make of claims and volumes."""

    def __init__(self, context: Context, disks: FakeDisks) -> None:
        self.door, self.disks = context.door, disks
        self.events = context.of("events")

    def claim(self, name: str = "data") -> ApiObject:
        return self.door.get(ADMIN, CLAIMS, name, "shop")

    def volumes(self) -> list[ApiObject]:
        return self.door.list(ADMIN, VOLUMES).items

    def volume(self) -> ApiObject:
        (found,) = self.volumes()
        return found

    def create(self, *objects: ApiObject) -> None:
        for obj in objects:
            self.door.create(ADMIN, obj)

    def change(self, resource: str, name: str, body: ApiObject) -> ApiObject:
        namespace = "" if resource in {VOLUMES, CLASSES} else "shop"
        return self.door.patch(ADMIN, resource, name, namespace, patch=Patch("merge", body))

    def until(self, holds: Callable[[], object]) -> None:
        if not eventually(holds):
            claims = self.door.list(ADMIN, CLAIMS, "shop").items
            seen = [(one["metadata"], one.get("status")) for one in [*claims, *self.volumes()]]
            raise AssertionError(
                f"in vain: {seen} {[one['message'] for one in self.events.list()]}"
            )

    def until_phase(self, phase: str, name: str = "data") -> ApiObject:
        self.until(lambda: self.claim(name)["status"].get("phase") == phase)
        return self.claim(name)

    def until_told(self, reason: str) -> str:
        self.until(lambda: self.words(reason))
        return self.words(reason)[-1]

    def words(self, reason: str) -> list[str]:
        return [one["message"] for one in self.events.list() if one["reason"] == reason]


@contextmanager
def storage_world(door: Door) -> Iterator[World]:
    """Run the controllers of storage, the scheduler and one node."""
    found: list[World] = []
    add_node(door, NODE)

    def make(context: Context) -> list[Controller]:
        found.append(World(context, FakeDisks()))
        return [*storage_controllers(context, found[0].disks), *node_controllers(context)]

    with controllers_running(door, ADMIN, make):
        yield found[0]


def claim(name: str = "data", *, size: str = "1Gi", **spec: Any) -> ApiObject:
    """Return a claim; without `storageClassName` it is of the default class."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            **spec,
        },
    }


def volume(name: str, *, size: str = "1Gi", labels: dict[str, str] | None = None, **spec: Any):
    """Return a volume that an administrator has made."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": size},
            "hostPath": {"path": f"/srv/{name}"},
            **spec,
        },
    }


def storage_class(name: str = "now", **fields: Any) -> ApiObject:
    """Return a class of ours that does not wait for a pod."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": PROVISIONER,
        **fields,
    }


def user(name: str = "db", *claims: str, **spec: Any) -> ApiObject:
    """Return a pod that uses these claims."""
    volumes = [
        {"name": f"v{position}", "persistentVolumeClaim": {"claimName": one}}
        for position, one in enumerate(claims or ("data",))
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"containers": [{"name": "db", "image": "db:1"}], "volumes": volumes, **spec},
    }
