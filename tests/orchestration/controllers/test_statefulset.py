"""StatefulSets: names, order, volumes, roll-outs: real door, real controllers."""

import pytest

from paas.apimachinery.options import DeleteOptions
from paas.core.objects import controller_of, labels_of, name_of, uid_of
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.jobs import eventually
from tests.orchestration.controllers.stateful import (
    HASH,
    SETS,
    stateful_set,
    stateful_world,
)

pytestmark = pytest.mark.postgres

DELETE = {"whenDeleted": "Delete", "whenScaled": "Delete"}


@pytest.fixture
def world(platform_door):
    Members(platform_door).project("shop")
    with stateful_world(platform_door) as one:
        yield one


def test_each_pod_has_its_name_place_and_claim_and_keeps_them(world):
    world.door.create(ADMIN, stateful_set(claims=("data",)))
    world.until_rolled_out(2)
    first, second = world.own_pods()
    assert [name_of(first), name_of(second)] == ["web-0", "web-1"]
    assert first["metadata"]["creationTimestamp"] <= second["metadata"]["creationTimestamp"]
    (revision,) = world.history()
    assert labels_of(second) == {
        "app": "web",
        "apps.kubernetes.io/pod-index": "1",
        "controller-revision-hash": name_of(revision),
        "statefulset.kubernetes.io/pod-name": "web-1",
    }
    assert (second["spec"]["hostname"], second["spec"]["subdomain"]) == ("web-1", "db")
    assert second["spec"]["volumes"][0] == {
        "name": "data",
        "persistentVolumeClaim": {"claimName": "data-web-1"},
    }
    assert (controller_of(second) or {})["uid"] == uid_of(world.found())
    claims = world.claims()
    assert sorted(claims) == ["data-web-0", "data-web-1"]
    assert labels_of(claims["data-web-0"]) == {"app": "web"}
    assert world.status() == {
        "observedGeneration": 1,
        "replicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "currentReplicas": 2,
        "updatedReplicas": 2,
        "currentRevision": name_of(revision),
        "updateRevision": name_of(revision),
        "collisionCount": 0,
    }
    told = "create Claim data-web-1 Pod web-1 in StatefulSet web success"
    world.until(lambda: told in world.words("SuccessfulCreate"))
    told = "create Pod web-1 in StatefulSet web successful"
    world.until(lambda: told in world.words("SuccessfulCreate"))

    world.delete_pod("web-0")
    world.until(lambda: uid_of(first) not in {uid_of(pod) for pod in world.own_pods()})
    world.until_rolled_out(2)
    assert uid_of(world.claims()["data-web-0"]) == uid_of(claims["data-web-0"])
    assert world.own_pods()[0]["spec"]["volumes"][0]["persistentVolumeClaim"] == {
        "claimName": "data-web-0"
    }
    world.scale(0)
    world.until_status(replicas=0)
    assert len(world.disks.sizes) == len(world.claims()) == 2, "volumes outlive their pods"


def test_one_pod_waits_for_the_other_up_and_down(world):
    world.door.create(ADMIN, stateful_set(image="broken"))
    world.until_status(replicas=1)
    assert world.names() == ["web-0"]
    world.set_image("web:1")
    world.until_status(updateRevision=name_of(world.history()[-1]))
    assert world.images() == ["broken"], "a broken pod is left to be looked at"
    world.delete_pod("web-0")
    world.until_rolled_out(2)
    world.scale(4)
    world.until_rolled_out(4)
    world.scale(1)
    world.until_rolled_out(1)
    world.until(lambda: len(world.words("SuccessfulDelete")) == 3)
    said = [one.split()[2] for one in world.words("SuccessfulDelete")]
    assert sorted(said) == ["web-1", "web-2", "web-3"]


def test_parallel_ones_wait_for_nobody_and_may_begin_anywhere(world):
    obj = stateful_set(image="broken", replicas=3, podManagementPolicy="Parallel")
    obj["spec"]["ordinals"] = {"start": 5}
    world.door.create(ADMIN, obj)
    world.until_status(replicas=3)
    assert world.names() == ["web-5", "web-6", "web-7"]
    world.change({"spec": {"ordinals": {"start": 6}, "replicas": 1}})
    world.until(lambda: world.names() == ["web-6"])


def test_a_roll_out_goes_down_to_its_partition_and_back(world):
    world.door.create(ADMIN, stateful_set(replicas=3))
    world.until_rolled_out(3)
    world.roll_by(partition=2)
    world.set_image("web:2")
    world.until(lambda: world.images() == ["web:1", "web:1", "web:2"])
    status = world.until_status(readyReplicas=3, currentReplicas=2, updatedReplicas=1)
    assert status["currentRevision"] != status["updateRevision"]
    world.delete_pod("web-0")
    world.until(lambda: world.status().get("readyReplicas") == 3 and len(world.names()) == 3)
    assert world.images() == ["web:1", "web:1", "web:2"]
    world.roll_by(partition=0)
    world.until_rolled_out(3)
    assert world.images() == ["web:2"] * 3
    assert [one["revision"] for one in world.history()] == [1, 2]
    world.set_image("web:1")
    world.until_rolled_out(3)
    assert [one["revision"] for one in world.history()] == [2, 3]
    assert {labels_of(pod)[HASH] for pod in world.own_pods()} == {name_of(world.history()[1])}


def test_several_may_be_down_at_once_where_that_is_said(world):
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    world.door.create(ADMIN, stateful_set(replicas=3, updateStrategy=rolling))
    world.until_rolled_out(3)
    world.set_image("web:2")
    world.until_rolled_out(3)
    assert world.images() == ["web:2"] * 3


def test_by_hand_pods_change_as_they_are_deleted(world):
    world.door.create(ADMIN, stateful_set(updateStrategy={"type": "OnDelete"}))
    world.until_status(readyReplicas=2)
    world.set_image("web:2")
    world.until_status(observedGeneration=2)
    assert world.images() == ["web:1", "web:1"]
    world.delete_pod("web-1")
    world.until(lambda: world.images() == ["web:1", "web:2"])
    world.until_status(readyReplicas=2, updatedReplicas=1)


def test_a_broken_revision_waits_and_is_taken_back_by_hand(world):
    world.door.create(ADMIN, stateful_set())
    world.until_rolled_out(2)
    world.set_image("broken")
    world.until(lambda: world.images() == ["web:1", "broken"])
    world.set_image("web:1")
    world.until_status(observedGeneration=3)
    assert world.images() == ["web:1", "broken"], "upstream asks for a delete by hand"
    world.delete_pod("web-1")
    world.until_rolled_out(2)
    assert world.images() == ["web:1", "web:1"]


def test_claims_go_with_their_pods_or_with_all_where_that_is_said(world):
    world.door.create(
        ADMIN, stateful_set(claims=("data",), persistentVolumeClaimRetentionPolicy=DELETE)
    )
    world.until_rolled_out(2)
    old = uid_of(world.claims()["data-web-1"])
    world.scale(1)
    world.until(lambda: sorted(world.claims()) == ["data-web-0"])
    world.scale(2)
    world.until_rolled_out(2)
    assert uid_of(world.claims()["data-web-1"]) != old
    world.change({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Retain"}}})
    world.scale(1)
    world.until_rolled_out(1)
    assert sorted(world.claims()) == ["data-web-0", "data-web-1"]
    background = DeleteOptions(propagation="Background")
    world.door.delete(ADMIN, SETS, "web", "shop", options=background)
    assert eventually(lambda: not world.claims() and not world.disks.sizes)


def test_a_pod_that_ended_is_made_anew_and_an_orphan_of_its_name_is_adopted(world):
    world.door.create(ADMIN, stateful_set(replicas=1))
    world.until_rolled_out(1)
    (pod,) = world.own_pods()
    failed = {**pod["status"], "phase": "Failed", "reason": "Evicted"}
    fresh = world.door.get(ADMIN, "pods", "web-0", "shop")
    world.door.update(ADMIN, {**fresh, "status": failed}, subresource="status")
    world.until(lambda: world.names() == ["web-0"] and uid_of(world.own_pods()[0]) != uid_of(pod))
    world.until_rolled_out(1)
    orphan = DeleteOptions(propagation="Orphan")
    world.door.delete(ADMIN, SETS, "web", "shop", options=orphan)
    world.until(lambda: controller_of(world.own_pods()[0]) is None)
    left = uid_of(world.own_pods()[0])
    assert eventually(lambda: world.sets.get("shop", "web") is None)
    world.door.create(ADMIN, stateful_set(replicas=1))
    world.until_rolled_out(1)
    assert uid_of(world.own_pods()[0]) == left
