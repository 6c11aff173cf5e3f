"""What is not a resource: discovery, OpenAPI, version, health, metrics."""

import platform
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.routing import Route, Router

from paas.apimachinery.openapi import OpenApi
from paas.apimachinery.scheme import Scheme
from paas.apiserver import discovery, health
from paas.apiserver.metrics import Metrics
from paas.apiserver.openapi_v2 import CONTENT_TYPE, openapi_v2
from paas.apiserver.parameters import Query
from paas.apiserver.responses import Receive, Response, Scope, Send, respond
from paas.apiserver.threads import DoorThreads
from paas.core.errors import MethodNotAllowedError, NotAcceptableError, NotFoundError

VERSION = {
    "major": "1",
    "minor": "33",
    "gitVersion": "v1.33.0+minato",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": f"python{platform.python_version()}",
    "compiler": "",
    "platform": f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), '') }",
}
"""One minor version of skew is fine on both sides of kubectl's check. Source: version.Info."""

_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for something that is not a resource."""

    path: Mapping[str, str]
    headers: Mapping[bytes, bytes]
    query: Query


Answer = Callable[[Asked], Awaitable[Response]]


class _Endpoint:
    """An ASGI application around one answer."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        if scope["method"] not in _READS:
            raise MethodNotAllowedError(
                "the server does not allow this method on the requested resource"
            )
        asked = Asked(scope["path_params"], dict(scope["headers"]), Query(scope["query_string"]))
        response = _unless_known(await self._answer(asked), asked)
        await respond(send, response, head=scope["method"] == "HEAD")


def _unless_known(response: Response, asked: Asked) -> Response:
    """Return 304 where the client has just this document."""
    etag = dict(response.headers).get(b"etag")
    known = asked.headers.get(b"if-none-match", b"")
    if etag is None or etag not in [one.strip() for one in known.split(b",")]:
        return response
    return Response(b"", 304, response.content_type, response.headers)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 -- ASGI
    raise NotFoundError("the server could not find the requested resource")


class Endpoints:
    """Answers everything but resources; `router` is the ASGI application."""

    def __init__(
        self,
        scheme: Scheme,
        openapi: OpenApi,
        checks: Mapping[str, health.Check],
        threads: DoorThreads,
        metrics: Metrics,
    ) -> None:
        self._scheme = scheme
        self._openapi = openapi
        self._checks = {"ping": health.ping, **checks}
        self._threads = threads
        self._metrics = metrics
        table: list[tuple[str, Answer]] = [
            ("/", self._root),
            ("/api", self._api),
            ("/api/{version}", self._core_resources),
            ("/apis", self._apis),
            ("/apis/{group}", self._group),
            ("/apis/{group}/{version}", self._resources),
            ("/version", self._version),
            ("/openapi/v2", self._openapi_v2),
            ("/openapi/v3", self._openapi_index),
            ("/openapi/v3/api/{version}", self._openapi_document),
            ("/openapi/v3/apis/{group}/{version}", self._openapi_document),
            ("/metrics", self._metrics_text),
        ]
        for path in health.PATHS:
            answer = self._health(path.removeprefix("/"))
            table += [(path, answer), (path + "/{check}", answer)]
        routes = [Route(path, _Endpoint(answer)) for path, answer in table]
        self.router = Router(routes, redirect_slashes=False, default=_nothing)

    async def _root(self, asked: Asked) -> Response:  # noqa: ARG002 -- every answer has this shape
        paths = ["/api", "/api/v1", "/apis", *self._group_paths(), *health.PATHS]
        return _json({"paths": [*paths, "/metrics", "/openapi/v3", "/version"]})

    def _group_paths(self) -> list[str]:
        found = {f"/apis/{kind.group}/{kind.version}" for kind in self._scheme if kind.group}
        return sorted(found | {path.rpartition("/")[0] for path in found})

    async def _api(self, asked: Asked) -> Response:
        accept = asked.headers.get(b"accept", b"")
        return discovery.root_response(self._scheme, core=True, accept=accept)

    async def _apis(self, asked: Asked) -> Response:
        accept = asked.headers.get(b"accept", b"")
        return discovery.root_response(self._scheme, core=False, accept=accept)

    async def _core_resources(self, asked: Asked) -> Response:
        return _json(discovery.resource_list(self._scheme, "", asked.path["version"]))

    async def _group(self, asked: Asked) -> Response:
        return _json(discovery.group(self._scheme, asked.path["group"]))

    async def _resources(self, asked: Asked) -> Response:
        group, version = asked.path["group"], asked.path["version"]
        return _json(discovery.resource_list(self._scheme, group, version))

    async def _version(self, asked: Asked) -> Response:  # noqa: ARG002 -- as above
        return _json(VERSION)

    async def _openapi_v2(self, asked: Asked) -> Response:
        if b"proto-openapi" not in asked.headers.get(b"accept", b""):
            raise NotAcceptableError("OpenAPI v2 is served as protobuf only; use /openapi/v3")
        body = await self._threads.run(openapi_v2, self._scheme)
        return Response(body, content_type=CONTENT_TYPE)

    async def _openapi_index(self, asked: Asked) -> Response:  # noqa: ARG002 -- as above
        return _json(await self._threads.run(self._openapi.index))

    async def _openapi_document(self, asked: Asked) -> Response:
        group, version = asked.path.get("group", ""), asked.path["version"]
        document = await self._threads.run(self._openapi.document, group, version)
        given = asked.query.text("hash")
        if given and given != document.hash:
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            location = f"/openapi/v3/{path}?hash={document.hash}".encode()
            return Response(b"", 301, headers=((b"location", location),))
        # as upstream: a URL with its hash may be kept for good
        cached = b"public, immutable" if given else b"no-cache, private"
        headers = (
            (b"etag", b'"%s"' % document.hash.encode()),
            (b"cache-control", cached),
            (b"vary", b"Accept, Accept-Encoding"),
        )
        if b"gzip" not in asked.headers.get(b"accept-encoding", b""):
            return Response(await self._threads.run(document.body), headers=headers)
        return Response(document.compressed, headers=(*headers, (b"content-encoding", b"gzip")))

    async def _metrics_text(self, asked: Asked) -> Response:  # noqa: ARG002 -- as above
        return Response(self._metrics.text(), content_type=Metrics.CONTENT_TYPE)

    def _health(self, name: str) -> Answer:
        async def answer(asked: Asked) -> Response:
            check = asked.path.get("check", "")
            # a live process that waits for its database must not be killed for it
            checks = {"ping": health.ping} if name == "livez" else self._checks
            return await self._threads.run(health.health, name, checks, check, asked.query)

        return answer


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value))
