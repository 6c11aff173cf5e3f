"""The manager runs controllers, retries them as their errors ask, and knows how they do."""

import threading

import pytest

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.controller import Controller, Source, its_controller, itself
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Health, LoopHealth, Manager
from paas.apimachinery.engine.queue import Backoff
from paas.core.actors import platform_actor
from paas.core.errors import ConflictError, RetryLaterError, TerminalError
from paas.core.objects import ObjectKey, owner_reference
from tests.fakes.door import FakeDoor

ACTOR = platform_actor("test")
BOUND_S = 60
QUICK = Backoff(base_s=0.001, max_s=0.01)


def config_map(name, **more):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", **more},
    }


class Calls:
    """A reconcile that counts its keys and does what it is told."""

    def __init__(self, *outcomes):
        self.keys = []
        self.outcomes = list(outcomes)
        self.changed = threading.Condition()

    def __call__(self, key):
        with self.changed:
            self.keys.append(key)
            self.changed.notify_all()
            outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome() if callable(outcome) else outcome

    def wait_for(self, count):
        with self.changed:
            return self.changed.wait_for(lambda: len(self.keys) >= count, BOUND_S)


@pytest.fixture
def door():
    return FakeDoor()


@pytest.fixture
def manager(door):
    made = Manager(Informers(door, ACTOR))
    yield made
    assert made.stop(BOUND_S)


def watch_config_maps(manager, calls, **more):
    informer = manager.informers.of("configmaps")
    manager.add(
        Controller("test", calls, [Source(informer, itself("configmaps"))], backoff=QUICK, **more)
    )


def test_every_object_and_every_change_is_looked_at(door, manager):
    calls = Calls()
    made = door.create(ACTOR, config_map("one"))
    watch_config_maps(manager, calls)
    manager.start()
    assert calls.wait_for(1)
    door.update(ACTOR, {**made, "data": {"a": "b"}})
    assert calls.wait_for(2)
    assert {key.uid for key in calls.keys} == {made["metadata"]["uid"]}


@pytest.mark.parametrize(
    "outcome",
    [
        RuntimeError("boom"),
        ConflictError("stale"),
        RetryLaterError("wait", delay_s=0.001),
        0.001,
    ],
    ids=["failed", "conflicted", "later", "asked to be called again"],
)
def test_a_key_is_looked_at_again(door, manager, outcome):
    calls = Calls(outcome)
    door.create(ACTOR, config_map("one"))
    watch_config_maps(manager, calls)
    manager.start()
    assert calls.wait_for(2)


def test_a_terminal_error_leaves_the_key_alone_until_the_next_event(door, manager):
    calls = Calls(TerminalError("never"))
    made = door.create(ACTOR, config_map("one"))
    watch_config_maps(manager, calls)
    manager.start()
    assert calls.wait_for(1)
    door.update(ACTOR, {**made, "data": {"a": "b"}})
    assert calls.wait_for(2)
    assert manager.metrics()["test"].retries == 0


def test_failures_are_counted_until_one_success(door, manager):
    calls = Calls(RuntimeError("1"), RuntimeError("2"))
    door.create(ACTOR, config_map("one"))
    watch_config_maps(manager, calls)
    manager.start()
    assert calls.wait_for(3)
    assert manager.metrics()["test"].retries == 2


def test_a_reconcile_is_never_repeated_on_a_copy_older_than_its_own_writes(door, manager):
    client = Client(door, ACTOR)
    secrets = manager.informers.of("secrets")
    stale = []

    def ensure_secret(key):
        if secrets.get("shop", key.name) is None:
            if door.count("secrets"):
                stale.append(key)
                return None
            client.create(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": key.name, "namespace": "shop"},
                }
            )
            return 0.0001
        return None

    door.create(ACTOR, config_map("one"))
    informer = manager.informers.of("configmaps")
    done = Calls()

    def reconcile(key):
        again = ensure_secret(key)
        done(key)
        return again

    manager.add(
        Controller("test", reconcile, [Source(informer, itself("configmaps"))], reads=[secrets])
    )
    with door._lock:
        manager.start()
    assert done.wait_for(2)
    assert stale == []
    assert door.count("secrets") == 1


def test_a_deleted_object_is_waited_for_as_well(door, manager):
    client = Client(door, ACTOR)
    door.create(ACTOR, config_map("one"))
    victim = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "victim", "namespace": "shop"},
    }
    door.create(ACTOR, victim)
    secrets = manager.informers.of("secrets")
    seen = []

    def once():
        client.delete("secrets", "victim", "shop")
        return 0.0001

    def look():
        seen.append(secrets.get("shop", "victim"))

    calls = Calls(once, look)
    watch_config_maps(manager, calls, reads=[secrets])
    manager.start()
    assert calls.wait_for(2)
    assert seen == [None]


def test_children_lead_to_their_controller_by_uid(door, manager):
    calls = Calls()
    owner = door.create(ACTOR, config_map("owner"))
    secrets = manager.informers.of("secrets")
    keys = its_controller("configmaps", "ConfigMap")
    manager.add(Controller("test", calls, [Source(secrets, keys)]))
    manager.start()
    child = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "child",
            "namespace": "shop",
            "ownerReferences": [owner_reference(owner)],
        },
    }
    door.create(ACTOR, child)
    assert calls.wait_for(1)
    assert calls.keys == [ObjectKey("configmaps", "shop", "owner", owner["metadata"]["uid"])]


def test_updates_that_do_not_matter_are_not_looked_at(door, manager):
    calls = Calls()
    informer = manager.informers.of("configmaps")
    source = Source(
        informer, itself("configmaps"), matters=lambda old, new: old.get("data") != new.get("data")
    )
    manager.add(Controller("test", calls, [source]))
    manager.start()
    made = door.create(ACTOR, config_map("one"))
    made["metadata"]["labels"] = {"a": "b"}
    made = door.update(ACTOR, made)
    last = door.update(ACTOR, {**made, "data": {"a": "b"}})
    version = last["metadata"]["resourceVersion"]
    assert informer.wait_until(lambda: informer.has_seen(version), BOUND_S)
    assert calls.wait_for(1)
    assert manager.metrics()["test"].adds <= 2


def test_first_keys_are_looked_at_without_any_object(manager):
    calls = Calls()
    key = ObjectKey("", "", "sweep")
    manager.add(Controller("test", calls, first_keys=[key]))
    manager.start()
    assert calls.wait_for(1)
    assert calls.keys == [key]


def test_a_key_from_outside_the_store_can_be_asked_for(manager):
    calls = Calls()
    manager.add(Controller("test", calls))
    manager.start()
    key = ObjectKey("pods", "shop", "web")
    manager.enqueue("test", key)
    assert calls.wait_for(1)
    assert calls.keys == [key]


def test_a_controller_added_while_running_starts_at_once(door, manager):
    manager.start()
    calls = Calls()
    door.create(ACTOR, config_map("one"))
    watch_config_maps(manager, calls)
    assert calls.wait_for(1)


def test_stopping_before_anything_synced_ends_every_thread():
    class Deaf(FakeDoor):
        def list(self, *_args, **_kwargs):
            raise ConnectionError("no database")

    manager = Manager(Informers(Deaf(), ACTOR))
    calls = Calls()
    watch_config_maps(manager, calls)
    manager.start()
    assert manager.stop(BOUND_S)
    assert calls.keys == []


def test_health_names_dead_and_stuck_loops(manager):
    calls = Calls()
    watch_config_maps(manager, calls)
    manager.start()
    assert manager.health().ok
    assert {loop.name for loop in manager.health().loops} == {"informer-configmaps", "test-0"}
    manager.stop(BOUND_S)
    assert manager.health().problems == ["informer-configmaps is dead", "test-0 is dead"]
    stuck = Health((LoopHealth("pods-0", alive=True, idle_s=400, busy_s=301),))
    assert stuck.problems == ["pods-0 has worked on one key for 301 s"]
