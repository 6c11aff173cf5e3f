"""A DaemonSet has a pod on every node it is meant for: real door, real controllers."""

from datetime import timedelta

import pytest

from paas.apimachinery.options import DeleteOptions, ListOptions, Patch
from paas.core.errors import NotFoundError
from paas.core.objects import controller_of, labels_of, name_of, uid_of
from paas.core.selectors import parse_label_selector
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.daemons import (
    DAEMON_SETS,
    HASH,
    REVISIONS,
    daemon_set,
    daemon_world,
)
from tests.orchestration.controllers.jobs import eventually

SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


@pytest.fixture
def world(platform_door):
    Members(platform_door).project("shop")
    with daemon_world(platform_door) as one:
        yield one


def test_each_node_gets_one_pod_bound_by_the_scheduler(world):
    world.node("a")
    world.node("b")
    world.door.create(ADMIN, daemon_set())
    status = world.until_status(numberAvailable=2)
    assert status == {
        "currentNumberScheduled": 2,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 2,
        "numberReady": 2,
        "updatedNumberScheduled": 2,
        "numberAvailable": 2,
        "observedGeneration": 1,
    }
    assert world.places() == ["a", "b"]
    (revision,) = world.history()
    assert revision["revision"] == 1
    assert world.hashes() == {labels_of(revision)[HASH]}
    assert name_of(revision) == f"web-{labels_of(revision)[HASH]}"
    assert labels_of(world.own_pods()[0])["pod-template-generation"] == "1"
    assert eventually(lambda: len(world.words("SuccessfulCreate")) == 2)
    world.node("c")
    world.until_status(numberAvailable=3)


def test_a_node_that_is_no_longer_meant_loses_its_pod_and_a_new_one_gets_one(world):
    world.node("a", labels={"disk": "ssd"})
    world.node("b")
    world.door.create(ADMIN, daemon_set(pod={"nodeSelector": {"disk": "ssd"}}))
    world.until_status(numberAvailable=1, desiredNumberScheduled=1)
    assert world.places() == ["a"]
    world.change({"metadata": {"labels": {"disk": "ssd"}}}, "nodes", "b")
    world.until_status(numberAvailable=2)
    world.change({"metadata": {"labels": {"disk": None}}}, "nodes", "a")
    world.until_status(numberAvailable=1, currentNumberScheduled=1, numberMisscheduled=0)
    world.until(lambda: world.places() == ["b"])


def test_a_cordoned_node_keeps_and_gets_daemons_and_a_tainted_one_keeps_them(world):
    world.node("a", unschedulable=True)
    world.door.create(ADMIN, daemon_set())
    world.until_status(numberAvailable=1)
    taint = {"key": "gpu", "effect": "NoSchedule"}
    world.change({"spec": {"taints": [taint]}}, "nodes", "a")
    world.until_status(desiredNumberScheduled=0, numberMisscheduled=1)
    assert world.places() == ["a"]
    world.change({"spec": {"taints": [{**taint, "effect": "NoExecute"}]}}, "nodes", "a")
    world.until_status(desiredNumberScheduled=0, numberMisscheduled=0)
    world.until(lambda: world.places() == [])


def test_a_deleted_pod_comes_again(world):
    world.node("a")
    world.door.create(ADMIN, daemon_set())
    world.until_status(numberAvailable=1)
    (pod,) = world.own_pods()
    world.door.delete(ADMIN, "pods", name_of(pod), "shop")
    world.until(lambda: {uid_of(one) for one in world.own_pods()} - {uid_of(pod)})
    world.until_status(numberAvailable=1)


def test_a_new_template_rolls_node_by_node_and_is_remembered(world):
    for name in "abc":
        world.node(name)
    world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(3)
    world.rest()  # our copy says so too
    lowest = []

    def look(_old, new):
        lowest.append((new or {}).get("status", {}).get("numberAvailable", 0))

    world.sets.add_handler(look)
    world.set_image("web:2")
    world.until_rolled_out(3)
    assert world.images() == ["web:2"] * 3
    assert min(lowest) >= 2, "maxUnavailable is 1"
    assert [one["revision"] for one in world.history()] == [1, 2]
    world.set_image("web:1")
    world.until_rolled_out(3)
    assert [one["revision"] for one in world.history()] == [2, 3], "the first one is the newest now"
    assert world.images() == ["web:1"] * 3


def test_with_surge_the_new_pod_serves_before_the_old_one_goes(world):
    world.node("a")
    world.node("b")
    world.door.create(ADMIN, daemon_set(updateStrategy=SURGE))
    world.until_rolled_out(2)
    serving = []

    def look(_old, _new):
        pods = [pod for pod in world.own_pods() if pod.get("status", {}).get("phase") == "Running"]
        serving.append(len({pod["spec"]["nodeName"] for pod in pods}))

    world.pods.add_handler(look)
    world.set_image("web:2")
    world.until_rolled_out(2)
    world.until(lambda: world.images() == ["web:2"] * 2)
    assert min(serving) == 2


def test_on_delete_waits_for_a_hand(world):
    world.node("a")
    world.door.create(ADMIN, daemon_set(updateStrategy={"type": "OnDelete"}))
    world.until_rolled_out(1)
    world.set_image("web:2")
    world.until(lambda: world.found()["status"]["observedGeneration"] == 2)
    assert world.found()["status"].get("updatedNumberScheduled", 0) == 0
    assert world.images() == ["web:1"]
    world.door.delete(ADMIN, "pods", name_of(world.own_pods()[0]), "shop")
    world.until_rolled_out(1)
    assert world.images() == ["web:2"]


def test_a_pod_is_available_only_when_it_was_ready_for_long_enough(world):
    world.node("a")
    world.door.create(ADMIN, daemon_set(minReadySeconds=60))
    status = world.until_status(numberReady=1)
    assert status.get("numberAvailable", 0) == 0
    assert status["numberUnavailable"] == 1
    world.clock.ahead += timedelta(seconds=61)
    world.poke()
    status = world.until_status(numberAvailable=1)
    assert "numberUnavailable" not in status


def test_a_failed_pod_is_replaced_and_the_next_one_later(world):
    world.node("a")
    world.program = lambda _pod: 3
    world.door.create(ADMIN, daemon_set())
    world.until(lambda: world.words("FailedDaemonPod"))
    word = world.words("FailedDaemonPod")[0]
    assert word.startswith("Found failed daemon pod shop/web-")
    assert word.endswith(" on node a, will try to kill it")
    world.program = lambda _pod: None
    world.clock.ahead += timedelta(seconds=20)
    world.poke()
    world.until_status(numberAvailable=1)


def test_a_pod_that_ended_well_is_replaced_too(world):
    world.node("a")
    ended: list[str] = []

    def end_once(pod):
        if not ended:
            ended.append(name_of(pod))
        return 0 if name_of(pod) in ended else None

    world.program = end_once
    world.door.create(ADMIN, daemon_set())
    world.until_status(numberAvailable=1)
    assert eventually(lambda: world.words("SucceededDaemonPod"))
    assert "will try to delete it" in world.words("SucceededDaemonPod")[0]


def test_only_so_many_old_revisions_stay(world):
    world.node("a")
    world.door.create(ADMIN, daemon_set(revisionHistoryLimit=1))
    for number in (1, 2, 3, 4):
        world.set_image(f"web:{number}")
        world.until_rolled_out(1)
    world.until(lambda: [one["revision"] for one in world.history()] == [3, 4])


def test_pods_and_history_left_by_one_are_taken_by_the_next(world):
    world.node("a")
    world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(1)
    (pod,), (revision,) = world.own_pods(), world.history()
    world.door.delete(
        ADMIN, DAEMON_SETS, "web", "shop", options=DeleteOptions(propagation="Orphan")
    )

    def is_orphan():
        found = world.door.get(ADMIN, "pods", name_of(pod), "shop")
        left = world.door.get(ADMIN, REVISIONS, name_of(revision), "shop")
        return controller_of(found) is None and controller_of(left) is None

    assert eventually(is_orphan)

    def is_gone():
        try:
            world.found()
        except NotFoundError:
            return True
        return False

    assert eventually(is_gone)
    made = world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(1)
    world.rest()
    (same,) = world.own_pods()
    assert uid_of(same) == uid_of(pod)
    assert [uid_of(one) for one in world.history()] == [uid_of(revision)]
    assert (controller_of(same) or {})["uid"] == uid_of(made)


def test_deleting_one_takes_pods_and_history_along(world):
    world.node("a")
    world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(1)
    world.door.delete(ADMIN, DAEMON_SETS, "web", "shop")
    assert eventually(lambda: not world.pods.list("shop"))
    assert eventually(lambda: not world.revisions.list("shop"))


def test_a_name_that_is_taken_by_another_is_counted_and_evaded(world):
    world.node("a")
    world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(1)
    (revision,) = world.history()
    world.door.delete(ADMIN, DAEMON_SETS, "web", "shop")
    assert eventually(lambda: not world.revisions.list("shop"))
    stranger = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": name_of(revision), "namespace": "shop"},
        "revision": 1,
        "data": {"spec": {}},
    }
    world.door.create(ADMIN, stranger)
    world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(1)
    assert world.found()["status"]["collisionCount"] == 1
    (own,) = world.history()
    assert name_of(own) != name_of(revision)


def test_two_revisions_of_one_template_become_one(world):
    world.node("a")
    world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(1)
    (revision,) = world.history()
    twin = {key: revision[key] for key in ("apiVersion", "kind", "data")}
    metadata = {key: revision["metadata"][key] for key in ("namespace", "ownerReferences")}
    metadata |= {"name": "twin", "labels": {"app": "web", HASH: "twin"}}
    world.door.create(ADMIN, {**twin, "metadata": metadata, "revision": 7})
    world.until(lambda: "twin" in [name_of(one) for one in world.history()])
    world.change({"metadata": {"annotations": {"look": "again"}}})
    world.until(lambda: [name_of(one) for one in world.history()] == ["twin"])
    world.until(lambda: world.hashes() == {"twin"})
    world.until_rolled_out(1)


def test_what_others_write_into_the_status_stays(world):
    world.node("a")
    world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(1)
    condition = {"type": "StatusUpdate", "status": "True", "reason": "E2E"}
    body = Patch("merge", {"status": {"conditions": [condition]}})
    world.door.patch(ADMIN, DAEMON_SETS, "web", "shop", patch=body, subresource="status")
    world.set_image("web:2")
    world.until_rolled_out(1)
    assert world.found()["status"]["conditions"] == [condition]


def test_going_back_leaves_the_pods_that_never_changed(world):
    for name in "abc":
        world.node(name)
    world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(3)
    before = {uid_of(pod) for pod in world.own_pods()}
    world.program = lambda pod: 1 if pod["spec"]["containers"][0]["image"] == "web:2" else None
    world.set_image("web:2")
    world.until(
        lambda: (
            "web:2" in {pod["spec"]["containers"][0]["image"] for pod in world.pods.list("shop")}
        )
    )
    world.set_image("web:1")
    world.clock.ahead += timedelta(minutes=1)
    world.poke()
    world.until_rolled_out(3)
    after = {uid_of(pod) for pod in world.own_pods()}
    assert len(before & after) == 2, "only the one that was replaced is new"


def test_a_revision_may_be_labelled_copied_and_taken_away(world):
    """Source: conformance, "ControllerRevision, resource lifecycle"."""
    world.node("a")
    world.door.create(ADMIN, daemon_set())
    world.until_rolled_out(1)
    (first,) = world.history()
    body = {"metadata": {"labels": {name_of(first): "patched"}}}
    world.change(body, REVISIONS, name_of(first))
    world.rest()  # from now on nobody looks before there is a reason to
    copied = {key: first[key] for key in ("apiVersion", "kind", "data")}
    metadata = {key: first["metadata"][key] for key in ("namespace", "ownerReferences")}
    metadata |= {"name": "copy", "labels": {"app": "web"}}
    world.door.create(ADMIN, {**copied, "metadata": metadata, "revision": 2})
    assert len(world.door.list(ADMIN, REVISIONS, "shop").items) == 2
    world.door.delete(ADMIN, REVISIONS, name_of(first), "shop")
    world.until(lambda: [name_of(one) for one in world.history()] == ["copy"])
    world.until(lambda: labels_of(world.history()[0]).get(HASH) == "copy")
    world.set_image("web:2")
    world.until_rolled_out(1)
    assert [one["revision"] for one in world.history()] == [2, 3]
    selected = ListOptions(labels=parse_label_selector(f"{HASH}=copy"))
    assert len(world.door.list(ADMIN, REVISIONS, "shop", selected).items) == 1
    world.door.delete_collection(ADMIN, REVISIONS, "shop", selected=selected)
    world.until(lambda: [one["revision"] for one in world.history()] == [3])
