"""A bound on what a browser sends: Django would write any body to the disk before it asks who."""

from collections.abc import MutableMapping
from typing import Any

from webui.sites import Application, Receive, Scope, Send

_TOO_LARGE = b"What was sent is larger than %d bytes: send less, or use kubectl or git.\n"


class BoundedBodies:
    """Reads each request's body, at most `limit_bytes` of it, before the application sees it."""

    def __init__(self, application: Application, limit_bytes: int) -> None:
        self._application = application
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; a larger body is answered with 413 and not read to its end."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        body, size_bytes, more = bytearray(), _announced(scope), True
        while more and size_bytes <= self._limit_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            size_bytes = max(size_bytes, len(body))
        if size_bytes > self._limit_bytes:
            await _refuse(send, _TOO_LARGE % self._limit_bytes)
        else:
            await self._application(scope, _after(bytes(body), receive), send)


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _after(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once, and then what comes."""
    waiting = [body]

    async def given() -> MutableMapping[str, Any]:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return given


async def _refuse(send: Send, text: bytes) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(text)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": text})
