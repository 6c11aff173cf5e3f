"""The edge's header alone decides which application answers."""

import asyncio
from typing import Any

import pytest

from webui.sites import Sites


def named(name, calls):
    async def application(scope, receive, send):
        calls.append((name, scope["type"]))

    return application


def serve(scope):
    calls: list[tuple[str, str]] = []
    sent: list[dict[str, Any]] = []
    sites = Sites({b"api": named("api", calls)}, lifespan=named("life", calls))

    async def send(message):
        sent.append(message)

    async def receive():
        raise AssertionError("nothing is read before the site is known")

    asyncio.run(sites(scope, receive, send))
    return calls, sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_request_goes_to_the_site_that_the_edge_named(kind):
    calls, _ = serve({"type": kind, "headers": [(b"x-minato-site", b"api")]})
    assert calls == [("api", kind)]


def test_the_process_life_goes_to_the_one_that_needs_it():
    assert serve({"type": "lifespan"})[0] == [("life", "lifespan")]


@pytest.mark.parametrize("headers", [[], [(b"x-minato-site", b"other")], [(b"host", b"api")]])
def test_no_site_is_guessed(headers):
    calls, sent = serve({"type": "http", "headers": headers})
    assert calls == []
    assert sent[0]["status"] == 421


def test_a_websocket_to_no_site_is_closed():
    calls, sent = serve({"type": "websocket", "headers": []})
    assert (calls, sent[0]["type"]) == ([], "websocket.close")
