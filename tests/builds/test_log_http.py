"""builds/log over HTTP, as `oc logs -f build/x` asks for it."""

import ssl
import threading
from typing import Any

import httpx
import pytest

from paas.apiserver.app import api_application
from paas.builds.logs import BuildLogs, LogWriter
from paas.core.actors import platform_actor
from tests.builds.objects import build
from tests.fakes.accounts import ADMIN_TOKEN, FakeAuthenticator
from tests.fakes.nodes import FakeNode
from tests.fixtures.apiserver import listening

PLATFORM = platform_actor("build-tests")
PATH = "/apis/build.openshift.io/v1/namespaces/shop/builds/web-1/log"


@pytest.fixture
def client(platform_door, loopback_certificate):
    """Yield an administrator's client of an API that has one build."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    platform_door.create(PLATFORM, namespace)
    api = api_application(platform_door, authenticator=FakeAuthenticator(), node=FakeNode())
    trust = ssl.create_default_context(cafile=str(loopback_certificate.certificate))
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    with (
        listening(api, loopback_certificate) as url,
        httpx.Client(
            base_url=url, headers=headers, verify=trust, trust_env=False, timeout=60
        ) as one,
    ):
        yield one


@pytest.fixture
def made(client, platform_door):
    return platform_door.create(PLATFORM, build(phase="Running"))


@pytest.fixture
def logs(platform_door):
    return BuildLogs(platform_door.store.database)


def write(logs, made, *pieces: bytes):
    one = LogWriter(logs, made["metadata"]["uid"], (), limit_bytes=1 << 20)
    for piece in pieces:
        one.write(piece)
    return one


def end(door, made, phase="Complete"):
    stored: dict[str, Any] = door.get(PLATFORM, "builds.build.openshift.io", "web-1", "shop")
    stored["status"]["phase"] = phase
    door.update(PLATFORM, stored)


def test_what_there_is_comes_at_once(client, made, logs):
    write(logs, made, b"hello\n", b"world\n")
    answer = client.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "hello\nworld\n"
    assert client.get(PATH, params={"offset": 6}).text == "world\n"
    assert client.get(PATH, params={"limitBytes": 3}).text == "hel"


def test_a_followed_log_comes_as_it_grows_and_ends(client, made, logs):
    writer = write(logs, made, b"hello\n")
    with client.stream("GET", PATH, params={"follow": "true"}) as answer:
        pieces = answer.iter_text()
        assert next(pieces) == "hello\n"
        writer.write(b"world\n")
        assert next(pieces) == "world\n"
        logs.finish(made["metadata"]["uid"])
        assert list(pieces) == []


def test_a_log_that_has_not_begun_is_waited_for_unless_the_client_will_not(client, made, logs):
    assert client.get(PATH, params={"nowait": "true"}).text == ""
    with client.stream("GET", PATH) as answer:
        timer = threading.Timer(0.2, lambda: write(logs, made, b"late\n"))
        timer.start()
        assert answer.read() == b"late\n"
        timer.join()


def test_a_build_that_ended_without_a_log_has_an_empty_one(client, made, platform_door):
    end(platform_door, made, "Cancelled")
    assert client.get(PATH, params={"follow": "true"}).text == ""


def test_a_build_that_is_not_there_and_a_wrong_method_are_refused(client, made):
    assert client.get(PATH.replace("web-1", "web-9")).status_code == 404
    assert client.post(PATH).status_code == 405
    assert client.get(PATH, params={"offset": -1}).status_code == 400


def test_it_needs_a_sign_in(client, made):
    assert client.get(PATH, headers={"authorization": "Bearer wrong"}).status_code == 401
