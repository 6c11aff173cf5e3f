"""The trigger with the real door, the real Deployment controller and the real informers."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.options import Patch
from paas.core.objects import ApiObject, Digest
from paas.core.wellknown import AWAITS_IMAGE, IMAGE_TRIGGERS
from paas.images.controller import controllers
from paas.images.history import Tagged, tag_record
from paas.images.names import Repository
from paas.images.rights import STREAMS
from paas.orchestration.controllers.deployment.controller import Deployments
from tests.fakes.controllers import PATIENCE_S, controllers_running
from tests.images.people import ADMIN, Members

DEPLOYMENTS = "deployments.apps"


def reference(letter: str, namespace: str = "shop") -> str:
    return Repository(namespace, "web").at(Digest(f"sha256:{letter * 64}"))


def tag(door: Door, letter: str, namespace: str = "shop") -> None:
    """Tag an image as a push does, without a registry."""
    stream = door.get(ADMIN, STREAMS, "web", namespace)
    digest = Digest(f"sha256:{letter * 64}")
    image = Tagged(reference(letter, namespace), digest, "ann", datetime.now(UTC))
    assert tag_record(stream, "latest", image)
    door.update(ADMIN, stream, subresource="status")


def stream_make(door: Door, namespace: str = "shop") -> None:
    body = {
        "apiVersion": "image.openshift.io/v1",
        "kind": "ImageStream",
        "metadata": {"name": "web"},
    }
    door.create(ADMIN, body, namespace)


def deployment(namespace: str = "shop") -> ApiObject:
    trigger = {
        "from": {"kind": "ImageStreamTag", "name": "web:latest", "namespace": namespace},
        "fieldPath": 'spec.template.spec.containers[?(@.name=="web")].image',
    }
    labels = {"app": "web"}
    notes = {IMAGE_TRIGGERS: json.dumps([trigger]), AWAITS_IMAGE: "true"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": notes},
        "spec": {
            "replicas": 0,
            "paused": True,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": " "}]},
            },
        },
    }


class World:
    """What the controllers make of the Deployment."""

    def __init__(self, context: Context) -> None:
        self.door, self.deployments = context.door, context.of(DEPLOYMENTS)

    def until_image(self, image: str) -> ApiObject:
        """Wait until the Deployment has the image and its controller has taken note of it."""

        def holds() -> bool:
            found = self.deployments.get("shop", "web")
            if found is None or image_of(found) != image:
                return False
            seen = (found.get("status") or {}).get("observedGeneration", 0)
            return bool(seen >= found["metadata"]["generation"])

        if not self.deployments.wait_until(holds, PATIENCE_S):
            raise AssertionError(f"in vain: {self.deployments.get('shop', 'web')}")
        return self.door.get(ADMIN, DEPLOYMENTS, "web", "shop")


def image_of(obj: ApiObject) -> str:
    return str(obj["spec"]["template"]["spec"]["containers"][0]["image"])


def both_controllers(context: Context) -> list[Controller]:
    return [Deployments(context).controller(), *controllers(context)]


@pytest.fixture
def world(platform_door: Door, members: Members) -> Iterator[World]:
    members.project("shop")
    members.project("other")
    with controllers_running(platform_door, ADMIN, both_controllers) as context:
        yield World(context)


def test_each_new_image_is_rolled_out_by_digest(world: World, platform_door: Door):
    stream_make(platform_door)
    platform_door.create(ADMIN, deployment(), "shop")
    tag(platform_door, "a")
    world.until_image(reference("a"))
    tag(platform_door, "b")
    found = world.until_image(reference("b"))
    cause = found["metadata"]["annotations"]["kubernetes.io/change-cause"]
    assert cause.startswith("image trigger: shop/web:latest is sha256:bbbb")
    sets = platform_door.list(ADMIN, "replicasets.apps", "shop").items
    assert {image_of(one) for one in sets} == {reference("a"), reference("b")}


def test_an_image_that_was_there_before_the_deployment_is_used(world: World, platform_door: Door):
    stream_make(platform_door)
    tag(platform_door, "a")
    platform_door.create(ADMIN, deployment(), "shop")
    world.until_image(reference("a"))


def test_an_undo_as_kubectl_does_it_holds(world: World, platform_door: Door):
    stream_make(platform_door)
    platform_door.create(ADMIN, deployment(), "shop")
    tag(platform_door, "a")
    world.until_image(reference("a"))
    tag(platform_door, "b")
    world.until_image(reference("b"))
    sets = platform_door.list(ADMIN, "replicasets.apps", "shop").items
    old = next(one for one in sets if image_of(one) == reference("a"))
    template = old["spec"]["template"]
    del template["metadata"]["labels"]["pod-template-hash"]
    body = [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": old["metadata"]["annotations"]},
    ]
    platform_door.patch(ADMIN, DEPLOYMENTS, "web", "shop", patch=Patch("json", body))
    world.until_image(reference("a"))
    tag(platform_door, "c")  # the trigger has looked again by then
    world.until_image(reference("c"))
    sets = platform_door.list(ADMIN, "replicasets.apps", "shop").items
    revisions = {
        image_of(one): int(one["metadata"]["annotations"]["deployment.kubernetes.io/revision"])
        for one in sets
    }
    assert revisions == {reference("b"): 2, reference("a"): 3, reference("c"): 4}


@pytest.fixture
def refused(platform_door: Door, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return what is set once the trigger has asked for an image and may not have it."""
    told, may = threading.Event(), platform_door.may

    def watched(*given: Any, **more: Any) -> bool:
        answer = may(*given, **more)
        if not answer and more.get("subresource") == "layers":
            told.set()
        return answer

    monkeypatch.setattr(platform_door, "may", watched)
    return told


def test_a_stream_of_another_project_is_followed_only_where_its_pods_may_pull(
    world: World, platform_door: Door, members: Members, refused: threading.Event
):
    stream_make(platform_door, "other")
    tag(platform_door, "a", "other")
    made = platform_door.create(ADMIN, deployment("other"), "shop")
    assert refused.wait(PATIENCE_S)
    assert image_of(made) == " "
    world.until_image(" ")
    members.bind_account("shop", "default", "system:image-puller", "other")
    tag(platform_door, "b", "other")
    found = world.until_image(reference("b", "other"))
    sets = platform_door.list(ADMIN, "replicasets.apps", "shop").items
    assert reference("a", "other") not in {image_of(one) for one in sets}
    assert image_of(found) == reference("b", "other")


def test_a_broken_trigger_is_told_as_an_event(world: World, platform_door: Door):
    body = deployment()
    body["metadata"]["annotations"][IMAGE_TRIGGERS] = "{"
    watch = platform_door.watch(ADMIN, "events", "shop")
    platform_door.create(ADMIN, body, "shop")
    timer = threading.Timer(PATIENCE_S, watch.close)
    timer.start()
    reasons = set()
    for event in watch:
        reasons.add(event.obj["reason"])
        if "InvalidImageTrigger" in reasons:
            break
    timer.cancel()
    watch.close()
    assert "InvalidImageTrigger" in reasons
