"""Streams on the real hub and database: what is sent, to whom, and what resumes where."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.db import connections

from paas.core.errors import PaasError
from paas.core.objects import ApiObject
from paas.manager import runtime
from paas.manager.builds import build_logs
from tests.webui.conftest import PLATFORM
from tests.webui.test_builds import build, stage, write  # noqa: F401 -- fixtures
from webui.sites import Scope
from webui.streams import fragments, pod_logs
from webui.streams.application import Streams
from webui.streams.pod_logs import pod_log_follow

PATIENCE_S = 60
OURS = {"sec-fetch-site": "same-origin"}
APP = "/projects/shop/applications/web"


async def _pages(scope, receive, send):
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Browser:
    """One open stream."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.gone = asyncio.Event()

    async def send(self, message):
        await self.sent.put(message)

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def status(self):
        async with asyncio.timeout(PATIENCE_S):
            return (await self.sent.get())["status"]

    async def event(self):
        """Return the next event as its fields, leaving out signs of life."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                text = (await self.sent.get())["body"].decode()
                fields: dict[str, str] = {}
                for line in text.strip().splitlines():
                    name, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    fields[name] = f"{fields[name]}\n{value}" if name in fields else value
                if "data" in fields or not text:
                    return fields


@asynccontextmanager
async def opened(client, path, **headers):
    cookie = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
    given = {"host": "testserver", "accept": "text/event-stream", "cookie": cookie, **OURS}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    path, _, query = path.partition("?")
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "scheme": "https",
        "headers": [(name.encode(), value.encode()) for name, value in given.items() if value],
    }
    browser, streams = Browser(), Streams(_pages)
    serving = asyncio.ensure_future(streams(scope, browser.receive, browser.send))
    try:
        yield browser
    finally:
        browser.gone.set()
        async with asyncio.timeout(PATIENCE_S):
            await serving
        # what is rendered now is not to outlive the test, whose door it asks
        await asyncio.to_thread(streams._render._threads.shutdown)


def _sign_out(client):
    client.post("/sign-out")
    connections.close_all()  # a thread's own, which nobody else would close


def run(story):
    """Run a story whose setting up is synchronous, as the door is."""
    return asyncio.run(story)


def test_a_page_is_sent_again_when_something_of_it_changes(web, build, cluster):  # noqa: F811
    async def story():
        async with opened(web, f"{APP}/builds") as browser:
            assert await browser.status() == 200
            first = await browser.event()
            assert first["event"] == "fragment"
            assert "Running" in first["data"]
            assert "<html" not in first["data"]

            await asyncio.to_thread(write, cluster, build, phase="Complete")
            assert "Complete" in (await browser.event())["data"]

    run(story())


def test_the_head_of_an_application_is_sent_beside_its_page(web, cluster, request):
    async def story():
        async with opened(web, APP) as browser:
            assert await browser.status() == 200
            first = (await browser.event())["data"]
            assert "<template data-live-beside>" in first
            assert f"{APP}/builds/start" not in first

            await asyncio.to_thread(request.getfixturevalue, "build")
            assert f"{APP}/builds/start" in (await browser.event())["data"]

    run(story())


def make_pod(cluster, name):
    cluster.create(
        PLATFORM,
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"deployment": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:1"}]},
        },
    )


def test_a_page_without_a_log_loads_itself_anew_when_a_pod_is_there(web, cluster):
    async def story():
        async with opened(web, f"{APP}/logs") as browser:
            await browser.status()
            assert "No pod runs" in (await browser.event())["data"]
            await asyncio.to_thread(make_pod, cluster, "web-1")
            assert await browser.event() == {"event": "leave", "data": "205"}

    run(story())


def test_who_reads_the_log_of_a_pod_that_goes_is_offered_the_next(web, cluster):
    make_pod(cluster, "web-1")

    async def story():
        async with opened(web, f"{APP}/logs?pod=web-1&container=web") as browser:
            await browser.status()
            assert "Go on with the log" not in (await browser.event())["data"]
            await asyncio.to_thread(make_pod, cluster, "web-2")
            said = (await browser.event())["data"]
            assert "web-2" in said
            assert "Go on with the log" not in said
            await asyncio.to_thread(cluster.delete, PLATFORM, "pods", "web-1", "shop")
            assert "Go on with the log of web-2" in (await browser.event())["data"]

    run(story())


def test_people_have_no_change_log_and_are_looked_at_again(administrator, person, monkeypatch):
    monkeypatch.setattr(fragments, "BEAT_S", 0.2)

    async def story():
        async with opened(administrator, "/users") as browser:
            await browser.status()
            assert "zoe" not in (await browser.event())["data"]
            await asyncio.to_thread(_made, person, "zoe")
            assert "zoe" in (await browser.event())["data"]

    run(story())


def _made(person, name):
    person(name)
    connections.close_all()  # a thread's own, which nobody else would close


@pytest.mark.parametrize(
    "path", [f"{APP}/scale", f"{APP}/yaml", "/projects/shop/members", "/projects/shop/quota"]
)
def test_a_page_is_live_wherever_something_can_change(web, path):
    async def story():
        async with opened(web, path) as browser:
            assert await browser.status() == 200
            event = await browser.event()
            assert event["event"] == "fragment"
            assert "<form" not in event["data"].split("<template")[0] or "members" in path

    run(story())
    assert f'data-live="{path}"' in web.get(path).content.decode()


def test_a_change_elsewhere_sends_nothing(web, build, cluster):  # noqa: F811
    async def story():
        async with opened(web, f"{APP}/builds") as browser:
            await browser.status()
            await browser.event()
            request = {
                "apiVersion": "project.openshift.io/v1",
                "kind": "ProjectRequest",
                "metadata": {"name": "other"},
            }
            await asyncio.to_thread(cluster.create, PLATFORM, request)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await browser.event()

    run(story())


def test_who_loses_the_role_is_sent_nothing_more(web, viewer, build, cluster):  # noqa: F811
    async def story():
        async with opened(viewer, f"{APP}/builds") as browser:
            await browser.status()
            await browser.event()
            bindings = "rolebindings.rbac.authorization.k8s.io"
            await asyncio.to_thread(cluster.delete, PLATFORM, bindings, "view", "shop")
            await asyncio.to_thread(write, cluster, build, phase="Complete")
            assert await browser.event() == {"event": "leave", "data": "403"}

    run(story())


def test_a_signed_out_browser_is_sent_nothing_more(web, build, cluster):  # noqa: F811
    async def story():
        async with opened(web, f"{APP}/builds") as browser:
            await browser.status()
            await browser.event()
            await asyncio.to_thread(_sign_out, web)
            await asyncio.to_thread(write, cluster, build, phase="Complete")
            assert await browser.event() == {"event": "leave", "data": "401"}

    run(story())


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (APP, {"sec-fetch-site": "cross-site"}, 403),
        (APP, {"sec-fetch-site": "", "origin": "https://evil.example"}, 403),
        (APP, {"sec-fetch-site": ""}, 403),
        (APP, {"sec-fetch-site": "", "origin": "https://testserver"}, 200),
        ("/nothing", {}, 404),
        ("/password", {}, 406),
        (APP, {"accept": "text/html"}, 299),
    ],
)
def test_a_stream_opens_only_for_our_own_pages(web, path, headers, status):
    async def story():
        async with opened(web, path, **headers) as browser:
            assert await browser.status() == status
            if status == 200:  # its page is made in a thread, which is not to outlive the test
                await browser.event()

    run(story())


@pytest.mark.parametrize("path", [APP, "/projects/shop/builds/web-1/log"])
def test_a_browser_whose_session_has_ended_is_led_to_the_sign_in(web, path):
    async def story():
        async with opened(web, path, cookie="") as browser:
            assert await browser.status() == 200
            assert await browser.event() == {"event": "leave", "data": "401"}

    run(story())


def test_a_build_log_comes_live_and_ends_with_the_build(web, build):  # noqa: F811
    uid = build["metadata"]["uid"]
    build_logs().append(uid, 0, "Schlüssel\n".encode())

    async def story():
        async with opened(web, "/projects/shop/builds/web-1/log") as browser:
            await browser.status()
            first = await browser.event()
            assert (json.loads(first["data"]), first["id"]) == ("Schlüssel\n", "11")
            await asyncio.to_thread(build_logs().append, uid, 11, b"two\n")
            assert json.loads((await browser.event())["data"]) == "two\n"
            await asyncio.to_thread(build_logs().finish, uid)
            assert (await browser.event())["event"] == "end"

    run(story())


def test_a_build_log_resumes_where_it_was(web, build):  # noqa: F811
    uid = build["metadata"]["uid"]
    build_logs().append(uid, 0, b"one\ntwo\nthree\n")
    build_logs().finish(uid)

    async def story():
        async with opened(web, "/projects/shop/builds/web-1/log", last_event_id="4") as browser:
            await browser.status()
            assert json.loads((await browser.event())["data"]) == "two\nthree\n"

    run(story())


def test_a_build_log_that_a_script_opens_again_resumes_by_its_address(web, build):  # noqa: F811
    uid = build["metadata"]["uid"]
    build_logs().append(uid, 0, b"one\ntwo\nthree\n")
    build_logs().finish(uid)
    log = "/projects/shop/builds/web-1/log?position=4"

    async def story():
        async with opened(web, log) as browser:
            await browser.status()
            assert json.loads((await browser.event())["data"]) == "two\nthree\n"
        async with opened(web, log, last_event_id="8") as browser:
            await browser.status()
            assert json.loads((await browser.event())["data"]) == "three\n"

    run(story())


def test_a_stranger_reads_no_log(build, stranger):  # noqa: F811
    async def story():
        async with opened(stranger, "/projects/shop/builds/web-1/log") as browser:
            await browser.status()
            end = await browser.event()
            assert end["event"] == "end"
            assert "forbidden" in end["data"]

    run(story())


class Node:
    """A node agent that has these lines and says what it was asked."""

    def __init__(self, *lines: bytes) -> None:
        self.lines, self.closed = lines, False
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, actor, pod: ApiObject, **asked):
        self.asked.append({"actor": actor, "pod": pod, **asked})
        return self

    async def __aiter__(self):
        for line in self.lines:
            yield 1, line

    async def close(self):
        self.closed = True


def follow(monkeypatch, node, position="", **query):
    monkeypatch.setattr(runtime, "node_client", lambda: node)
    monkeypatch.setattr(pod_logs, "_authorised", lambda *_: {"metadata": {"name": "web-1"}})

    async def story():
        where = {"project": "shop", "pod": "web-1"}
        return [piece async for piece in pod_log_follow(PLATFORM, where, query, position)]

    return run(story())


def test_a_pod_log_is_sent_without_its_time_stamps(monkeypatch):
    node = Node(b"2026-11-23T10:00:00.1Z one\n2026-11-23T10:00:00.2Z tw", b"o\n")

    pieces = follow(monkeypatch, node, container="web")

    assert "".join(piece.text for piece in pieces) == "one\ntwo\n"
    assert pieces[-1].ends
    assert node.asked[0]["options"]["tailLines"] == 1000
    assert node.asked[0]["container"] == "web"
    assert node.closed


def test_a_pod_log_resumes_without_a_gap_or_a_repeat(monkeypatch):
    node = Node(b"2026-11-23T10:00:00.1Z one\n2026-11-23T10:00:00.2Z two\n")

    pieces = follow(monkeypatch, node, position="2026-11-23T10:00:00.1Z#1")

    assert "".join(piece.text for piece in pieces) == "two\n"
    assert node.asked[0]["options"]["sinceTime"] == "2026-11-23T10:00:00.1Z"
    assert "tailLines" not in node.asked[0]["options"]


def test_a_line_of_a_pod_log_ends_with_a_line_feed_only(monkeypatch):
    one = "2026-11-23T10:00:00.1Z 10 %\rDownloading\x0c\x85\u2028 all\n"
    node = Node(one.encode(), b"2026-11-23T10:00:00.2Z done\n")

    pieces = follow(monkeypatch, node)

    assert "".join(piece.text for piece in pieces) == (
        "10 %\rDownloading\x0c\x85\u2028 all\ndone\n"
    )


SAME = b"2026-11-23T10:00:00.1Z one\n2026-11-23T10:00:00.1Z two\n"


def test_lines_of_one_moment_are_all_sent(monkeypatch):
    pieces = follow(monkeypatch, Node(SAME, b"2026-11-23T10:00:00.1Z three\n"))

    assert "".join(piece.text for piece in pieces) == "one\ntwo\nthree\n"
    assert [piece.position for piece in pieces[:2]] == [
        "2026-11-23T10:00:00.1Z#2",
        "2026-11-23T10:00:00.1Z#3",
    ]


@pytest.mark.parametrize(("count", "rest"), [("0", "one\ntwo\n"), ("1", "two\n"), ("2", "")])
def test_a_pod_log_resumes_between_lines_of_one_moment(monkeypatch, count, rest):
    node = Node(b"2026-11-23T10:00:00.0Z zero\n" + SAME, b"2026-11-23T10:00:00.1Z three\n")

    pieces = follow(monkeypatch, node, position=f"2026-11-23T10:00:00.1Z#{count}")

    assert "".join(piece.text for piece in pieces) == f"{rest}three\n"


def test_a_clock_that_was_set_back_hides_no_line(monkeypatch):
    node = Node(b"2026-11-23T10:00:00.2Z one\n", b"2026-11-23T10:00:00.1Z two\n")

    pieces = follow(monkeypatch, node)

    assert "".join(piece.text for piece in pieces) == "one\ntwo\n"


def test_a_log_begins_when_its_container_does(monkeypatch):
    waiting = {"name": "web", "state": {"waiting": {"reason": "ContainerCreating"}}}
    running = {"name": "web", "state": {"running": {}}}
    told = [
        {"status": {"phase": "Pending"}},
        {"status": {"phase": "Pending", "containerStatuses": [waiting]}},
        {"status": {"phase": "Running", "containerStatuses": [running]}},
    ]
    monkeypatch.setattr(pod_logs, "AGAIN_S", 0)
    monkeypatch.setattr(pod_logs, "_authorised", lambda *_: told.pop(0))
    node = Node(b"2026-11-23T10:00:00Z one\n")
    monkeypatch.setattr(runtime, "node_client", lambda: node)

    async def story():
        where = {"project": "shop", "pod": "web-1"}
        return [piece async for piece in pod_log_follow(PLATFORM, where, {"container": "web"}, "")]

    pieces = run(story())
    assert not told
    assert [piece.text for piece in pieces] == ["one\n", ""]


def test_a_node_that_does_not_answer_is_said_to_the_reader(monkeypatch, web, build):  # noqa: F811
    def absent():
        raise PaasError("the node agent does not answer")

    monkeypatch.setattr(runtime, "node_client", absent)
    monkeypatch.setattr(pod_logs, "_authorised", lambda *_: {})

    async def story():
        async with opened(web, "/projects/shop/pods/web-1/log") as browser:
            await browser.status()
            assert "does not answer" in (await browser.event())["data"]

    run(story())
