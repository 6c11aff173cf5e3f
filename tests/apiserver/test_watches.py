"""Watches, as a client sees them: lines of JSON that come as things happen."""

import asyncio
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from paas.apimachinery.database import Database
from paas.apimachinery.door import Door
from paas.apimachinery.options import Event
from paas.apimachinery.rbac import GROUP as RBAC
from paas.apimachinery.sealing import KEY_BYTES, Sealer
from paas.apiserver.app import api_application
from paas.apiserver.limits import Limits
from paas.apiserver.mailboxes import Mailbox
from tests.apiserver.conftest import ADMIN, new_application, new_client
from tests.fakes.accounts import ADMIN_TOKEN, FakeAuthenticator
from tests.fakes.nodes import FakeNode
from tests.fixtures.apiserver import listening

MAPS = "/api/v1/namespaces/p/configmaps"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


def config_map(name, namespace="p", **labels):
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


@contextmanager
def watching(client, path=MAPS, headers=None, **params):
    """Open a watch; yield an iterator of its events. Its time is longer than the client waits."""
    query = {"watch": "true", "timeoutSeconds": 300, **params}
    with client.stream("GET", path, params=query, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        yield map(orjson.loads, answer.iter_lines())


def seen(event):
    return event["type"], event["object"]["metadata"]["name"]


def test_a_watch_without_a_version_begins_with_what_is_there(client, door, namespace):
    door.create(ADMIN, config_map("old"))
    with watching(client) as events:
        assert seen(next(events)) == ("ADDED", "old")
        door.create(ADMIN, config_map("new"))
        assert seen(next(events)) == ("ADDED", "new")


def test_a_watch_from_a_version_sees_every_change_after_it_once(client, door, namespace):
    version = door.create(ADMIN, config_map("a"))["metadata"]["resourceVersion"]
    changed = door.create(ADMIN, config_map("b"))
    changed["data"] = {"x": "y"}
    door.update(ADMIN, changed)
    door.delete(ADMIN, "configmaps", "b", "p")
    with watching(client, resourceVersion=version) as events:
        found = [seen(next(events)) for _ in range(3)]
    assert found == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "b")]


def test_a_watch_sees_only_its_namespace_and_selection(client, door, namespace):
    version = door.store.newest()
    door.create(ADMIN, config_map("elsewhere", "q", app="web"))
    door.create(ADMIN, config_map("plain"))
    door.create(ADMIN, config_map("chosen", app="web"))
    with watching(client, resourceVersion=version, labelSelector="app=web") as events:
        assert seen(next(events)) == ("ADDED", "chosen")


def test_a_watch_of_one_name_is_spelled_as_a_field_selector(client, door, namespace):
    version = door.store.newest()
    door.create(ADMIN, config_map("a"))
    door.create(ADMIN, config_map("b"))
    selector = "metadata.name=b"
    with watching(client, resourceVersion=version, fieldSelector=selector) as events:
        assert seen(next(events)) == ("ADDED", "b")


def test_a_watch_ends_after_its_time_with_a_bookmark(client, door, namespace):
    version = door.create(ADMIN, config_map("a"))["metadata"]["resourceVersion"]
    params = {"resourceVersion": version, "timeoutSeconds": 1, "allowWatchBookmarks": "true"}
    with watching(client, **params) as events:
        (last,) = list(events)
    assert last["type"] == "BOOKMARK"
    assert last["object"] == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": version},
    }


def test_a_watch_that_asked_for_no_bookmarks_gets_none(client, door, namespace):
    version = door.store.newest()
    with watching(client, resourceVersion=version, timeoutSeconds=1) as events:
        assert list(events) == []


def test_initial_events_end_with_an_annotated_bookmark(client, door, namespace):
    door.create(ADMIN, config_map("a"))
    params = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    with watching(client, **params) as events:
        assert seen(next(events)) == ("ADDED", "a")
        end = next(events)
        assert end["type"] == "BOOKMARK"
        assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert end["object"]["metadata"]["resourceVersion"] == str(door.store.newest())
        door.create(ADMIN, config_map("b"))
        assert seen(next(events)) == ("ADDED", "b")


def test_initial_events_of_nothing_still_end_with_the_bookmark(client, namespace):
    params = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    with watching(client, **params) as events:
        assert "k8s.io/initial-events-end" in next(events)["object"]["metadata"]["annotations"]


def test_initial_events_need_the_match_that_says_how_fresh(client, namespace):
    answer = client.get(MAPS, params={"watch": "true", "sendInitialEvents": "true"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
    assert "requires setting resourceVersionMatch to NotOlderThan" in answer.json()["message"]


def test_a_watch_from_a_compacted_version_gets_410_as_an_event(
    door, namespace, second_door, loopback_certificate, trust
):
    door.create(ADMIN, config_map("a"))
    door.store.compact(before=datetime.now(UTC) + timedelta(hours=1))
    second_door.start()
    with (
        listening(new_application(second_door, FakeNode()), loopback_certificate) as url,
        new_client(url, trust) as client,
        watching(client, resourceVersion="1") as events,
    ):
        event = next(events)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


def test_a_version_that_is_no_number_is_a_400(client, namespace):
    answer = client.get(MAPS, params={"watch": "1", "resourceVersion": "soon"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


def test_a_watch_as_table_carries_headings_once(client, door, namespace):
    version = door.store.newest()
    door.create(ADMIN, config_map("a"))
    door.create(ADMIN, config_map("b"))
    with watching(client, headers=TABLE, resourceVersion=version) as events:
        first, second = next(events), next(events)
    assert first["object"]["kind"] == "Table"
    assert [one["name"] for one in first["object"]["columnDefinitions"]] == ["Name", "Age"]
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][0] == "b"
    assert second["object"]["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def test_a_watch_as_partial_metadata_has_no_data(client, door, namespace):
    version = door.store.newest()
    door.create(ADMIN, {**config_map("a"), "data": {"x": "y"}})
    accept = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    with watching(client, headers=accept, resourceVersion=version) as events:
        event = next(events)
    assert event["object"]["kind"] == "PartialObjectMetadata"
    assert "data" not in event["object"]


def test_a_watch_is_json_only(client, namespace):
    answer = client.get(MAPS, params={"watch": "1"}, headers={"accept": "application/yaml"})
    assert (answer.status_code, answer.json()["reason"]) == (406, "NotAcceptable")


def test_a_watcher_that_leaves_takes_its_subscription_with_it(client, door, namespace):
    version = door.store.newest()
    with watching(client, resourceVersion=version):
        assert len(door.hub._subscriptions["configmaps"]) == 1
    gone = threading.Event()

    def look():
        while door.hub._subscriptions["configmaps"]:
            if gone.wait(0.02):
                return

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(60)
    gone.set()
    assert door.hub._subscriptions["configmaps"] == []


@pytest.mark.parametrize("count", [1, 3])
def test_a_mailbox_hands_over_in_order(count):
    async def scenario():
        box = Mailbox(asyncio.get_running_loop(), 100)
        for number in range(count):
            box.put(Event("ADDED", {"n": number}))
        return await box.take(1)

    assert [event.obj["n"] for event in asyncio.run(scenario())] == list(range(count))


def test_a_mailbox_that_is_too_far_behind_drops_everything_and_says_so():
    async def scenario():
        box = Mailbox(asyncio.get_running_loop(), size=2)
        box.limit()
        for _ in range(4):
            box.put(Event("ADDED", {}))
        async with asyncio.timeout(60):
            await box.lagging.wait()
        return await box.take(0)

    assert asyncio.run(scenario()) == []


def test_what_is_there_at_the_start_is_no_backlog():
    async def scenario():
        box = Mailbox(asyncio.get_running_loop(), size=2)
        for _ in range(5):
            box.put(Event("ADDED", {}))
        box.limit()
        return await box.take(0)

    assert len(asyncio.run(scenario())) == 5


def test_a_put_from_another_thread_wakes_the_waiting_loop():
    async def scenario():
        box = Mailbox(asyncio.get_running_loop(), 100)
        threading.Thread(target=box.put, args=(Event("ADDED", {}),)).start()
        return await box.take(60)

    assert len(asyncio.run(scenario())) == 1


async def _stalled(api, door, version):
    """Watch as a client that never reads; return when the server lets go of it."""
    sent = asyncio.Event()
    never = asyncio.Event()

    async def send(message):
        if message["type"] == "http.response.body" and message["body"]:
            sent.set()
            await never.wait()

    async def receive():
        await never.wait()

    scope = {
        "type": "http",
        "method": "GET",
        "path": MAPS,
        "query_string": f"watch=1&resourceVersion={version}".encode(),
        "headers": [(b"authorization", b"Bearer admin-token")],
    }
    serving = asyncio.ensure_future(api(scope, receive, send))
    await sent.wait()
    await asyncio.to_thread(_flood, door)
    await serving


def _flood(door):
    for number in range(8):
        door.create(ADMIN, config_map(f"f{number}"))


def test_a_client_that_stops_reading_is_dropped(door, node, namespace):
    api = new_application(door, node, bounds=Limits(watch_backlog=3))
    version = door.store.newest()
    door.create(ADMIN, config_map("first"))

    async def scenario():
        await api.startup()
        async with asyncio.timeout(60):
            await _stalled(api, door, version)
        await api.shutdown()

    asyncio.run(scenario())
    assert door.hub._subscriptions["configmaps"] == []


def test_a_bookmark_of_a_quiet_kind_moves_with_the_whole_log(
    door, namespace, loopback_certificate, trust
):
    version = door.create(ADMIN, config_map("quiet"))["metadata"]["resourceVersion"]
    params = {"resourceVersion": version, "allowWatchBookmarks": "true"}
    with (
        beating_client(door, loopback_certificate, trust, ADMIN_TOKEN) as client,
        watching(client, **params) as events,
    ):
        busy = door.create(ADMIN, {**config_map("busy"), "kind": "Secret"})
        newest = int(busy["metadata"]["resourceVersion"])
        mark = next(one for one in events if version_of(one) >= newest)
    assert mark["type"] == "BOOKMARK"


def version_of(event):
    return int(event["object"]["metadata"]["resourceVersion"])


@pytest.fixture
def ahead(empty_database, door_scheme, account_tokens):
    """Yield a door that seals with a key which the others do not have yet."""
    keys = Sealer({"new": bytes([1]) * KEY_BYTES, "test": bytes(KEY_BYTES)})
    one = Door(door_scheme, Database(empty_database), sealer=keys, account_tokens=account_tokens)
    one.start()
    yield one
    one.stop()


def test_after_an_error_nothing_comes_any_more(door, namespace, ahead, loopback_certificate, trust):
    api = new_application(door, FakeNode(), bounds=Limits(watch_beat_s=0.0))
    unreadable = {**config_map("by-a-newer-key"), "kind": "Secret", "data": {"a": "Yg=="}}
    path, params = MAPS.replace("configmaps", "secrets"), {"allowWatchBookmarks": "true"}
    with (
        listening(api, loopback_certificate) as url,
        new_client(url, trust) as client,
        watching(client, path, resourceVersion=door.store.newest(), **params) as events,
    ):
        ahead.create(ADMIN, unreadable)
        kinds = [event["type"] for event in events]
    assert kinds[-1] == "ERROR"
    assert kinds.count("ERROR") == 1


@contextmanager
def beating_client(door, certificate, trust, token):
    """Yield a client of an API that asks ten times a second whether a watch may go on."""
    api = new_application(door, FakeNode(), bounds=Limits(watch_beat_s=0.1))
    with listening(api, certificate) as url, new_client(url, trust, token) as one:
        yield one


def test_a_watch_ends_when_its_right_is_taken_away(door, namespace, loopback_certificate, trust):
    give(door, "ann")
    with beating_client(door, loopback_certificate, trust, "user-ann") as ann:
        with watching(ann, resourceVersion=door.store.newest()) as events:
            door.create(ADMIN, config_map("seen"))
            assert seen(next(events)) == ("ADDED", "seen")
            door.delete(ADMIN, f"rolebindings.{RBAC}", "ann", "p")
            assert list(events) == []
        answer = ann.get(MAPS, params={"watch": "true"})
    assert answer.status_code == 403


def test_a_watch_ends_when_its_token_is_revoked(door, namespace, loopback_certificate, trust):
    tokens = FakeAuthenticator()
    bounds = Limits(watch_beat_s=0.1)
    api = api_application(door, authenticator=tokens, node=FakeNode(), bounds=bounds)
    with (
        listening(api, loopback_certificate) as url,
        new_client(url, trust) as admin,
        watching(admin, resourceVersion=door.store.newest()) as events,
    ):
        tokens.revoke(ADMIN_TOKEN)
        assert list(events) == []


def test_a_watch_as_somebody_else_ends_with_the_right_to_be_them(
    door, namespace, loopback_certificate, trust
):
    give(door, "ann")
    acting = {"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"]}
    role = {"kind": "ClusterRole", "metadata": {"name": "acting"}, "rules": [acting]}
    door.create(ADMIN, {"apiVersion": f"{RBAC}/v1", **role})
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "acting"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "acting"},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": "bob"}],
    }
    door.create(ADMIN, binding)
    with beating_client(door, loopback_certificate, trust, "user-bob") as bob:
        bob.headers["impersonate-user"] = "ann"
        with watching(bob, resourceVersion=door.store.newest()) as events:
            door.create(ADMIN, config_map("seen"))
            assert seen(next(events)) == ("ADDED", "seen")
            door.delete(ADMIN, f"clusterrolebindings.{RBAC}", "acting")
            assert list(events) == []
        answer = bob.get(MAPS, params={"watch": "true"})
    assert answer.json()["message"].startswith('users "ann" is forbidden: User "bob" cannot')


def give(door, name):
    """Let somebody watch the config maps of `p`."""
    rule = {"verbs": ["watch"], "apiGroups": [""], "resources": ["configmaps"]}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": name}, "rules": [rule]}
    door.create(ADMIN, role, "p")
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": name}],
    }
    door.create(ADMIN, binding, "p")
