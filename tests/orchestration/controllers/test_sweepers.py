"""Finished pods, lost pods and old events go; nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest

from paas.core.objects import ObjectKey, timestamp
from paas.orchestration.controllers.expiry import SWEEP_EVERY_S, EventExpiry, is_expired
from paas.orchestration.controllers.podgc import PodGarbage, homeless, never_started, surplus
from paas.orchestration.controllers.serviceaccounts import accounts_of
from tests.orchestration.controllers.world import ACTOR, BOUND_S, World, node_object

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SWEEP = ObjectKey("pods", "", "sweep")


class FakeClock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def world(clock):
    made = World(lambda context: [PodGarbage(context).controller()], now=clock)
    yield made
    made.close()


def pod(name, *, phase="Running", node="node", age_s=0, deleting=False):
    metadata = {
        "name": name,
        "namespace": "shop",
        "creationTimestamp": timestamp(NOW - timedelta(seconds=age_s)),
    }
    if deleting:
        metadata["deletionTimestamp"] = timestamp(NOW)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": node},
        "status": {"phase": phase},
    }


def names(pods):
    return [one["metadata"]["name"] for one in pods]


def test_the_oldest_finished_pods_beyond_the_bound_go():
    pods = [
        pod("new", phase="Succeeded", age_s=1),
        pod("old", phase="Failed", age_s=100),
        pod("older", phase="Succeeded", age_s=200),
        pod("running", age_s=999),
        pod("going", phase="Failed", age_s=999, deleting=True),
    ]
    assert names(surplus(pods, most=1)) == ["older", "old"]
    assert surplus(pods, most=3) == []


def test_pods_of_a_missing_node_are_homeless():
    pods = [pod("here"), pod("lost", node="gone"), pod("unbound", node="")]
    assert names(homeless(pods, {"node"})) == ["lost"]


def test_a_terminating_pod_that_was_never_bound_is_found():
    pods = [pod("stuck", node="", deleting=True), pod("bound", deleting=True), pod("new", node="")]
    assert names(never_started(pods)) == ["stuck"]


def test_a_lost_pod_fails_and_goes_once_its_node_was_missed_long_enough(world, clock):
    world.apply(node_object())
    world.apply(pod("here"))
    world.apply(pod("lost", node="gone"))
    controller = PodGarbage(world.context(world.door))
    for informer in (controller._pods, controller._nodes):
        informer.start()
        assert informer.wait_synced(BOUND_S)
    assert controller.reconcile(SWEEP) == 40.0
    assert world.door.count("pods") == 2
    clock.now += timedelta(seconds=40)
    assert controller.reconcile(SWEEP) is None
    assert names(world.door.list(ACTOR, "pods").items) == ["here"]
    statuses = [one for one in world.door.writes if one.subresource == "status"]
    assert [one.name for one in statuses] == ["lost"]
    for informer in (controller._pods, controller._nodes):
        informer.stop()
        assert informer.join(BOUND_S)


def test_a_node_that_is_only_late_in_the_copy_loses_no_pod(world, clock):
    world.apply(pod("early", node="node"))
    controller = PodGarbage(world.context(world.door))
    for informer in (controller._pods, controller._nodes):
        informer.start()
        assert informer.wait_synced(BOUND_S)
    controller.reconcile(SWEEP)
    clock.now += timedelta(seconds=60)
    with world.door._lock:  # the node is stored, and the informer cannot know yet
        world.apply(node_object())
        controller.reconcile(SWEEP)
    assert world.door.count("pods") == 1
    for informer in (controller._pods, controller._nodes):
        informer.stop()
        assert informer.join(BOUND_S)


def event(name, *, age_s):
    moment = timestamp(NOW - timedelta(seconds=age_s))
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "shop"},
        "involvedObject": {},
        "reason": "Started",
        "lastTimestamp": moment,
    }


@pytest.mark.parametrize(("age_s", "expired"), [(3599, False), (3600, False), (3601, True)])
def test_an_event_lives_an_hour(age_s, expired):
    assert is_expired(event("e", age_s=age_s), now=NOW) is expired


def test_an_event_that_names_no_moment_is_kept():
    assert not is_expired({"metadata": {}}, now=NOW)


def test_a_sweep_removes_expired_events_only(world):
    world.apply(event("old", age_s=4000))
    world.apply(event("new", age_s=10))
    swept = EventExpiry(world.context(world.door)).reconcile(SWEEP)
    assert swept == SWEEP_EVERY_S
    assert names(world.door.list(ACTOR, "events").items) == ["new"]


def test_projects_have_the_accounts_of_openshift_and_system_namespaces_only_default():
    assert accounts_of("shop") == ("default", "builder", "deployer")
    assert accounts_of("kube-system") == ("default",)
