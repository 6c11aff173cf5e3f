"""Events are counted when they repeat, combined when they are alike, dropped when they flood."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.events import COMBINED, EventSink, last_seen
from paas.core.actors import platform_actor
from paas.core.errors import ForbiddenError
from tests.fakes.door import FakeDoor

ACTOR = platform_actor("test")
PATIENCE_S = 60
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop", "uid": "1"},
}


class World:
    def __init__(self):
        self.door = FakeDoor()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.sink = EventSink(
            Client(self.door, ACTOR),
            now=lambda: self.now,
            host="node",
            clock=lambda: self.now.timestamp(),  # noqa: PLW0108 -- `now` moves on
        )
        self.events = self.sink.recorder("test-controller")

    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    def stored(self):
        self.sink.flush()
        return self.door.list(ACTOR, "events").items


@pytest.fixture
def world():
    return World()


def test_an_event_says_who_saw_what_about_which_object_and_when(world):
    world.events.normal(POD, "Started", "Started container web", field_path="spec.containers{web}")
    (event,) = world.stored()
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "shop",
        "name": "web",
        "uid": "1",
        "fieldPath": "spec.containers{web}",
    }
    assert event["metadata"]["namespace"] == "shop"
    assert event["metadata"]["name"].startswith("web.")
    assert event["source"] == {"component": "test-controller", "host": "node"}
    assert (event["type"], event["reason"], event["count"]) == ("Normal", "Started", 1)
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:00Z"


def test_an_event_about_a_cluster_wide_object_lies_in_default(world):
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "2"}}
    world.events.normal(node, "NodeReady", "ready")
    assert [event["metadata"]["namespace"] for event in world.stored()] == ["default"]


def test_a_repeat_counts_up_the_first_event(world):
    for _ in range(3):
        world.events.warning(POD, "BackOff", "Back-off restarting")
        world.stored()
        world.wait(10)
    (event,) = world.stored()
    assert event["count"] == 3
    assert event["firstTimestamp"] == "2026-01-01T00:00:00Z"
    assert event["lastTimestamp"] == "2026-01-01T00:00:20Z"


def test_who_flushes_waits_for_what_the_thread_is_just_writing(world):
    writing, go_on = threading.Event(), threading.Event()

    def hold(_verb, _resource, _obj):
        writing.set()
        assert go_on.wait(PATIENCE_S)

    world.door.refuse = hold
    world.sink.start()
    world.events.normal(POD, "Started", "Started container web")
    assert writing.wait(PATIENCE_S)
    flushing = threading.Thread(target=world.sink.flush)
    flushing.start()
    flushing.join(0.1)
    assert flushing.is_alive(), "it is not stored yet"
    go_on.set()
    flushing.join(PATIENCE_S)
    assert [event["reason"] for event in world.stored()] == ["Started"]
    assert world.sink.stop(PATIENCE_S)


def test_a_repeat_after_the_event_was_pruned_is_written_anew(world):
    world.events.warning(POD, "BackOff", "Back-off restarting")
    (event,) = world.stored()
    world.door.delete(ACTOR, "events", event["metadata"]["name"], "shop")
    world.wait(1)
    world.events.warning(POD, "BackOff", "Back-off restarting")
    (again,) = world.stored()
    assert again["count"] == 2


def test_the_eleventh_different_message_of_one_reason_is_combined(world):
    for number in range(14):
        world.events.warning(POD, "Failed", f"failure {number}")
        world.wait(1)
    events = world.stored()
    assert len(events) == 11
    (combined,) = [event for event in events if event["message"].startswith(COMBINED)]
    assert combined["message"] == f"{COMBINED}failure 13"
    assert combined["count"] == 4


def test_a_flood_about_one_object_stops_after_25_and_trickles_on(world):
    for number in range(40):
        world.events.warning(POD, f"Reason{number}", "flood")
    assert len(world.stored()) == 25
    world.wait(300)
    world.events.warning(POD, "Later", "one more")
    world.events.warning(POD, "Later", "too much")
    assert len(world.stored()) == 26


def test_another_object_is_not_silenced_by_a_flood(world):
    other = {**POD, "metadata": {"name": "db", "namespace": "shop", "uid": "2"}}
    for number in range(40):
        world.events.warning(POD, f"Reason{number}", "flood")
    world.events.warning(other, "Failed", "heard")
    assert any(event["message"] == "heard" for event in world.stored())


def test_an_event_that_is_refused_disturbs_nobody(world):
    def refuse(_verb, _resource, obj):
        if obj["reason"] == "Killing":
            raise ForbiddenError("the namespace is being terminated")

    world.door.refuse = refuse
    world.events.normal(POD, "Killing", "refused")
    world.events.normal(POD, "Started", "written")
    assert [event["reason"] for event in world.stored()] == ["Started"]


def test_the_thread_writes_what_waits_before_it_ends(world):
    world.sink.start()
    for number in range(20):
        world.events.normal(POD, f"Reason{number}", "m")
    assert world.sink.stop(60)
    assert world.door.count("events") == 20


def test_a_message_is_cut_at_1024_bytes(world):
    world.events.normal(POD, "Long", "é" * 2000)
    (event,) = world.stored()
    assert len(event["message"].encode()) == 1024


def test_the_newest_moment_is_found_in_events_of_either_api():
    made = {"metadata": {"creationTimestamp": "1"}}
    assert last_seen(made) == "1"
    assert last_seen({**made, "eventTime": "2"}) == "2"
    assert last_seen({**made, "series": {"lastObservedTime": "3"}, "eventTime": "2"}) == "3"
    assert last_seen({**made, "lastTimestamp": "4"}) == "4"
