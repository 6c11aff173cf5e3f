"""A StatefulSet ends with its pods and its volumes, wherever the process before died."""

from functools import partial

import pytest

from paas.core.objects import is_deleting, labels_of, name_of, uid_of
from paas.core.volumes import CLAIMS, VOLUMES
from paas.orchestration.controllers.statefulset.controller import StatefulSets
from tests.fakes.controllers import controllers_running
from tests.fakes.disks import FakeDisks
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.jobs import eventually
from tests.orchestration.controllers.stateful import (
    HASH,
    REVISIONS,
    SETS,
    is_rolled_out,
    stateful_set,
    with_node,
)
from tests.orchestration.controllers.world import MortalDoor

pytestmark = pytest.mark.postgres


def make(context):
    return [StatefulSets(context).controller()]


@pytest.fixture
def disks():
    return FakeDisks()


@pytest.fixture
def door(platform_door, disks):
    """Run everything else, which outlives the controller."""
    Members(platform_door).project("shop")
    with with_node(platform_door, disks):
        yield platform_door


def die_then_live(door, writes, done):
    """Let the controller die after so many writes, then another end it; say whether it died."""
    mortal = MortalDoor(door, writes, lambda: None)
    with controllers_running(mortal, ADMIN, make):
        assert eventually(lambda: mortal.dead.is_set() or done())
    with controllers_running(door, ADMIN, make):
        assert eventually(done)
    return mortal.dead.is_set()


def own(door, resource, label):
    found = door.list(ADMIN, resource, "" if resource == VOLUMES else "shop").items
    return [one for one in found if labels_of(one).get("app") == label and not is_deleting(one)]


def change(door, name, **spec):
    fresh = door.get(ADMIN, SETS, name, "shop")
    fresh["spec"].update(spec)
    if image := spec.pop("image", None):
        del fresh["spec"]["image"]
        fresh["spec"]["template"]["spec"]["containers"][0]["image"] = image
    door.update(ADMIN, fresh)


def check(door, disks, name, replicas, image):
    """Look that there is what upstream would leave."""
    pods = {name_of(one): one for one in own(door, "pods", name)}
    assert sorted(pods) == [f"{name}-{number}" for number in range(replicas)]
    assert {one["spec"]["containers"][0]["image"] for one in pods.values()} == {image}
    assert len({labels_of(one)[HASH] for one in pods.values()}) == 1
    claims = own(door, CLAIMS, name)
    assert sorted(map(name_of, claims)) == [f"data-{one}" for one in sorted(pods)]
    assert {one["status"]["phase"] for one in claims} == {"Bound"}
    named = {one["spec"]["volumeName"] for one in claims}
    assert named <= disks.sizes.keys()
    return {uid_of(one) for one in claims}


def remove(door, name):
    door.delete(ADMIN, SETS, name, "shop")
    for one in own(door, CLAIMS, name):
        door.delete(ADMIN, CLAIMS, name_of(one), "shop")


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_no_pod_is_there_twice_and_no_volume_is_lost_whatever_dies(door, disks, policy):
    deaths, dying = 0, True
    while dying:
        name, before = f"web-{deaths}", disks.made
        obj = stateful_set(name, claims=("data",), replicas=1, podManagementPolicy=policy)
        made = door.create(ADMIN, obj)
        with controllers_running(door, ADMIN, make):
            assert eventually(partial(is_rolled_out, door, name, 1))
        (first,) = own(door, CLAIMS, name)
        change(door, name, replicas=2, image="web:2")
        dying = die_then_live(door, deaths, partial(is_rolled_out, door, name, 2))
        claims = check(door, disks, name, 2, "web:2")
        assert uid_of(first) in claims
        revisions = [
            one["revision"]
            for one in door.list(ADMIN, REVISIONS, "shop").items
            if any(ref["uid"] == uid_of(made) for ref in one["metadata"]["ownerReferences"])
        ]
        assert sorted(revisions) == [1, 2]
        assert disks.made == before + 2, "a volume for each claim, made once"
        remove(door, name)
        deaths += 1
    assert deaths > 6, "a revision, a claim, two pods that come and one that goes, the status"


def test_what_is_scaled_away_takes_its_claim_and_nothing_else_whatever_dies(door, disks):
    deaths, dying = 0, True
    policy = {"whenDeleted": "Retain", "whenScaled": "Delete"}
    while dying:
        name = f"web-{deaths}"
        obj = stateful_set(name, claims=("data",), persistentVolumeClaimRetentionPolicy=policy)
        door.create(ADMIN, obj)
        with controllers_running(door, ADMIN, make):
            assert eventually(partial(is_rolled_out, door, name, 2))
        kept = uid_of(door.get(ADMIN, CLAIMS, f"data-{name}-0", "shop"))
        change(door, name, replicas=1)

        def done(name=name):
            left = door.list(ADMIN, CLAIMS, "shop").items
            mine = [one for one in left if labels_of(one).get("app") == name]
            return is_rolled_out(door, name, 1) and len(mine) == 1

        dying = die_then_live(door, deaths, done)
        assert check(door, disks, name, 1, "web:1") == {kept}
        remove(door, name)
        deaths += 1
    assert deaths > 2, "the claim's owner, the pod, the status"
