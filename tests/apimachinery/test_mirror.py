"""What is read from memory is proven as it is written, and refuses nobody while it is old."""

import threading

import pytest

from paas.apimachinery.database import Database
from paas.apimachinery.door import Door
from paas.apimachinery.hub import Change
from paas.apimachinery.options import DeleteOptions, Patch
from paas.apimachinery.scheme import Scheme
from paas.apimachinery.sealing import Sealer
from paas.core.actors import platform_actor
from paas.core.errors import ForbiddenError, NotFoundError
from paas.orchestration.admission import PLUGINS
from paas.orchestration.kinds import KINDS

ME = platform_actor("test")


def namespace(name="shop"):
    metadata = {"name": name, "finalizers": ["example.com/stay"]}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def settings(name):
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


@pytest.fixture
def door_scheme() -> Scheme:
    return Scheme(KINDS, PLUGINS)


@pytest.fixture
def other(door, door_scheme, empty_database, account_tokens):
    """Give another process's door."""
    one = Door(
        door_scheme,
        Database(empty_database),
        sealer=Sealer({"a": b"k" * 32}),
        account_tokens=account_tokens,
    )
    one.start()
    yield one
    one.stop()


class Held:
    """Holds back what the hub tells a mirror, and its version with it."""

    def __init__(self, door, monkeypatch):
        self.version = door.mirror.version
        self.held: list[Change] = []
        self._take = door.mirror._take
        monkeypatch.setattr(type(door.mirror), "version", property(lambda _: self.version))
        monkeypatch.setattr(door.mirror, "catch_up", self.catch_up)
        for subscriptions in door.hub._subscriptions.values():
            for one in subscriptions:
                if one.sink == door.mirror._take:
                    one.sink = self.held.append

    def catch_up(self, _seen=0):
        """Let go of what has come, as when the hub has caught up."""
        changes, self.held[:] = list(self.held), []
        for change in changes:
            self._take(change)
            self.version = max(self.version, change.version)
        return bool(changes)


def test_nothing_is_stored_by_a_view_that_is_old(door, other, monkeypatch):
    other.create(ME, namespace())
    assert door.mirror.catch_up() is not None
    door.create(ME, settings("before"))
    old = Held(door, monkeypatch)
    other.delete(ME, "namespaces", "shop", options=DeleteOptions())
    assert door.hub.reach(other.store.newest(), timeout_s=60)
    assert old.held, "this process has not been told"
    with pytest.raises(ForbiddenError, match="because it is being terminated"):
        door.create(ME, settings("after"))
    with pytest.raises(NotFoundError):
        door.get(ME, "configmaps", "after", "shop")


def test_nobody_is_refused_by_a_view_that_is_old(door, other, monkeypatch):
    old = Held(door, monkeypatch)
    other.create(ME, namespace())
    assert door.hub.reach(other.store.newest(), timeout_s=60)
    assert old.held, "this process has not been told"
    assert door.create(ME, settings("at-once"))["metadata"]["name"] == "at-once"


def test_a_refusal_that_holds_is_said_once_and_a_warning_too(door, other):
    with pytest.raises(NotFoundError, match='namespaces "shop" not found'):
        door.create(ME, settings("nowhere"))


def test_what_does_not_concern_the_namespace_holds_nobody_up(door, other):
    other.create(ME, namespace())
    stop = threading.Event()

    def label_others():
        other.create(ME, namespace("other"))
        number = 0
        while not stop.is_set():
            number += 1
            mark = Patch("merge", {"metadata": {"labels": {"n": str(number)}}})
            other.patch(ME, "namespaces", "other", patch=mark)

    busy = threading.Thread(target=label_others)
    busy.start()
    try:
        for number in range(100):
            door.create(ME, settings(f"s{number}"))
    finally:
        stop.set()
        busy.join()


def test_a_namespace_that_changes_all_the_time_lets_writes_through(door, other):
    other.create(ME, namespace())
    stop = threading.Event()

    def label():
        number = 0
        while not stop.is_set():
            number += 1
            mark = Patch("merge", {"metadata": {"labels": {"n": str(number)}}})
            other.patch(ME, "namespaces", "shop", patch=mark)
            stop.wait(0.01)

    busy = threading.Thread(target=label)
    busy.start()
    try:
        for number in range(50):
            door.create(ME, settings(f"s{number}"))
    finally:
        stop.set()
        busy.join()


def test_a_quota_that_was_made_elsewhere_holds_at_once(door, other, monkeypatch):
    other.create(ME, namespace())
    door.create(ME, settings("before"))
    old = Held(door, monkeypatch)
    metadata = {"name": "none", "namespace": "shop"}
    hard = {"hard": {"configmaps": "1"}}
    other.create(
        ME, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": hard}
    )
    assert door.hub.reach(other.store.newest(), timeout_s=60)
    assert old.held, "this process has not been told"
    with pytest.raises(ForbiddenError, match="exceeded quota: none"):
        door.create(ME, settings("after"))
