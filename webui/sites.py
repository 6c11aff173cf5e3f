"""Which application answers: the edge says the site, in a header that no client can set."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADER = b"x-minato-site"
_REFUSED = b'{"kind":"Status","apiVersion":"v1","status":"Failure","code":421}'


class Sites:
    """Sends each request to its site's application; the process' own life goes to `lifespan`."""

    def __init__(self, sites: Mapping[bytes, Application], *, lifespan: Application) -> None:
        self._sites = dict(sites)
        self._lifespan = lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        site = next((value for name, value in scope["headers"] if name == HEADER), b"")
        await self._sites.get(site, _refuse)(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 -- ASGI
    """Answer 421: no site is guessed, so that the console's cookie cannot reach the API."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_REFUSED))]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": _REFUSED})
