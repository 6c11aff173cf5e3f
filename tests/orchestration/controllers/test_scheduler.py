"""A pod goes where there is room, or is told in upstream's words why nowhere."""

import pytest

from paas.core.quantities import parse_quantity
from paas.orchestration.controllers.scheduler.controller import Scheduler
from paas.orchestration.controllers.scheduler.plan import Room, choose
from paas.orchestration.controllers.scheduler.requests import requests_of
from tests.orchestration.controllers.world import World, node_object


def pod(name="web", *, cpu="100m", memory="64Mi", **spec):
    resources = {"requests": {"cpu": cpu, "memory": memory}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"containers": [{"name": "c", "image": "i", "resources": resources}], **spec},
    }


def node(name="node", *, ready=True, **spec):
    made = node_object()
    made["metadata"] = {"name": name, "labels": {"kubernetes.io/hostname": name, "disk": "ssd"}}
    made["spec"] = spec
    made["status"]["conditions"][0]["status"] = str(ready)
    return made


def chosen(given, *rooms):
    return choose(given, requests_of(given), rooms)


TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("given", "room", "why"),
    [
        (pod(cpu="5"), Room(node()), "1 Insufficient cpu"),
        (pod(memory="9Gi"), Room(node()), "1 Insufficient memory"),
        (pod(cpu="5", memory="9Gi"), Room(node()), "1 Insufficient cpu, 1 Insufficient memory"),
        (pod(), Room(node(), {"cpu": parse_quantity("3950m")}), "1 Insufficient cpu"),
        (pod(), Room(node(), pods=110), "1 Too many pods"),
        (
            pod(nodeSelector={"disk": "hdd"}),
            Room(node()),
            "1 node(s) didn't match Pod's node affinity/selector",
        ),
        (pod(), Room(node(unschedulable=True)), "1 node(s) were unschedulable"),
        (pod(), Room(node(taints=[TAINT])), "1 node(s) had untolerated taint {gpu: yes}"),
        (
            pod(),
            Room(node(ready=False)),
            "1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }",
        ),
    ],
)
def test_the_reason_is_upstreams(given, room, why):
    assert chosen(given, room).message == f"0/1 nodes are available: {why}."


@pytest.mark.parametrize(
    "given",
    [
        pod(cpu="4", memory="8Gi"),
        pod(nodeSelector={"disk": "ssd"}),
        pod(tolerations=[{"operator": "Exists"}]),
        pod(tolerations=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]),
        pod(tolerations=[{"key": "gpu", "operator": "Exists"}]),
    ],
)
def test_what_fits_is_bound(given):
    tainted = node(taints=[TAINT]) if "tolerations" in given["spec"] else node()
    assert chosen(given, Room(tainted)).node == "node"


def affinity(*terms):
    required = {"nodeSelectorTerms": list(terms)}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


@pytest.mark.parametrize(
    ("terms", "fits"),
    [
        ([{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}], True),
        ([{"matchExpressions": [{"key": "disk", "operator": "NotIn", "values": ["ssd"]}]}], False),
        ([{}, {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}], True),
        ([{}], False),
        (
            [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node"]}]}],
            True,
        ),
    ],
)
def test_node_affinity_needs_one_term_to_match(terms, fits):
    assert bool(chosen(pod(affinity=affinity(*terms)), Room(node())).node) is fits


def test_without_nodes_nothing_is_available():
    assert chosen(pod()).message == "no nodes available to schedule pods"


def test_of_two_nodes_the_emptier_is_chosen():
    full = Room(node("a"), {"cpu": parse_quantity("3")})
    assert chosen(pod(), full, Room(node("b"))).node == "b"


def test_init_containers_count_by_their_largest_step():
    given = pod(cpu="100m")
    given["spec"]["initContainers"] = [
        {"name": "big", "resources": {"requests": {"cpu": "2"}}},
        {"name": "side", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
    ]
    assert requests_of(given)["cpu"] == parse_quantity("2")


@pytest.fixture
def world():
    made = World(lambda context: [Scheduler(context).controller()])
    yield made
    made.close()


def bound(world):
    return {
        one["metadata"]["name"] for one in world.seen.all("pods") if one["spec"].get("nodeName")
    }


def scheduled(world, name):
    found = world.seen.get("pods", name) or {}
    conditions = (found.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one["type"] == "PodScheduled"), {})


def test_pods_never_take_more_than_there_is_together(world):
    world.apply(node_object(cpu="1"))
    world.start()
    for number in range(20):
        world.apply(pod(f"p{number}", cpu="300m"))
    assert world.seen.wait(
        lambda: (
            len(bound(world)) == 3
            and sum(scheduled(world, f"p{n}").get("reason") == "Unschedulable" for n in range(20))
            == 17
        )
    )
    assert world.seen.wait(lambda: len(world.event_messages("Scheduled")) == 3)
    assert len(bound(world)) == 3


def test_a_waiting_pod_is_bound_when_another_ends(world):
    world.apply(node_object(cpu="1"))
    world.start()
    world.apply(pod("first", cpu="1"))
    assert world.seen.wait(lambda: bound(world) == {"first"})
    world.apply(pod("second", cpu="1"))
    assert world.seen.wait(lambda: scheduled(world, "second").get("reason") == "Unschedulable")
    first = world.door.get(None, "pods", "first", "shop")
    ended = {**first, "status": {**first["status"], "phase": "Succeeded"}}
    world.door.update(None, ended, subresource="status")
    assert world.seen.wait(lambda: "second" in bound(world))


def test_a_waiting_pod_is_bound_when_a_node_comes(world):
    world.start()
    world.apply(pod())
    assert world.seen.wait(
        lambda: scheduled(world, "web").get("message") == "no nodes available to schedule pods"
    )
    world.apply(node_object())
    assert world.seen.wait(lambda: bound(world) == {"web"})
    assert world.seen.wait(
        lambda: world.event_messages("Scheduled") == ["Successfully assigned shop/web to node"]
    )


def test_a_gated_pod_waits_for_its_gates(world):
    world.apply(node_object())
    world.start()
    world.apply(pod(schedulingGates=[{"name": "example.org/wait"}]))
    assert world.seen.wait(lambda: scheduled(world, "web").get("reason") == "SchedulingGated")
    world.change("pods", "web", {"spec": {"schedulingGates": None}})
    assert world.seen.wait(lambda: bound(world) == {"web"})


def test_a_pod_of_another_scheduler_is_left_alone(world):
    world.apply(node_object())
    world.start()
    world.apply(pod("theirs", schedulerName="theirs"))
    world.apply(pod("ours"))
    assert world.seen.wait(lambda: bound(world) == {"ours"})
    assert scheduled(world, "theirs") == {}
