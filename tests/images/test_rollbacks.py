"""The image trigger beside the engine's own controllers: what was rolled back stays away."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.options import WatchOptions
from paas.catalog.objects import application_objects
from paas.catalog.specs import ApplicationSpec
from paas.core.objects import Digest
from paas.core.wellknown import IMAGE_TRIGGERS
from paas.images.controller import controllers
from paas.images.history import Tagged, tag_record
from paas.images.names import Repository
from paas.images.rights import STREAMS
from paas.orchestration.controllers.deployment.names import ROLLED_OUT
from paas.orchestration.controllers.deployment.rollback import rejected_images
from paas.orchestration.controllers.registry import kubernetes_controllers
from paas.settings.instance import Instance
from tests.images.people import ADMIN
from tests.orchestration.controllers.world import BROKEN_DIGEST, World, node_object

DEPLOYMENTS = "deployments.apps"
GOOD, BROKEN, BETTER = (Digest(f"sha256:{end}") for end in ("a" * 64, BROKEN_DIGEST, "c" * 64))


def reference(digest: Digest) -> str:
    return Repository("shop", "web").at(digest)


def tag(door: Door, digest: Digest) -> None:
    """Tag an image as a push does, without a registry."""
    stream = door.get(ADMIN, STREAMS, "web", "shop")
    image = Tagged(reference(digest), digest, "ann", datetime.now(UTC))
    assert tag_record(stream, "latest", image)
    door.update(ADMIN, stream, subresource="status")


@pytest.fixture
def world(platform_door: Door) -> Iterator[World]:
    """Yield every controller of the engine, the image trigger, and a node."""

    def make(context):
        engine = kubernetes_controllers(context, Instance(), ca_certificate="a certificate")
        return [*engine, *controllers(context)]

    one = World(make, door=platform_door)
    one.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    node = one.apply(node_object())
    platform_door.update(ADMIN, {**node, "status": node_object()["status"]}, subresource="status")
    one.start()
    one.start_node()
    yield one
    one.close()


def test_a_digest_that_was_rolled_back_is_not_brought_back(world: World, platform_door: Door):
    watch = platform_door.watch(ADMIN, DEPLOYMENTS, "shop", WatchOptions(timeout_s=110))
    for made in application_objects(ApplicationSpec("web", "shop"), git_base_url="https://git"):
        if made["kind"] in {"ImageStream", "Deployment"}:
            world.apply(made)
    tag(platform_door, GOOD)
    assert world.seen.wait(lambda: serves(world, GOOD))
    assert world.seen.wait(lambda: is_good(world))
    world.change(DEPLOYMENTS, "web", {"spec": {"progressDeadlineSeconds": 1}})

    tag(platform_door, BROKEN)

    rejected = {"web": reference(BROKEN)}
    assert world.seen.wait(lambda: rejected_images(deployment(world)) == rejected)
    assert world.seen.wait(lambda: serves(world, GOOD))
    world.change(DEPLOYMENTS, "web", {"spec": {"progressDeadlineSeconds": 600}})
    tag(platform_door, GOOD)
    world.stop(world._running[0][0])
    tag(platform_door, BROKEN)  # again, later than all that was brought before
    world.apply(bystander(world))
    world.start()  # another process looks at everything, and remembers nothing
    assert world.seen.wait(lambda: image_of(deployment(world, "other")) == reference(BROKEN))
    tag(platform_door, BETTER)
    assert world.seen.wait(lambda: serves(world, BETTER))
    turns = [" "]
    ours = (event for event in watch if event.obj["metadata"]["name"] == "web")
    for event in ours:
        if (image := image_of(event.obj)) != turns[-1]:
            turns.append(image)
        if image == reference(BETTER):
            break
    assert turns[1:] == [reference(one) for one in (GOOD, BROKEN, GOOD, BETTER)]


def deployment(world, name="web"):
    return world.seen.get(DEPLOYMENTS, name) or {}


def bystander(world):
    """Return a Deployment that follows the same tag and has rejected nothing."""
    found = copy.deepcopy(deployment(world))
    notes = {IMAGE_TRIGGERS: found["metadata"]["annotations"][IMAGE_TRIGGERS]}
    found["metadata"] = {"name": "other", "namespace": "shop", "annotations": notes}
    labels = {"deployment": "other"}
    found["spec"] |= {"replicas": 0, "selector": {"matchLabels": labels}}
    found["spec"]["template"]["metadata"]["labels"] = labels
    return found


def image_of(obj) -> str:
    return str(obj["spec"]["template"]["spec"]["containers"][0]["image"])


def is_good(world) -> bool:
    sets = world.seen.all("replicasets.apps", "shop")
    return any(ROLLED_OUT in (one["metadata"].get("annotations") or {}) for one in sets)


def serves(world, digest: Digest) -> bool:
    """Say whether the one pod of the application runs this image, and is available."""
    found = deployment(world)
    images = [image_of({"spec": {"template": pod}}) for pod in world.seen.all("pods", "shop")]
    available = (found.get("status") or {}).get("availableReplicas", 0)
    return available == 1 and images == [reference(digest)]
