"""Answers as ASGI sends them: whole bodies, and streams."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
RawHeaders = Iterable[tuple[bytes, bytes]]

JSON = b"application/json"
YAML = b"application/yaml"
PROTOBUF = b"application/vnd.kubernetes.protobuf"
TEXT = b"text/plain; charset=utf-8"
_NO_CACHE = (b"cache-control", b"no-cache, private")
_NO_SNIFF = (b"x-content-type-options", b"nosniff")


@dataclass(slots=True)
class Response:
    """A whole answer. `headers` come beside content type, length and cache control."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def text(body: str, status: int = 200) -> Response:
    """Return a plain-text answer."""
    return Response(body.encode(), status, TEXT)


async def respond(send: Send, response: Response, *, head: bool = False) -> None:
    """Send an answer; without its body where the request was HEAD."""
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", b"%d" % len(response.body)),
        _NO_SNIFF,
        *response.headers,
    ]
    if not any(name == b"cache-control" for name, _ in response.headers):
        headers.append(_NO_CACHE)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})


async def stream(
    send: Send, chunks: AsyncIterator[bytes], *, content_type: bytes, headers: RawHeaders = ()
) -> None:
    """Send a 200 and then each chunk as it comes."""
    start = [(b"content-type", content_type), _NO_CACHE, _NO_SNIFF, *headers]
    await send({"type": "http.response.start", "status": 200, "headers": start})
    # the client learns at once that it was let in, before the first event
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
