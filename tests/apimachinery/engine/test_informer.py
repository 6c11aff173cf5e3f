"""An informer's copy becomes and stays true, whatever happens to its watch."""

from typing import Any

import pytest

from paas.apimachinery.engine.informer import BY_NAMESPACE, Selection, metadata_only
from paas.apimachinery.engine.informers import Informers
from paas.core.actors import platform_actor
from paas.core.objects import ObjectKey
from paas.core.selectors import parse_field_selector
from tests.fakes.door import FakeDoor

ACTOR = platform_actor("test")
BOUND_S = 60


def config_map(name, namespace="shop", **data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


@pytest.fixture
def door():
    return FakeDoor()


@pytest.fixture
def informers(door):
    made = Informers(door, ACTOR)
    yield made
    assert made.stop(BOUND_S)


def names(informer, namespace=""):
    return sorted(obj["metadata"]["name"] for obj in informer.list(namespace))


def test_it_holds_what_was_there_and_what_comes(door, informers):
    door.create(ACTOR, config_map("old"))
    informer = informers.of("configmaps")
    informers.start()
    assert informer.wait_synced(BOUND_S)
    assert names(informer) == ["old"]
    door.create(ACTOR, config_map("new"))
    assert informer.wait_until(lambda: names(informer) == ["new", "old"], BOUND_S)
    door.delete(ACTOR, "configmaps", "old", "shop")
    assert informer.wait_until(lambda: names(informer) == ["new"], BOUND_S)


def test_handlers_get_old_and_new_and_late_ones_get_what_is_there(door, informers):
    informer = informers.of("configmaps")
    early: list[tuple[str, str]] = []
    late: list[tuple[str, str]] = []

    def note(into):
        return lambda old, new: into.append(
            (old and old["data"].get("v"), new and new["data"].get("v"))
        )

    informer.add_handler(note(early))
    door.create(ACTOR, config_map("one", v="1"))
    informers.start()
    assert informer.wait_synced(BOUND_S)
    obj = door.get(ACTOR, "configmaps", "one", "shop")
    door.update(ACTOR, {**obj, "data": {"v": "2"}})
    assert informer.wait_until(lambda: len(early) == 2, BOUND_S)
    informer.add_handler(note(late))
    door.delete(ACTOR, "configmaps", "one", "shop")
    assert informer.wait_until(lambda: len(late) == 2, BOUND_S)
    assert early == [(None, "1"), ("1", "2"), ("2", None)]
    assert late == [(None, "2"), ("2", None)]


class NothingGone(dict[tuple[str, str], Any]):
    """Refuses to lose an object, be it for a moment."""

    def __delitem__(self, place):
        raise AssertionError(f"{place} was gone")


def test_an_object_that_changes_is_never_gone_for_a_reader_without_the_lock(door, informers):
    informer = informers.of("configmaps")
    informer._objects = NothingGone()
    made = door.create(ACTOR, config_map("one", v="1"))
    informers.start()
    assert informer.wait_synced(BOUND_S)
    version = door.update(ACTOR, {**made, "data": {"v": "2"}})["metadata"]["resourceVersion"]
    assert informer.wait_until(lambda: informer.has_seen(version), BOUND_S)
    assert informer.get("shop", "one")["data"] == {"v": "2"}
    assert not informer.failures


def test_after_a_cut_watch_it_resumes_without_gap_or_repeat(door, informers):
    informer = informers.of("configmaps")
    seen = []
    informer.add_handler(lambda _old, new: seen.append(new["metadata"]["name"]))
    informers.start()
    assert informer.wait_synced(BOUND_S)
    for number in range(20):
        door.create(ACTOR, config_map(f"c{number}"))
        if number % 5 == 0:
            door.cut_watches()
    assert informer.wait_until(lambda: len(seen) >= 20, BOUND_S)
    assert seen == [f"c{number}" for number in range(20)]


def test_after_an_expired_watch_it_lists_anew_and_tells_the_difference(door, informers):
    for name in ("kept", "changed", "gone"):
        door.create(ACTOR, config_map(name, v="1"))
    informer = informers.of("configmaps")
    informers.start()
    assert informer.wait_synced(BOUND_S)
    told = []
    informer.add_handler(
        lambda old, new: told.append((bool(old), bool(new), (old or new)["metadata"]["name"]))
    )
    told.clear()
    with door._lock:  # everything happens while no watch can see it
        obj = door.get(ACTOR, "configmaps", "changed", "shop")
        for watch in door._watches:
            watch._wants = lambda *_: False
        door.update(ACTOR, {**obj, "data": {"v": "2"}})
        door.delete(ACTOR, "configmaps", "gone", "shop")
        door.create(ACTOR, config_map("new"))
        door.forget_log()
    assert informer.wait_until(lambda: len(told) == 3, BOUND_S)
    assert sorted(told) == [
        (False, True, "new"),
        (True, False, "gone"),
        (True, True, "changed"),
    ]
    assert names(informer) == ["changed", "kept", "new"]


def test_a_new_object_of_an_old_name_is_not_taken_for_it(door, informers):
    first = door.create(ACTOR, config_map("one"))
    informer = informers.of("configmaps")
    informers.start()
    assert informer.wait_synced(BOUND_S)
    key = ObjectKey("configmaps", "shop", "one", first["metadata"]["uid"])
    assert informer.find(key) is not None
    door.delete(ACTOR, "configmaps", "one", "shop")
    second = door.create(ACTOR, config_map("one"))
    assert informer.wait_until(
        lambda: informer.has_seen(second["metadata"]["resourceVersion"]), BOUND_S
    )
    assert informer.find(key) is None
    assert informer.get("shop", "one")["metadata"]["uid"] == second["metadata"]["uid"]


def test_an_object_replaced_while_unseen_is_told_as_gone_and_new(door, informers):
    door.create(ACTOR, config_map("one", v="1"))
    informer = informers.of("configmaps")
    informers.start()
    assert informer.wait_synced(BOUND_S)
    told = []
    informer.add_handler(lambda old, new: told.append((old and "old", new and "new")))
    told.clear()
    with door._lock:
        for watch in door._watches:
            watch._wants = lambda *_: False
        door.delete(ACTOR, "configmaps", "one", "shop")
        door.create(ACTOR, config_map("one", v="2"))
        door.forget_log()
    assert informer.wait_until(lambda: len(told) == 2, BOUND_S)
    assert told == [("old", None), (None, "new")]


def test_indexes_follow_changes_and_leave_nothing_behind(door, informers):
    informer = informers.of("configmaps")
    informer.add_index("owner", lambda obj: obj["data"].get("of", "").split())
    informers.start()
    made = door.create(ACTOR, config_map("one", of="a b"))
    assert informer.wait_until(lambda: len(informer.by_index("owner", "b")) == 1, BOUND_S)
    door.update(ACTOR, {**made, "data": {"of": "c"}})
    assert informer.wait_until(lambda: len(informer.by_index("owner", "c")) == 1, BOUND_S)
    assert informer.by_index("owner", "a") == []
    assert informer.index_values("owner") == ["c"]
    assert len(informer.by_index(BY_NAMESPACE, "shop")) == 1
    assert informer.list("elsewhere") == []


def test_a_selection_holds_only_what_it_selects(door, informers):
    door.create(ACTOR, config_map("ca"))
    door.create(ACTOR, config_map("other"))
    informer = informers.of(
        "configmaps", Selection(fields=parse_field_selector("metadata.name=ca"))
    )
    informers.start()
    assert informer.wait_synced(BOUND_S)
    assert names(informer) == ["ca"]


def test_the_same_resource_is_informed_of_once(informers):
    assert informers.of("configmaps") is informers.of("configmaps")
    assert informers.known("pods") is None


def test_metadata_suffices_until_somebody_wants_all_of_it(door, informers):
    door.create(ACTOR, config_map("one", v="1"))
    trimmed = informers.of("configmaps", metadata_suffices=True)
    services = informers.of("services", metadata_suffices=True)
    assert informers.of("services") is services
    assert services.transform is None
    informers.start()
    assert trimmed.wait_synced(BOUND_S)
    assert "data" not in trimmed.get("shop", "one")
    with pytest.raises(RuntimeError):
        informers.of("configmaps")


def test_an_object_without_a_type_is_trimmed_like_any_other():
    assert metadata_only({"metadata": {"name": "one"}, "data": {}}) == {"metadata": {"name": "one"}}


def test_a_door_that_fails_is_asked_again():
    class Failing(FakeDoor):
        left = 3

        def list(self, *args, **kwargs):
            if self.left:
                self.left -= 1
                raise ConnectionError("no database")
            return super().list(*args, **kwargs)

    failing = Failing()
    failing.create(ACTOR, config_map("one"))
    own = Informers(failing, ACTOR)
    informer = own.of("configmaps")
    own.start()
    assert informer.wait_synced(BOUND_S)
    assert names(informer) == ["one"]
    assert informer.failures == 0
    assert own.stop(BOUND_S)


def test_one_handler_that_fails_does_not_starve_another(door, informers):
    informer = informers.of("configmaps")
    seen = []

    def broken(_old, _new):
        raise KeyError("missing")

    informer.add_handler(broken)
    informer.add_handler(lambda _old, new: seen.append(new))
    informers.start()
    door.create(ACTOR, config_map("one"))
    assert informer.wait_until(lambda: len(seen) == 1, BOUND_S)
    assert informer.alive
