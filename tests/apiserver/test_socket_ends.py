"""How a WebSocket ends when one side fails: nothing is denied that was accepted before."""

import asyncio
from typing import Any

import pytest
import structlog

from tests.apiserver.conftest import ADMIN, new_application
from tests.apiserver.test_pods import pod
from tests.fakes.nodes import FakeNode

SCOPE = {
    "type": "websocket",
    "path": "/api/v1/namespaces/p/pods/web/exec",
    "query_string": b"command=ls&stdout=1",
    "headers": [(b"authorization", b"Bearer admin-token")],
    "subprotocols": ["v5.channel.k8s.io"],
    "extensions": {"websocket.http.response": {}},
}


@pytest.fixture(autouse=True)
def _web(door, namespace):
    """Give every test its pod."""
    door.create(ADMIN, pod("web", "c"))


def serve(door, node, *, fails_at=None, path=SCOPE["path"]):
    """Serve one exec; `send` raises as the server does once `fails_at` messages were taken."""
    sent: list[dict[str, Any]] = []

    async def send(message):
        if fails_at is not None and len(sent) >= fails_at:
            raise OSError("the client has gone")
        sent.append(message)

    async def receive():
        await asyncio.Event().wait()

    async def scenario():
        api = new_application(door, node)
        await api.startup()
        try:
            async with asyncio.timeout(60):
                await api({**SCOPE, "path": path}, receive, send)
        finally:
            await api.shutdown()

    with structlog.testing.capture_logs() as logs:
        asyncio.run(scenario())
    return [one["type"] for one in sent], [one["event"] for one in logs]


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_client_that_leaves_in_the_middle_is_no_error_of_ours(door, fails_at):
    node = FakeNode(frames=[(1, b"out")])
    sent, logged = serve(door, node, fails_at=fails_at)
    assert "websocket.http.response.start" not in sent
    assert "request_failed" not in logged
    assert node.streams[0].let_go.wait(60)


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1", "/apis", "/apis/apps/v1", "/console"])
def test_a_socket_to_what_is_no_resource_is_refused_and_no_error_of_ours(door, path):
    sent, logged = serve(door, FakeNode(), path=path)
    assert sent[0] == "websocket.http.response.start"
    assert "request_failed" not in logged


def test_a_failure_after_the_upgrade_closes_the_socket_and_is_logged(door):
    frames: list[Any] = [(1, None)]  # no bytes: what nobody foresaw
    node = FakeNode(frames=frames)
    sent, logged = serve(door, node)
    assert sent[-1] == "websocket.close"
    assert "websocket.http.response.start" not in sent
    assert "request_failed" in logged
