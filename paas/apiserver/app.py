"""The API as one ASGI application: authenticate, find the handler, answer errors as Status.

Owns the edge between ASGI and the handlers, and nothing else. Never reads a cookie.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from paas.apimachinery.door import Door
from paas.apimachinery.openapi import OpenApi
from paas.apiserver import limits
from paas.apiserver.authentication import Authentication, Authenticator
from paas.apiserver.calls import Call, NodeLink, Services
from paas.apiserver.connect import CONNECTS
from paas.apiserver.connect.base import Serve
from paas.apiserver.dispatch import handler_of
from paas.apiserver.endpoints import Endpoints
from paas.apiserver.errors import HeadersTooLargeError, UriTooLongError
from paas.apiserver.health import PATHS, Check
from paas.apiserver.identity import actor_of
from paas.apiserver.limits import Limits
from paas.apiserver.metrics import Metrics
from paas.apiserver.parameters import Query
from paas.apiserver.paths import Target, is_resource_path, resolve
from paas.apiserver.reads import DoorReader, Reader
from paas.apiserver.responses import Message, Receive, Response, Scope, Send, respond
from paas.apiserver.statuses import failure, unexpected, warning_headers
from paas.apiserver.tables import now_utc
from paas.apiserver.threads import DoorThreads
from paas.core.errors import NotFoundError, PaasError, TimeoutExceededError

DEFAULT = Limits()
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_URL_VERBS = {"GET": "get", "HEAD": "head", "POST": "post", "PUT": "put", "DELETE": "delete"}


class _Reply:
    """Sends, and remembers what was sent."""

    __slots__ = ("_send", "status", "warnings")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.warnings: Sequence[str] = ()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.warnings:
                headers = [*message["headers"], *warning_headers(self.warnings)]
                message = {**message, "headers": headers}
        await self._send(message)


class _Socket:
    """Sends on a WebSocket, and remembers whether it was accepted."""

    __slots__ = ("_send", "accepted")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.accepted = False

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        self.accepted = self.accepted or message["type"] == "websocket.accept"


class ApiApplication:
    """The ASGI application; made by `api_application`."""

    def __init__(
        self,
        services: Services,
        endpoints: Endpoints,
        metrics: Metrics,
    ) -> None:
        self._services = services
        self._endpoints = endpoints
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or the application's own life."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            if message["type"] == "lifespan.startup":
                await self.startup()
                await send({"type": "lifespan.startup.complete"})
        await self.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    async def startup(self) -> None:
        """Open what the event loop needs; before the first request."""
        await self._services.reader.open()

    async def shutdown(self) -> None:
        """Let it go; after the last request."""
        await self._services.reader.close()
        self._services.threads.close()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        reply = _Reply(send)
        labels = ["", ""]
        target: Target | None = None
        try:
            _check_size(scope)
            if is_resource_path(scope["path"]):
                target = await self._resolved(scope["path"])
                labels[1] = target.kind.resource
                reply.warnings = target.kind.warnings
                await self._resource(scope, receive, reply, target, labels)
            else:
                await self._other(scope, receive, reply)
        except PaasError as error:
            await self._fail(scope, reply, error, target)
        except Exception as error:  # noqa: BLE001 -- the HTTP edge: nothing goes out unexplained
            await self._fail(scope, reply, self._surprise(scope, error), target)
        duration_s = time.perf_counter() - started
        # a client may invent methods, but no series of metrics
        verb = labels[0] or (scope["method"] if scope["method"] in _METHODS else "other")
        self._metrics.observe(verb.upper(), labels[1], reply.status, duration_s)

    async def _resolved(self, path: str) -> Target:
        """Return what a path names; asked again once the scheme is as new as the database."""
        door = self._services.door
        try:
            return resolve(door.scheme, path)
        except NotFoundError:
            await self._services.threads.run(door.customs.catch_up)
            return resolve(door.scheme, path)

    async def _resource(
        self, scope: Scope, receive: Receive, reply: _Reply, target: Target, labels: list[str]
    ) -> None:
        call = await self._call(scope, receive, reply, target)
        labels[0], handler = handler_of(call)
        watches = labels[0] == "watch"
        self._metrics.watches += watches
        try:
            async with asyncio.timeout(self._services.limits.request_timeout_s) as call.bound:
                await handler(call)
        except TimeoutError as error:
            raise TimeoutExceededError(
                "the server was unable to return a response in the time allotted, but may still "
                "be processing the request"
            ) from error
        finally:
            self._metrics.watches -= watches

    async def _call(self, scope: Scope, receive: Receive, send: Send, target: Target) -> Call:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        actor = await actor_of(self._services, scope)
        query = Query(scope["query_string"])
        return Call(self._services, scope, receive, send, headers, actor, target, query)

    async def _other(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        path = scope["path"].rstrip("/") or "/"  # as upstream: /version/ is /version
        if not path.startswith(PATHS):  # health is for everybody, also without a database
            actor = await actor_of(self._services, scope)
            verb = _URL_VERBS.get(scope["method"], scope["method"].lower())
            await self._services.reader.authorize_path(actor, verb, path)
        await self._endpoints.router({**scope, "path": path}, receive, reply)

    async def _fail(
        self, scope: Scope, reply: _Reply, error: PaasError, target: Target | None
    ) -> None:
        if reply.status:  # too late for another answer; the broken stream says it
            return
        await respond(reply, failure(error, target), head=scope["method"] == "HEAD")

    def _surprise(self, scope: Scope, error: Exception) -> PaasError:
        method = scope.get("method", "WEBSOCKET")
        return unexpected(error, method=method, path=scope["path"])

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        target: Target | None = None
        socket = _Socket(send)
        try:
            _check_size(scope)
            target = resolve(self._services.door.scheme, scope["path"])
            serve = _websocket_of(target)
            await serve(await self._call(scope, receive, socket, target))
        except PaasError as error:
            await _end(scope, socket, failure(error, target))
        except OSError as error:
            if not socket.accepted:  # else the client has gone: nobody is left to be told
                await _end(scope, socket, failure(self._surprise(scope, error), target))
        except Exception as error:  # noqa: BLE001 -- the edge, as above
            await _end(scope, socket, failure(self._surprise(scope, error), target))


async def _end(scope: Scope, socket: _Socket, response: Response) -> None:
    """Refuse a WebSocket, or close one that was accepted: it can no longer be refused."""
    if not socket.accepted:
        await _deny(scope, socket, response)
        return
    with suppress(OSError):
        await socket({"type": "websocket.close", "code": 1011, "reason": ""})


def _websocket_of(target: Target) -> Serve:
    connect = CONNECTS.get((target.kind.resource, target.subresource))
    if connect is None or connect.websocket is None:
        raise NotFoundError("the server could not find the requested resource")
    return connect.websocket


async def _deny(scope: Scope, send: Send, response: Response) -> None:
    """Refuse a WebSocket with a Status where the server can send one, else with 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    headers = [(b"content-type", response.content_type), *response.headers]
    await send(
        {
            "type": "websocket.http.response.start",
            "status": response.status,
            "headers": [*headers, (b"content-length", b"%d" % len(response.body))],
        }
    )
    await send({"type": "websocket.http.response.body", "body": response.body})


def _check_size(scope: Scope) -> None:
    if len(scope["path"]) + len(scope["query_string"]) > limits.URL_BYTES:
        raise UriTooLongError(f"the URL is longer than {limits.URL_BYTES} bytes")
    headers = scope["headers"]
    if sum(map(len, map(b"".join, headers))) > limits.HEADER_BYTES:
        raise HeadersTooLargeError(f"the headers are larger than {limits.HEADER_BYTES} bytes")


def api_application(
    door: Door,
    *,
    authenticator: Authenticator,
    node: NodeLink,
    checks: Mapping[str, Check] | None = None,
    reader: Callable[[Door, DoorThreads], Reader] = DoorReader,
    now: Callable[[], datetime] = now_utc,
    bounds: Limits = DEFAULT,
) -> ApiApplication:
    """Return the API of a door that has been started. `checks` are what /readyz asks."""
    threads, metrics = DoorThreads(bounds.threads, bounds.in_flight), Metrics()
    authentication = Authentication(authenticator, threads)
    services = Services(door, authentication, reader(door, threads), threads, node, now, bounds)
    endpoints = Endpoints(door.scheme, OpenApi(door.scheme), checks or {}, threads, metrics)
    return ApiApplication(services, endpoints, metrics)
