"""What a browser sends is bounded before anybody reads it."""

import asyncio
from typing import Any

import pytest

from webui.bodies import BoundedBodies

LIMIT = 10


def serve(chunks, headers=()):
    """Return the status, what the application read, and how many chunks were taken."""
    read: list[bytes] = []
    sent: list[dict[str, Any]] = []
    left = [{"type": "http.request", "body": one, "more_body": True} for one in chunks]
    left[-1]["more_body"] = False

    async def application(scope, receive, send):
        read.append((await receive())["body"])
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 200})

    async def receive():
        return left.pop(0) if left else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": list(headers)}
    asyncio.run(BoundedBodies(application, LIMIT)(scope, receive, send))
    return sent[0]["status"], read, len(chunks) - len(left)


def test_a_body_within_the_bound_comes_whole():
    assert serve([b"hello", b" word"]) == (200, [b"hello word"], 2)
    assert serve([b""]) == (200, [b""], 1)


@pytest.mark.parametrize(
    ("chunks", "headers", "taken"),
    [
        ([b"hello", b" worlds", b"!"] * 9, (), 2),
        ([b"hello worlds"], ((b"content-length", b"12"),), 0),
    ],
)
def test_a_larger_one_is_refused_and_not_read_on(chunks, headers, taken):
    assert serve(chunks, headers) == (413, [], taken)
