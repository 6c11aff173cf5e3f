"""The edge: who is asking, what is too large, what takes too long, what nobody foresaw."""

import asyncio
import threading

import pytest
import structlog

from paas.apiserver.documents import parse_json, parse_yaml
from paas.apiserver.limits import Limits
from paas.apiserver.statuses import failure, warning_headers
from paas.apiserver.threads import DoorThreads
from paas.core.errors import (
    BadRequestError,
    Cause,
    InvalidError,
    PaasError,
    TooManyRequestsError,
)
from tests.apiserver.conftest import ADMIN, new_application, new_client
from tests.fakes.nodes import FakeNode
from tests.fixtures.apiserver import listening

MAPS = "/api/v1/namespaces/p/configmaps"


def test_a_wrong_token_is_a_401_that_says_how_to_sign_in(api_server, trust):
    with new_client(api_server.url, trust, token="wrong") as stranger:
        answer = stranger.get(MAPS)
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="minato"'


def test_neither_a_password_nor_a_cookie_signs_in(api_server, trust):
    with new_client(api_server.url, trust, token="") as stranger:
        assert stranger.get(MAPS, auth=("admin", "secret")).status_code == 401
        answer = stranger.get(MAPS, headers={"cookie": "__Host-minato-session=admin-token"})
        assert answer.status_code == 403


def test_an_actor_without_rights_is_refused_in_upstreams_words(api_server, trust):
    with new_client(api_server.url, trust, token="user-bob") as bob:
        answer = bob.get(f"{MAPS}/one")
    assert answer.status_code == 403
    assert answer.json()["message"] == (
        'configmaps "one" is forbidden: User "bob" cannot get resource "configmaps" in API group '
        '"" in the namespace "p"'
    )
    assert answer.json()["details"] == {"name": "one", "kind": "configmaps"}


def test_a_right_works_as_soon_as_it_is_granted_and_only_there(api_server, door, trust):
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader", "namespace": "p"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "bob", "namespace": "p"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob"}],
    }
    with new_client(api_server.url, trust, token="user-bob") as bob:
        assert bob.get(MAPS).status_code == 403
        door.create(ADMIN, role)
        door.create(ADMIN, binding)
        assert bob.get(MAPS).status_code == 200
        assert bob.get("/api/v1/namespaces/q/configmaps").status_code == 403
        assert bob.get("/api/v1/configmaps").status_code == 403
        assert bob.post(MAPS, json={"metadata": {"name": "x"}}).status_code == 403


def test_a_url_that_is_too_long_is_a_414(client):
    assert client.get(f"{MAPS}?labelSelector={'a' * 20_000}").status_code == 414


def test_what_nobody_foresaw_shows_an_id_and_logs_it(client, door, namespace):
    def explode(*_, **__):
        raise RuntimeError("the password is secret")

    door.create = explode
    with structlog.testing.capture_logs() as logs:
        answer = client.post(MAPS, json={"metadata": {"name": "x"}})
    assert (answer.status_code, answer.json()["reason"]) == (500, "InternalError")
    assert "secret" not in answer.text
    (entry,) = [one for one in logs if one["event"] == "request_failed"]
    assert entry["reference"] in answer.json()["message"]


@pytest.fixture
def hanging(door):
    """Let every create hang until the test sets the event."""
    going = threading.Event()
    door.create = lambda *_, **__: going.wait(30)
    yield going
    going.set()


def test_a_request_that_takes_too_long_is_a_504(door, hanging, loopback_certificate, trust):
    api = new_application(door, FakeNode(), bounds=Limits(request_timeout_s=0.05))
    with listening(api, loopback_certificate) as url, new_client(url, trust) as client:
        answer = client.post(MAPS, json={"metadata": {"name": "x"}})
    assert (answer.status_code, answer.json()["reason"]) == (504, "Timeout")


def test_too_many_at_once_are_told_to_come_back(door, loopback_certificate, trust):
    api = new_application(door, FakeNode(), bounds=Limits(in_flight=0))
    with (
        listening(api, loopback_certificate) as url,
        new_client(url, trust, token="") as client,
    ):
        answer = client.post(MAPS, json={"metadata": {"name": "x"}})
    assert (answer.status_code, answer.json()["reason"]) == (429, "TooManyRequests")
    assert answer.headers["retry-after"] == "1"


def test_an_invalid_object_names_every_cause():
    causes = [Cause("FieldValueRequired", "Required value", "spec.x")]
    error = InvalidError('Thing "a" is invalid: spec.x: Required value', causes=causes)
    response = failure(error)
    assert response.status == 422
    assert b'"causes":[{"reason":"FieldValueRequired"' in response.body


def test_a_reason_that_is_ours_alone_is_a_500():
    assert failure(PaasError("odd")).status == 500


def test_warnings_are_quoted_and_never_repeated():
    headers = warning_headers(['a "b"', 'a "b"', "two\r\nlines"])
    assert headers == (
        (b"warning", b'299 - "a \\"b\\""'),
        (b"warning", b'299 - "two lines"'),
    )


def test_yaml_whose_aliases_would_blow_up_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(BadRequestError, match="more than"):
        parse_yaml("\n".join(lines).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"a: &a [*a]",
        b"a: 1\na: 2",
        b"--- {a: 1}\n--- {a: 2}",
        b"!!python/object/apply:os.system [id]",
        b"a: !!binary aGk=",
        b"a: [",
        b"[" * 2000 + b"]" * 2000,
        b"\x00",
    ],
)
def test_yaml_that_has_no_place_in_json_is_refused(text):
    with pytest.raises(BadRequestError):
        parse_yaml(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"a: 2026-01-01", {"a": "2026-01-01"}),
        (b"a: 12:30:45", {"a": "12:30:45"}),
        (b"a: yes", {"a": True}),
        (b"a: 0644", {"a": 420}),
        (b"a: 1.5", {"a": 1.5}),
        (b"a: 1e3", {"a": 1000.0}),
        (b"1: x", {"1": "x"}),
        (b"base: &b {x: 1}\nmore: {<<: *b, y: 2}", {"base": {"x": 1}, "more": {"x": 1, "y": 2}}),
    ],
)
def test_yaml_is_read_as_kubernetes_reads_it(text, value):
    assert parse_yaml(text) == value


@pytest.mark.parametrize("text", [b"[" * 5000 + b"]" * 5000, b'{"a":' * 500 + b"1" + b"}" * 500])
def test_json_that_is_nested_too_deep_is_refused(text):
    with pytest.raises(BadRequestError):
        parse_json(text)


def test_a_thread_is_counted_until_its_call_ends():
    async def scenario():
        threads, going = DoorThreads(size=1, in_flight=1), threading.Event()
        first = asyncio.ensure_future(threads.run(going.wait, 10))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(TooManyRequestsError):
            await threads.run(going.wait, 10)
        going.set()
        threads.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", MAPS),
        ("PUT", f"{MAPS}/one"),
        ("PATCH", f"{MAPS}/one"),
        ("DELETE", f"{MAPS}/one"),
        ("DELETE", MAPS),
        ("POST", f"{MAPS}/one/rotation"),
    ],
)
def test_a_body_is_not_parsed_for_somebody_without_rights(api_server, trust, method, path):
    headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
    with new_client(api_server.url, trust, token="user-bob") as bob:
        answer = bob.request(method, path, content=b"{ no JSON", headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")


def test_an_invented_method_makes_no_series_of_its_own(client):
    client.request("PROPFIND", MAPS)
    text = client.get("/metrics").text
    assert "PROPFIND" not in text
    assert 'verb="OTHER",resource="configmaps",code="405"' in text


def test_writes_and_denials_are_kept_with_the_address_they_came_from(api_server, trust, door):
    source = {"x-forwarded-for": "192.0.2.7"}  # as the edge sets it
    with new_client(api_server.url, trust, "user-ann") as ann:
        ann.get(MAPS, headers=source)
        ann.get("/metrics", headers=source)
        ann.get(MAPS, headers={"impersonate-user": "admin"})
    with door.store.autocommit() as connection:
        rows = connection.execute(
            "SELECT actor, verb, resource, name, allowed, source FROM minato_audit ORDER BY id"
        ).fetchall()
    assert rows == [
        ("ann", "list", "configmaps", "", False, "192.0.2.7"),
        ("ann", "get", "", "/metrics", False, "192.0.2.7"),
        ("ann", "impersonate", "users", "admin", False, "127.0.0.1"),
    ]
