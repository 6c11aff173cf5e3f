"""A ReplicaSet keeps its number of pods, lets the least missed go first, says what failed."""

from datetime import UTC, datetime, timedelta

import pytest

from paas.core.errors import ForbiddenError
from paas.core.objects import owner_reference, timestamp
from paas.orchestration.controllers.podcontrol import pod_from
from paas.orchestration.controllers.replicaset.controller import ReplicaSets
from paas.orchestration.controllers.replicaset.plan import batches, deletion_order, plan
from paas.orchestration.controllers.replicaset.status import (
    Failure,
    next_available_s,
    status_of,
)
from paas.orchestration.controllers.scheduler.controller import Scheduler
from tests.orchestration.controllers.world import World, node_object

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def replica_set(name="web", *, replicas=3, **spec):
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "shop", "uid": "rs-1", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {"note": "x"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            **spec,
        },
    }


def pod(
    name,
    *,
    node="a",
    phase="Running",
    ready_s=None,
    age_s=3600,
    restarts=0,
    deleting=False,
    cost=None,
    labels=None,
):
    made = {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": labels or {"app": "web"},
            "creationTimestamp": timestamp(NOW - timedelta(seconds=age_s)),
        },
        "spec": {"nodeName": node, "containers": [{"name": "web", "image": "web:1"}]},
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": "web", "restartCount": restarts}],
        },
    }
    if ready_s is not None:
        since = timestamp(NOW - timedelta(seconds=ready_s))
        condition = {"type": "Ready", "status": "True", "lastTransitionTime": since}
        made["status"]["conditions"] = [condition]
    if deleting:
        made["metadata"]["deletionTimestamp"] = timestamp(NOW)
    if cost is not None:
        made["metadata"]["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": cost}
    return made


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pod("x", node="", phase="Pending"), pod("a")),
        (pod("x", phase="Pending"), pod("a")),
        (pod("x"), pod("a", ready_s=10)),
        (pod("x", ready_s=10, cost="-5"), pod("a", ready_s=10)),
        (pod("x", ready_s=10), pod("a", ready_s=100000)),
        (pod("x", ready_s=10, restarts=5), pod("a", ready_s=10, restarts=1)),
        (pod("x", ready_s=10, age_s=100), pod("a", ready_s=10, age_s=100000)),
        (pod("a", ready_s=10), pod("x", ready_s=10)),
        (pod("x", ready_s=10, cost="no number"), pod("y", ready_s=10, cost="1")),
    ],
    ids=[
        "unassigned before assigned",
        "pending before running",
        "not ready before ready",
        "cheaper before dearer",
        "ready for a shorter time first",
        "restarted more often first",
        "younger first",
        "by name where all is equal",
        "a cost that is no number counts as 0",
    ],
)
def test_the_pod_least_missed_goes_first(first, second):
    for given in ([first, second], [second, first]):
        order = deletion_order(given, related=given, now=NOW)
        assert order == [first, second]


def test_of_equal_pods_the_one_on_the_fuller_node_goes_first():
    here, there = pod("y", node="full", ready_s=10), pod("a", node="empty", ready_s=10)
    related = [here, there, pod("sibling", node="full", ready_s=10)]
    assert deletion_order([here, there], related=related, now=NOW)[0] is here


@pytest.mark.parametrize(
    ("replicas", "present", "create", "delete"),
    [(3, 0, 3, 0), (3, 3, 0, 0), (1, 3, 0, 2), (0, 2, 0, 2), (600, 0, 500, 0)],
)
def test_the_difference_is_created_or_deleted(replicas, present, create, delete):
    pods = [pod(f"p{number}") for number in range(present)]
    todo = plan(replica_set(replicas=replicas), pods, related=pods, now=NOW)
    assert (todo.create, len(todo.delete)) == (create, delete)


def test_pods_are_created_in_batches_that_double():
    assert batches(10) == [1, 2, 4, 3]
    assert batches(0) == []


def test_a_new_pod_carries_the_template_and_its_owner():
    owner = replica_set()
    made = pod_from(owner, owner["spec"]["template"])
    assert made["metadata"]["generateName"] == "web-"
    assert made["metadata"]["labels"] == {"app": "web"}
    assert made["metadata"]["annotations"] == {"note": "x"}
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("ReplicaSet", "rs-1", True)


def test_the_status_counts_what_is_there():
    pods = [
        pod("ready", ready_s=100),
        pod("just", ready_s=5),
        pod("not"),
        pod("going", ready_s=100, deleting=True),
        pod("done", phase="Succeeded"),
    ]
    status = status_of(replica_set(minReadySeconds=10), pods, failure=None, now=NOW)
    assert status == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "terminatingReplicas": 1,
        "observedGeneration": 1,
    }
    assert next_available_s(replica_set(minReadySeconds=10), pods, now=NOW) == 5


def test_a_failure_becomes_a_condition_and_goes_with_its_cause():
    failure = Failure("FailedCreate", "exceeded quota")
    status = status_of(replica_set(), [], failure=failure, now=NOW)
    (condition,) = status["conditions"]
    assert (condition["type"], condition["status"]) == ("ReplicaFailure", "True")
    assert (condition["reason"], condition["message"]) == ("FailedCreate", "exceeded quota")
    healed = status_of({**replica_set(), "status": status}, [], failure=None, now=NOW)
    assert "conditions" not in healed


# -- against a door --------------------------------------------------------------------------


@pytest.fixture
def world():
    made = World(
        lambda context: [ReplicaSets(context).controller(), Scheduler(context).controller()]
    )
    made.apply(node_object())
    yield made
    made.close()


def stored(**more):
    obj = replica_set(**more)
    obj["metadata"] = {"name": "web", "namespace": "shop"}
    return obj


def available(world):
    found = world.seen.get("replicasets.apps", "web")
    return ((found or {}).get("status") or {}).get("availableReplicas", 0)


def test_pods_are_made_and_reported_until_all_are_available(world):
    world.start()
    world.start_node()
    world.apply(stored())
    assert world.seen.wait(lambda: available(world) == 3)
    assert world.seen.wait(lambda: len(world.seen.all("pods")) == 3)
    assert world.seen.wait(lambda: len(world.event_messages("SuccessfulCreate")) == 3)
    assert all(
        text.startswith("Created pod: web-") for text in world.event_messages("SuccessfulCreate")
    )


def test_scaling_down_deletes_and_tells(world):
    world.start()
    world.start_node()
    world.apply(stored())
    assert world.seen.wait(lambda: available(world) == 3)
    world.change("replicasets.apps", "web", {"spec": {"replicas": 1}})
    assert world.seen.wait(lambda: len(world.seen.all("pods")) == 1 and available(world) == 1)
    assert world.seen.wait(lambda: len(world.event_messages("SuccessfulDelete")) == 2)


def test_a_pod_that_disappears_is_replaced_once(world):
    world.start()
    world.start_node()
    world.apply(stored())
    assert world.seen.wait(lambda: available(world) == 3)
    victim = world.seen.all("pods")[0]["metadata"]["name"]
    world.door.delete(None, "pods", victim, "shop")
    assert world.seen.wait(
        lambda: (
            available(world) == 3
            and not world.seen.get("pods", victim)
            and len(world.seen.all("pods")) == 3
        )
    )
    assert world.seen.wait(lambda: len(world.seen.all("pods")) == 3)


def test_a_refusal_is_told_in_status_and_event_and_a_larger_quota_heals_it_at_once(world):
    full = {"yes": True}

    def refuse(verb, resource, _obj):
        if full and (verb, resource) == ("create", "pods"):
            raise ForbiddenError('pods "web-" is forbidden: exceeded quota: small')

    world.door.refuse = refuse
    quota = world.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "small", "namespace": "shop"},
            "spec": {"hard": {"pods": "0"}},
        }
    )
    world.start()
    world.start_node()
    world.apply(stored())

    def failure():
        found = world.seen.get("replicasets.apps", "web") or {}
        return ((found.get("status") or {}).get("conditions") or [{}])[0]

    assert world.seen.wait(lambda: failure().get("reason") == "FailedCreate")
    assert "exceeded quota" in failure()["message"]
    assert world.seen.wait(lambda: world.event_messages("FailedCreate"))
    assert world.event_messages("FailedCreate")[0].startswith("Error creating: pods")
    full.clear()
    quota["spec"]["hard"]["pods"] = "10"
    world.door.update(None, quota)
    assert world.seen.wait(lambda: available(world) == 3 and not failure())


def test_a_first_refusal_stops_the_batch(world):
    asked = []

    def refuse(verb, resource, obj):
        if (verb, resource) == ("create", "pods"):
            asked.append(obj)
            raise ForbiddenError("no")

    world.door.refuse = refuse
    controller = ReplicaSets(world.context(world.door))
    made = world.apply(stored(replicas=100))
    error = controller._act(made, plan(made, [], related=[], now=NOW))
    assert isinstance(error, ForbiddenError)
    assert len(asked) == 1


def test_matching_orphans_are_adopted_and_others_released(world):
    orphan = pod("orphan")
    del orphan["metadata"]["creationTimestamp"]
    world.apply({"apiVersion": "v1", "kind": "Pod", **orphan})
    world.start()
    world.start_node()
    made = world.apply(stored(replicas=1))

    def owners(name):
        found = world.seen.get("pods", name) or {"metadata": {}}
        return [one["uid"] for one in found["metadata"].get("ownerReferences") or ()]

    assert world.seen.wait(lambda: owners("orphan") == [made["metadata"]["uid"]])
    world.change("pods", "orphan", {"metadata": {"labels": {"app": "other"}}})
    assert world.seen.wait(lambda: owners("orphan") == [] and len(world.seen.all("pods")) == 2)


def test_a_pod_of_another_owner_is_left_alone(world):
    stranger = {**replica_set(), "metadata": {"name": "other", "namespace": "shop", "uid": "rs-2"}}
    taken = pod("taken")
    taken["metadata"]["ownerReferences"] = [owner_reference(stranger)]
    world.apply({"apiVersion": "v1", "kind": "Pod", **taken})
    world.start()
    world.start_node()
    world.apply(stored(replicas=1))
    assert world.seen.wait(lambda: available(world) == 1)
    assert world.seen.wait(lambda: len(world.seen.all("pods")) == 2)
