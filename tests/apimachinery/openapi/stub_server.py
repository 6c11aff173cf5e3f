"""An API server of one page, in memory, that speaks to a real kubectl over plain HTTP.

Schemas, patches, documents and protobuf are ours; everything else is as little as kubectl needs.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from paas.apimachinery.kinds import Kind
from paas.apimachinery.openapi import OpenApi
from paas.apimachinery.options import Patch, WriteOptions
from paas.apimachinery.patch import apply_patch
from paas.apimachinery.protobuf import MAGIC, decode
from paas.apimachinery.schema import Schemas, duplicate_fields, strict_error
from paas.apimachinery.scheme import Scheme
from paas.core.errors import NotFoundError, PaasError
from tests.apimachinery.protobuf.bytes_by_hand import block

CODES = {"NotFound": 404, "BadRequest": 400, "Invalid": 422, "UnsupportedMediaType": 415}
PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
Json = dict[str, Any]


class StubServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, scheme: Scheme) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = scheme
        self.schemas = Schemas(scheme)
        self.openapi = OpenApi(scheme)
        self.objects: dict[str, Json] = {}
        self.patches: list[Patch] = []
        self.media_types: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(scheme: Scheme) -> Iterator[StubServer]:
    server = StubServer(scheme)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    server: StubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        status, warnings = 200, list[str]()
        try:
            answer: Any = self._route(url.path.strip("/"), query, body, warnings)
        except PaasError as error:
            status = CODES[error.reason]
            answer = _failure(error, status)
        raw = answer if isinstance(answer, bytes) else orjson.dumps(answer)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        for warning in warnings:
            self.send_header("Warning", f'299 - "{warning}"')
        self.end_headers()
        self.wfile.write(raw)

    # the names that the standard library looks up
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def _route(self, path: str, query: dict[str, str], body: bytes, warnings: list[str]) -> Any:
        steps = path.split("/")
        if steps[0] == "openapi":
            return self._openapi(steps[1:])
        if steps == ["version"]:
            return {"major": "1", "minor": "33", "gitVersion": "v1.33.0"}
        if steps == ["api"]:
            return {"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"]}
        if steps == ["apis"]:
            return self._groups()
        group, version, rest = _split(steps)
        if not rest:
            return self._resources(group, version)
        if rest[0] == "namespaces" and len(rest) > 2:
            rest = rest[2:]
        kind = self.server.scheme.kind_at(group, version, rest[0])
        return self._object(kind, rest[1:], query, body, warnings)

    def _openapi(self, steps: list[str]) -> Any:
        if steps == ["v3"]:
            return self.server.openapi.index()
        if steps == ["v2"]:
            return block(1, "2.0")  # as good as empty, which is enough for explain
        if steps[0] != "v3":
            raise NotFoundError("the server could not find the requested resource")
        group, version, _ = _split(steps[1:])
        return self.server.openapi.document(group, version).body()

    def _groups(self) -> Json:
        found: dict[str, Json] = {}
        for kind in self.server.scheme:
            if kind.group:
                one = {"groupVersion": kind.api_version, "version": kind.version}
                found[kind.group] = {
                    "name": kind.group,
                    "versions": [one],
                    "preferredVersion": one,
                }
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(found.values())}

    def _resources(self, group: str, version: str) -> Json:
        resources: list[Json] = []
        for kind in self.server.scheme:
            if (kind.group, kind.version) == (group, version):
                common = {"namespaced": kind.namespaced, "singularName": kind.singular_name}
                verbs = list(kind.verbs)
                resources.append({**common, "name": kind.plural, "kind": kind.kind, "verbs": verbs})
        place = f"{group}/{version}" if group else version
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": place,
            "resources": resources,
        }

    def _object(
        self, kind: Kind, rest: list[str], query: dict[str, str], body: bytes, warnings: list[str]
    ) -> Any:
        if self.command == "POST":
            return self._written(kind, body, query)
        key = f"{kind.resource}/{rest[0]}"
        if key not in self.server.objects:
            message = f'{kind.resource} "{rest[0]}" not found'
            raise NotFoundError(message, details={"name": rest[0], "kind": kind.plural})
        if self.command == "PATCH":
            return self._patched(kind, key, query, body, warnings)
        if self.command == "PUT":
            return self._written(kind, body, query)
        return self.server.objects[key]

    def _written(self, kind: Kind, body: bytes, query: dict[str, str]) -> Json:
        self.server.media_types.append(str(self.headers["Content-Type"]))
        obj = decode(body) if body.startswith(MAGIC) else orjson.loads(body)
        schema = self.server.schemas.of(kind)
        if query.get("fieldValidation") == "Strict":
            faults = [f'unknown field "{path}"' for path in schema.unknown_fields(obj)]
            faults += [f'duplicate field "{path}"' for path in duplicate_fields(body)]
            if faults:
                raise strict_error(kind, faults)
        pruned = schema.decode(obj, kind)
        self.server.objects[f"{kind.resource}/{pruned['metadata']['name']}"] = pruned
        return pruned

    def _patched(
        self, kind: Kind, key: str, query: dict[str, str], body: bytes, warnings: list[str]
    ) -> Json:
        patch = Patch(PATCHES[str(self.headers["Content-Type"])], orjson.loads(body))
        self.server.patches.append(patch)
        options = WriteOptions(field_validation=query.get("fieldValidation", "Warn"))
        patched = apply_patch(
            patch,
            self.server.objects[key],
            kind=kind,
            schema=self.server.schemas.of(kind),
            options=options,
        )
        warnings.extend(options.warnings)
        if query.get("dryRun") != "All":
            self.server.objects[key] = patched
        return patched


def _split(steps: list[str]) -> tuple[str, str, list[str]]:
    if steps[0] not in {"api", "apis"} or len(steps) < (2 if steps[0] == "api" else 3):
        raise NotFoundError("the server could not find the requested resource")
    if steps[0] == "api":
        return "", steps[1], steps[2:]
    return steps[1], steps[2], steps[3:]


def _failure(error: PaasError, code: int) -> Json:
    causes = [cause.as_dict() for cause in getattr(error, "causes", ())]
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": error.message,
        "reason": error.reason,
        "details": {**error.details, "causes": causes},
        "code": code,
    }
