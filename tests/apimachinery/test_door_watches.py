import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from paas.apimachinery.database import Database
from paas.apimachinery.door import Door
from paas.apimachinery.options import Patch, WatchOptions
from paas.apimachinery.sealing import KEY_BYTES, Sealer
from paas.core.actors import platform_actor
from paas.core.errors import ExpiredError
from paas.core.selectors import parse_field_selector, parse_label_selector
from tests.apimachinery.kinds import config_map, new_scheme, widget
from tests.fixtures.door import new_door

WIDGETS = "widgets.test.dev"
ME = platform_actor("test")

WITHIN = WatchOptions(timeout_s=100)
WRITER = "tests.apimachinery.writer"


def take(watch, count):
    found = []
    for event in watch:
        found.append(event)
        if len(found) == count:
            break
    return found


def secret(name):
    return {**config_map(name), "kind": "Secret", "data": {"a": "Yg=="}}


def paint(door, name, color):
    door.patch(ME, WIDGETS, name, "p", patch=Patch("merge", {"spec": {"color": color}}))


def test_a_watch_without_a_version_begins_with_what_is_there(door):
    door.create(ME, widget("a"))
    watch = door.watch(ME, WIDGETS, "p", WITHIN)
    door.create(ME, widget("b"))

    events = take(watch, 2)

    assert [(event.kind, event.obj["metadata"]["name"]) for event in events] == [
        ("ADDED", "a"),
        ("ADDED", "b"),
    ]


def test_initial_events_end_with_a_bookmark_only_where_it_was_asked_for(door):
    door.create(ME, widget("a"))
    asked = WatchOptions(send_initial_events=True, bookmarks=True, timeout_s=100)

    events = take(door.watch(ME, WIDGETS, "p", asked), 2)

    assert [event.kind for event in events] == ["ADDED", "BOOKMARK"]
    assert events[1].obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_watch_resumes_after_the_version_it_names(door):
    first = door.create(ME, widget("a"))
    paint(door, "a", "blue")
    door.delete(ME, WIDGETS, "a", "p")

    options = WatchOptions(resource_version=first["metadata"]["resourceVersion"])
    events = take(door.watch(ME, WIDGETS, "p", options), 2)

    assert [event.kind for event in events] == ["MODIFIED", "DELETED"]
    assert events[1].obj["spec"]["color"] == "blue"


def test_a_watch_from_before_this_process_began_reads_the_log(door, empty_database, account_tokens):
    first = door.create(ME, widget("a"))
    paint(door, "a", "blue")
    late = new_door(empty_database, new_scheme(), account_tokens)
    late.start()

    options = WatchOptions(resource_version=first["metadata"]["resourceVersion"])
    events = take(late.watch(ME, WIDGETS, "p", options), 1)
    late.stop()

    assert events[0].kind == "MODIFIED"


def test_an_object_that_leaves_the_selection_is_deleted_for_its_watcher(door):
    first = door.create(ME, widget("a", color="red"))
    options = WatchOptions(
        fields=parse_field_selector("spec.color=red"),
        resource_version=first["metadata"]["resourceVersion"],
    )
    watch = door.watch(ME, WIDGETS, "p", options)
    paint(door, "a", "blue")
    paint(door, "a", "green")
    paint(door, "a", "red")

    assert [event.kind for event in take(watch, 2)] == ["DELETED", "ADDED"]


def test_a_label_selector_sees_only_its_own(door):
    options = WatchOptions(labels=parse_label_selector("tier=web"))
    watch = door.watch(ME, WIDGETS, "p", options)
    door.create(ME, widget("other"))
    wish = widget("mine")
    wish["metadata"]["labels"] = {"tier": "web"}
    door.create(ME, wish)

    assert take(watch, 1)[0].obj["metadata"]["name"] == "mine"


def test_another_namespace_is_not_seen(door):
    watch = door.watch(ME, WIDGETS, "p", WITHIN)
    other = widget("a")
    other["metadata"]["namespace"] = "q"
    door.create(ME, other)
    door.create(ME, widget("b"))

    assert take(watch, 1)[0].obj["metadata"]["name"] == "b"


def test_a_watch_of_what_is_compacted_expires(door, empty_database, account_tokens):
    first = door.create(ME, widget("a"))
    paint(door, "a", "blue")
    door.create(ME, widget("b"))

    gone = door.store.compact(before=datetime.now(UTC) + timedelta(seconds=1))

    assert gone == 2
    late = new_door(empty_database, new_scheme(), account_tokens)
    late.start()
    options = WatchOptions(resource_version=first["metadata"]["resourceVersion"])
    with pytest.raises(ExpiredError, match="too old resource version"):
        late.watch(ME, WIDGETS, "p", options)
    late.stop()


def test_a_watch_ends_at_its_time_out_and_bookmarks_where_it_was(door):
    first = door.create(ME, widget("a"))
    version = first["metadata"]["resourceVersion"]
    options = WatchOptions(resource_version=version, bookmarks=True, timeout_s=0.05)

    events = list(door.watch(ME, WIDGETS, "p", options))

    assert [event.kind for event in events] == ["BOOKMARK"]
    assert events[0].obj["metadata"]["resourceVersion"] == version


def test_a_closed_watch_ends_from_another_thread(door):
    watch = door.watch(ME, WIDGETS, "p", WITHIN)
    threading.Timer(0.05, watch.close).start()

    assert list(watch) == []


def test_a_sealed_kind_is_watched_in_the_clear(door):
    watch = door.watch(ME, "secrets", "p", WITHIN)
    door.create(ME, secret("s"))

    assert take(watch, 1)[0].obj["data"] == {"a": "Yg=="}


def test_every_watcher_sees_every_event_once_and_in_the_same_order(
    door, empty_database, account_tokens
):
    """Writers in several processes, watchers in two: a sequence alone is not commit order."""
    writers, each = 4, 50
    other = new_door(empty_database, new_scheme(), account_tokens)
    other.start()
    watches = [one.watch(ME, "configmaps", "p", WITHIN) for one in (door, door, other)]
    running = [
        subprocess.Popen([sys.executable, "-m", WRITER, empty_database, f"w{number}", str(each)])
        for number in range(writers)
    ]

    seen = [
        [(event.obj["metadata"]["name"], event.obj["metadata"]["resourceVersion"]) for event in one]
        for one in (take(watch, writers * each) for watch in watches)
    ]
    codes = [one.wait(60) for one in running]
    other.stop()

    assert codes == [0] * writers
    assert seen[0] == seen[1] == seen[2]
    assert len({name for name, _ in seen[0]}) == writers * each
    versions = [int(version) for _, version in seen[0]]
    assert versions == sorted(versions)


WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
 WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
"""


def test_a_write_waits_for_the_one_that_has_its_number_already(door):
    """The lock itself, without chance: what got the lower number is committed first."""
    watch = door.watch(ME, WIDGETS, "p", WITHIN)
    kind = door.scheme.kind_of(WIDGETS)
    wish = widget("first")
    wish["metadata"]["uid"] = str(uuid.uuid4())
    with ThreadPoolExecutor() as threads:
        with door.store.transaction() as held:
            first = door.store.create(kind, wish, None, held)
            later = threads.submit(door.create, ME, widget("second"))
            with door.store.autocommit() as looker:
                for _ in range(3000):
                    if later.done() or looker.execute(WAITING).fetchone() == (1,):
                        break
                    threading.Event().wait(0.02)
                assert not later.done()
                assert looker.execute(WAITING).fetchone() == (1,)
        second = later.result(60)

    versions = [int(one["metadata"]["resourceVersion"]) for one in (first, second)]
    assert versions == sorted(versions)
    names = [event.obj["metadata"]["name"] for event in take(watch, 2)]
    assert names == ["first", "second"]


def test_a_bookmark_of_a_quiet_kind_moves_with_the_whole_log(door):
    version = door.create(ME, widget("quiet"))["metadata"]["resourceVersion"]
    options = WatchOptions(resource_version=version, bookmarks=True, timeout_s=0.5)
    watch = door.watch(ME, WIDGETS, "p", options)
    newest = int(door.create(ME, config_map("busy"))["metadata"]["resourceVersion"])
    assert door.hub.reach(newest, timeout_s=60)

    (mark,) = list(watch)

    assert int(mark.obj["metadata"]["resourceVersion"]) >= newest


def test_a_subscriber_that_fails_is_told_and_holds_up_nobody(door):
    got, lost = [], threading.Event()

    def fail(_change):
        raise ValueError("a sink of no use")

    door.hub.subscribe((WIDGETS,), door.hub.last, fail, lost=lost.set)
    well = door.hub.subscribe((WIDGETS,), door.hub.last, lambda change: got.append(change.name))
    for name in ("a", "b"):
        newest = int(door.create(ME, widget(name))["metadata"]["resourceVersion"])

    assert door.hub.reach(newest, timeout_s=60)
    assert lost.is_set()
    assert got == ["a", "b"]
    well.close()


def test_a_watch_that_cannot_read_a_change_ends_with_an_error(door, empty_database, account_tokens):
    keys = Sealer({"new": bytes([1]) * KEY_BYTES, "test": bytes(KEY_BYTES)})
    ahead = Door(new_scheme(), Database(empty_database), sealer=keys, account_tokens=account_tokens)
    ahead.start()
    watch = door.watch(ME, "secrets", "p", WatchOptions(timeout_s=100))
    ahead.create(ME, secret("by-a-newer-key"))
    ahead.stop()

    (error,) = take(watch, 1)

    assert (error.kind, error.obj["code"]) == ("ERROR", 500)
    others = door.watch(ME, WIDGETS, "p", WITHIN)
    later = int(door.create(ME, widget("later"))["metadata"]["resourceVersion"])
    assert door.hub.reach(later, timeout_s=60), "the hub goes on"
    assert take(others, 1)[0].obj["metadata"]["name"] == "later"
