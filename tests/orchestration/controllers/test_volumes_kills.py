"""A claim ends with its one volume, and takes it with it, wherever the process before died."""

from functools import partial

import pytest

from paas.core.objects import name_of, uid_of
from paas.core.volumes import CLAIMS, VOLUMES
from tests.fakes.controllers import controllers_running
from tests.fakes.disks import FakeDisks
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.daemons import add_node
from tests.orchestration.controllers.jobs import eventually
from tests.orchestration.controllers.storage import (
    NODE,
    claim,
    node_controllers,
    storage_controllers,
    user,
)
from tests.orchestration.controllers.world import MortalDoor

pytestmark = pytest.mark.postgres


@pytest.fixture
def door(platform_door):
    """Run a node and the scheduler, which outlive the controllers of storage."""
    Members(platform_door).project("shop")
    add_node(platform_door, NODE)
    with controllers_running(platform_door, ADMIN, node_controllers):
        yield platform_door


def is_bound(door, name):
    one = door.get(ADMIN, CLAIMS, name, "shop")
    volumes = door.list(ADMIN, VOLUMES).items
    phases = [one["status"]["phase"], *(volume["status"]["phase"] for volume in volumes)]
    place = door.get(ADMIN, "pods", name, "shop")["spec"].get("nodeName")
    return phases == ["Bound", "Bound"] and place


def is_clean(door, disks):
    left = [*door.list(ADMIN, CLAIMS, "shop").items, *door.list(ADMIN, VOLUMES).items]
    return not left and not disks.sizes


def die_then_live(door, disks, writes, done):
    """Let the controllers die after so many writes, then others end it; say whether they died."""
    make = partial(storage_controllers, disks=disks)
    mortal = MortalDoor(door, writes, lambda: None)
    with controllers_running(mortal, ADMIN, make):
        assert eventually(lambda: mortal.dead.is_set() or done())
    with controllers_running(door, ADMIN, make):
        assert eventually(done)
    return mortal.dead.is_set()


def test_a_claim_has_one_volume_and_takes_it_along_whatever_dies(door):
    deaths, dying = 0, True
    while dying:
        disks, name = FakeDisks(), f"data-{deaths}"
        made = door.create(ADMIN, claim(name))
        door.create(ADMIN, user(name, name))
        dying = die_then_live(door, disks, deaths, partial(is_bound, door, name))
        (volume,) = door.list(ADMIN, VOLUMES).items
        assert volume["spec"]["claimRef"]["uid"] == uid_of(made)
        assert (list(disks.sizes), disks.made) == ([name_of(volume)], 1)
        door.delete(ADMIN, "pods", name, "shop")
        door.delete(ADMIN, CLAIMS, name, "shop")
        dying = die_then_live(door, disks, deaths, partial(is_clean, door, disks)) or dying
        deaths += 1
    assert deaths > 6, "asked for, made, both sides of the binding with their phases"


def test_what_was_made_for_a_claim_that_is_gone_goes_and_nothing_that_was_ever_used(door):
    disks = FakeDisks()
    disks.touched = {"pvc-used"}
    waiting = door.create(ADMIN, claim())
    for name in ("pvc-used", "pvc-forgotten", f"pvc-{uid_of(waiting)}"):
        disks.create(name, 1)
    kept = disks.sizes.keys() - {"pvc-forgotten"}
    with controllers_running(door, ADMIN, partial(storage_controllers, disks=disks)):
        assert eventually(lambda: disks.sizes.keys() == kept)
