"""The registry's notifications: who may send them, and what becomes of each."""

import json
import threading
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from paas.core.errors import BadRequestError, NotFoundError
from paas.images.names import Repository
from paas.images.notifications import pushes_of
from paas.images.rights import STREAMS
from paas.images.services import BUILD_SUBJECT, image_tag_record
from tests.images.conftest import Platform, push
from tests.images.people import ADMIN, Members

DIGEST = f"sha256:{'a' * 64}"


def event(**changes: Any) -> dict[str, Any]:
    """Return an event as docker-registry 2.8 sends it."""
    target = {"repository": "shop/web", "tag": "1", "digest": DIGEST}
    return {
        "action": "push",
        "timestamp": "2030-01-01T12:00:00.123456789Z",
        "target": target | changes.pop("target", {}),
        "actor": {"name": changes.pop("by", "ann")},
        **changes,
    }


def send(platform: Platform, body: Any, secret: str) -> int:
    """Send a notification as the registry does; return the answer's status."""
    transport = httpx.HTTPTransport(uds=str(platform.stack.instance.web_socket))
    with httpx.Client(transport=transport, base_url="http://web", timeout=60) as client:
        return client.post(
            "/registry/events",
            content=body if isinstance(body, str) else json.dumps(body),
            headers={"Authorization": secret, "X-Minato-Site": "registry"},
        ).status_code


def test_a_push_is_read():
    (found,) = pushes_of({"events": [event()]})
    assert (found.repository, found.tag, found.digest) == (Repository("shop", "web"), "1", DIGEST)
    assert found.by == "ann"
    assert found.at == datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "other",
    [
        event(action="pull"),
        event(action="mount"),
        event(action="delete"),
        event(target={"tag": ""}),
        event(target={"tag": "../x"}),
        event(target={"repository": "web"}),
        event(target={"repository": "a/b/c"}),
        event(target={"digest": "md5:1"}),
        event(by=f"{BUILD_SUBJECT}shop/web-1"),
        event(timestamp="yesterday"),
        {},
        "text",
    ],
)
def test_everything_else_is_let_go(other):
    assert pushes_of({"events": [other]}) == []


@pytest.mark.parametrize("envelope", [{}, {"events": None}, {"events": {}}])
def test_what_is_no_envelope_is_refused(envelope):
    with pytest.raises(BadRequestError):
        pushes_of(envelope)


@pytest.mark.parametrize("secret", ["", "Bearer", "Bearer wrong", "Basic eDp5"])
def test_a_stranger_cannot_notify(platform: Platform, secret: str):
    assert send(platform, {"events": [event()]}, secret) == 401


def test_nonsense_with_the_right_secret_is_a_bad_request(platform: Platform):
    secret = f"Bearer {platform.stack.notify_secret}"
    for body in ("{", "[]", {"events": 3}):
        assert send(platform, body, secret) == 400
    assert send(platform, "x" * (5 * 1024 * 1024), secret) == 413


def test_a_push_that_the_registry_does_not_have_makes_no_stream(
    platform: Platform, members: Members
):
    """A forged or overtaken event is answered, so that it is not sent for ever; nothing more."""
    members.project("shop")
    secret = f"Bearer {platform.stack.notify_secret}"
    assert send(platform, {"events": [event()]}, secret) == 200
    with pytest.raises(NotFoundError):
        platform.door.get(ADMIN, STREAMS, "web", "shop")


def test_a_push_into_a_project_that_is_gone_is_let_go(platform: Platform, image, members: Members):
    members.project("shop")
    token = members.person("ann", role="edit")
    assert push(platform, image("a"), "shop/moved:1", token).returncode == 0
    digest = platform.registry.digest(Repository("shop", "moved"), "1")
    platform.door.delete(ADMIN, "namespaces", "shop")
    secret = f"Bearer {platform.stack.notify_secret}"
    gone = event(target={"repository": "shop/moved", "digest": digest})
    assert send(platform, {"events": [gone]}, secret) == 200


def test_a_redelivered_push_adds_nothing(platform: Platform, image, members: Members):
    members.project("shop")
    token = members.person("ann", role="edit")
    assert push(platform, image("a"), "shop/twice:1", token).returncode == 0
    digest = platform.registry.digest(Repository("shop", "twice"), "1")
    secret = f"Bearer {platform.stack.notify_secret}"
    again = event(target={"repository": "shop/twice", "digest": digest})
    for _ in range(3):
        assert send(platform, {"events": [again, again]}, secret) == 200
    stream = platform.door.get(ADMIN, STREAMS, "twice", "shop")
    assert len(stream["status"]["tags"][0]["items"]) == 1


def test_pushes_at_once_all_come_into_the_history(platform: Platform, image, members: Members):
    """Ten writers of one stream: none of them loses its tag to another."""
    members.project("shop")
    token = members.person("ann", role="edit")
    assert push(platform, image("a"), "shop/many:0", token).returncode == 0
    digest = platform.registry.digest(Repository("shop", "many"), "0")
    failed: list[Exception] = []

    def record(number: int) -> None:
        try:
            image_tag_record(
                platform.cluster,
                registry=platform.registry,
                namespace="shop",
                stream="many",
                tag=f"t{number}",
                digest=digest,
                pushed_by="ann",
                at=datetime.now(UTC),
            )
        except Exception as error:  # noqa: BLE001 -- told by the test
            failed.append(error)

    threads = [threading.Thread(target=record, args=(number,)) for number in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    stream = platform.door.get(ADMIN, STREAMS, "many", "shop")
    assert {f"t{number}" for number in range(10)} <= {
        one["tag"] for one in stream["status"]["tags"]
    }
