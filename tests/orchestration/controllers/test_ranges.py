"""No two namespaces share user ids or a network; a number rests before it is used again."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network

import pytest

from paas.core.errors import RetryLaterError
from paas.core.objects import ObjectKey
from paas.orchestration.controllers.ranges.controller import (
    LEDGER,
    NamespaceRanges,
    read_ledger,
)
from paas.orchestration.controllers.ranges.plan import (
    MOST,
    POD_SUBNET,
    REST,
    UID_RANGE,
    Entry,
    annotations_for,
    free_number,
    next_release_s,
    number_of,
    swept,
)
from paas.settings.instance import Instance
from tests.orchestration.controllers.world import ACTOR, BOUND_S, World

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_number_of_every_instance_gives_something_of_its_own():
    notes = [
        annotations_for(Instance(number=instance), number)
        for instance in (0, 1, 15)
        for number in range(1, MOST + 1)
    ]
    for annotation in (UID_RANGE, POD_SUBNET, "openshift.io/sa.scc.mcs"):
        assert len({one[annotation] for one in notes}) == len(notes)


def test_networks_lie_in_the_instances_own_and_leave_the_machine_the_first():
    instance = Instance(number=2)
    subnets = [
        IPv4Network(annotations_for(instance, number)[POD_SUBNET]) for number in (1, 500, MOST)
    ]
    assert all(one.subnet_of(instance.pod_network) for one in subnets)
    assert not any(instance.node_address in one for one in subnets)


def test_user_ids_lie_above_the_instances_base():
    assert annotations_for(Instance(), 1)[UID_RANGE] == "1000065536/65536"
    assert annotations_for(Instance(), 1)["openshift.io/sa.scc.supplemental-groups"] == (
        "1000065536/65536"
    )


def test_an_mcs_level_is_a_pair_of_different_categories():
    levels = [
        annotations_for(Instance(), number)["openshift.io/sa.scc.mcs"] for number in (1, 2, 3)
    ]
    assert levels == ["s0:c2,c0", "s0:c2,c1", "s0:c3,c0"]


def test_a_number_given_back_rests():
    ledger = {1: Entry("gone", "a"), 2: Entry("here", "b")}
    after = swept(ledger, {"here"}, now=NOW)
    assert after == {1: Entry("gone", "a", NOW), 2: Entry("here", "b")}
    assert free_number(after) == 3
    assert next_release_s(after, now=NOW + timedelta(minutes=10)) == 50 * 60
    assert swept(after, {"here"}, now=NOW + REST - timedelta(seconds=1)) == after
    rested = swept(after, {"here"}, now=NOW + REST)
    assert rested == {2: Entry("here", "b")}
    assert free_number(rested) == 1
    assert next_release_s(rested, now=NOW) is None


def test_a_namespace_that_reappears_keeps_its_number():
    ledger = {4: Entry("u", "a", NOW)}
    assert number_of(swept(ledger, {"u"}, now=NOW), "u") == 4
    assert swept(ledger, {"u"}, now=NOW + 2 * REST) == {4: Entry("u", "a")}


def test_when_all_are_taken_there_is_none():
    assert free_number({number: Entry(str(number), "x") for number in range(1, MOST + 1)}) is None


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
    made = World(
        lambda context: [NamespaceRanges(context, Instance()).controller()],
        now=clock,
        resources=("namespaces", "configmaps"),
    )
    yield made
    made.close()


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def subnet(world, name):
    found = world.seen.get("namespaces", name, "") or {"metadata": {}}
    return (found["metadata"].get("annotations") or {}).get(POD_SUBNET)


def ledger(world):
    return read_ledger(world.seen.get("configmaps", LEDGER, "kube-system"))


def test_a_deleted_namespace_gives_its_number_back_and_the_next_does_not_get_it(world):
    world.start()
    first = world.apply(namespace("first"))
    assert world.seen.wait(lambda: subnet(world, "first") == "10.64.1.0/24")
    world.door.delete(ACTOR, "namespaces", "first")
    assert world.seen.wait(lambda: ledger(world).get(1, Entry("", "")).freed_at == NOW)
    assert ledger(world)[1].uid == first["metadata"]["uid"]
    world.apply(namespace("second"))
    assert world.seen.wait(lambda: subnet(world, "second") == "10.64.2.0/24")


def test_after_a_crash_between_ledger_and_namespace_the_number_is_found_again(world):
    made = world.apply(namespace("shop"))

    def refuse(verb, resource, _obj):
        if (verb, resource) == ("update", "namespaces"):
            raise ConnectionError("crash")

    world.door.refuse = refuse
    controller = NamespaceRanges(world.context(world.door), Instance())
    controller._namespaces.start()
    assert controller._namespaces.wait_synced(BOUND_S)
    key = ObjectKey("namespaces", "", "shop", made["metadata"]["uid"])
    with pytest.raises(ConnectionError):
        controller.reconcile(key)
    controller._namespaces.stop()
    assert controller._namespaces.join(BOUND_S)
    world.door.refuse = lambda *_: None
    world.start()
    assert world.seen.wait(lambda: subnet(world, "shop") == "10.64.1.0/24")
    assert list(ledger(world)) == [1]


def test_two_processes_never_give_the_same_number(world):
    world.start()
    world.start()
    names = [f"p{number}" for number in range(15)]
    for name in names:
        world.apply(namespace(name))
    assert world.seen.wait(lambda: all(subnet(world, name) for name in names))
    assert len({subnet(world, name) for name in names}) == len(names)


def test_when_all_are_taken_it_is_tried_again_later(world):
    taken = {
        str(number): f'{{"uid":"{number}","name":"x","freedAt":"{NOW.isoformat()}"}}'
        for number in range(1, MOST + 1)
    }
    world.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": LEDGER, "namespace": "kube-system"},
            "data": taken,
        }
    )
    made = world.apply(namespace("late"))
    controller = NamespaceRanges(world.context(world.door), Instance())
    controller._namespaces.start()
    assert controller._namespaces.wait_synced(BOUND_S)
    key = ObjectKey("namespaces", "", "late", made["metadata"]["uid"])
    with pytest.raises(RetryLaterError):
        controller.reconcile(key)
    controller._namespaces.stop()
    assert controller._namespaces.join(BOUND_S)
