"""A BuildConfig with a ConfigChange trigger gets its first build, and no other."""

import copy
from collections.abc import Iterator

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.engine.context import Context
from paas.builds.controller import controllers, wants_first_build
from paas.builds.names import BUILDS, CONFIGS
from paas.core.objects import name_of
from tests.builds.objects import build
from tests.fakes.controllers import PATIENCE_S, controllers_running
from tests.images.people import ADMIN, Members


class World:
    """What the controller starts, and says."""

    def __init__(self, context: Context) -> None:
        self.door, self.builds, self.events = context.door, context.of(BUILDS), context.of("events")

    def names(self) -> list[str]:
        return [name_of(one) for one in self.builds.list("shop")]


@pytest.fixture
def world(platform_door: Door) -> Iterator[World]:
    Members(platform_door).project("shop")
    with controllers_running(platform_door, ADMIN, controllers) as context:
        yield World(context)


def config(name: str = "web", **spec):
    made = {key: build()["spec"][key] for key in ("source", "strategy", "output")}
    return {
        "apiVersion": "build.openshift.io/v1",
        "kind": "BuildConfig",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {**made, "triggers": [{"type": "ConfigChange"}], **spec},
    }


def test_a_new_config_is_built_once_and_later_changes_start_nothing(world: World) -> None:
    world.door.create(ADMIN, config())
    assert world.builds.wait_until(lambda: world.names() == ["web-1"], PATIENCE_S)
    made = world.door.get(ADMIN, BUILDS, "web-1", "shop")
    assert made["spec"]["triggeredBy"] == [{"message": "Build configuration change"}]
    changed = copy.deepcopy(world.door.get(ADMIN, CONFIGS, "web", "shop"))
    changed["spec"]["source"]["git"]["ref"] = "next"
    world.door.update(ADMIN, changed)
    world.door.create(ADMIN, config("other"))
    assert world.builds.wait_until(lambda: "other-1" in world.names(), PATIENCE_S)
    assert sorted(world.names()) == ["other-1", "web-1"]


def test_a_config_whose_builder_is_not_there_says_so(world: World) -> None:
    reference = {"kind": "ImageStreamTag", "name": "none:latest"}
    world.door.create(ADMIN, config(strategy={"sourceStrategy": {"from": reference}}))

    def told() -> bool:
        return any("shop/none is not there" in one["message"] for one in world.events.list("shop"))

    assert world.events.wait_until(told, PATIENCE_S)
    assert world.names() == []


@pytest.mark.parametrize(
    ("metadata", "spec", "status"),
    [
        ({}, {"triggers": []}, {}),
        ({}, {"triggers": [{"type": "ImageChange"}]}, {}),
        ({}, {}, {"lastVersion": 3}),
        ({"annotations": {"minato.io/git-repository": "true"}}, {}, {}),
        ({"annotations": {"openshift.io/build-config.paused": "true"}}, {}, {}),
        ({"deletionTimestamp": "2026-11-23T10:00:00Z"}, {}, {}),
    ],
)
def test_others_wait_for_somebody_to_start_them(metadata, spec, status) -> None:
    assert wants_first_build(config())
    one = config(**spec)
    assert not wants_first_build(
        {**one, "metadata": {**one["metadata"], **metadata}, "status": status}
    )
