"""OpenAPI v3 documents of a scheme: the index and one document for each group and version.

Made when somebody asks, and kept compressed: a process that nobody asks pays nothing.
"""

import gzip
import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from paas.apimachinery.kinds import Kind
from paas.apimachinery.openapi import components as schemas
from paas.apimachinery.openapi.operations import PathWriter
from paas.apimachinery.schema.definitions import (
    Definition,
    definitions_digest,
    read_definitions,
    references_in,
)
from paas.apimachinery.scheme import Scheme
from paas.core.errors import NotFoundError

GroupVersion = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is served. `compressed` is gzip; `hash` names its content."""

    compressed: bytes
    hash: str

    def body(self) -> bytes:
        """Return the JSON, for clients that do not read gzip."""
        return gzip.decompress(self.compressed)


def group_versions(scheme: Scheme) -> list[GroupVersion]:
    """Return every group and version once, in the scheme's order."""
    return list(dict.fromkeys((kind.group, kind.version) for kind in scheme))


def openapi_document(
    scheme: Scheme, group: str, version: str, definitions: Mapping[str, Definition] | None = None
) -> dict[str, Any]:
    """Return the document of a group and version. Raises NotFoundError where it has no kinds.

    `definitions` are upstream's, with descriptions where they are wanted; read if not given.
    """
    kinds = [kind for kind in scheme if (kind.group, kind.version) == (group, version)]
    if not kinds:
        raise NotFoundError("the server could not find the requested resource")
    upstream = read_definitions(descriptions=True) if definitions is None else definitions
    known = {**schemas.own_definitions(kinds), **upstream}
    paths = dict(sorted(_paths(kinds, schemas.names_by_gvk(known))))
    roots = {name.rpartition("/")[2] for name in references_in(paths)}
    roots |= {schemas.component_name(kind) for kind in kinds}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Minato", "version": "unversioned"},
        "paths": paths,
        "components": {
            "schemas": schemas.components(known, roots),
            "securitySchemes": {
                "BearerToken": {
                    "type": "apiKey",
                    "description": "Bearer token authentication",
                    "in": "header",
                    "name": "authorization",
                }
            },
        },
    }


def _paths(
    kinds: list[Kind], names: Mapping[schemas.Gvk, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in kinds:
        yield from PathWriter(kind, names).items()


def openapi_index(scheme: Scheme) -> dict[str, Any]:
    """Return the index: each document's path and its URL, whose hash changes with the content.

    Takes about 10 ms a group and version; texts are hashed as one file, not read.
    """
    definitions = read_definitions()
    return {
        "paths": {
            _place(one): {"serverRelativeURL": f"/openapi/v3/{_place(one)}?hash={digest}"}
            for one in group_versions(scheme)
            for digest in [_digest(scheme, one, definitions)]
        }
    }


def _place(group_version: GroupVersion) -> str:
    group, version = group_version
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _digest(
    scheme: Scheme, group_version: GroupVersion, definitions: Mapping[str, Definition]
) -> str:
    bare = openapi_document(scheme, *group_version, definitions)
    content = orjson.dumps(bare, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content + definitions_digest()).hexdigest().upper()


class OpenApi:
    """The documents of a scheme, made once each. Safe to use from many threads."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._lock = threading.Lock()
        self._index: dict[str, Any] | None = None
        self._documents: dict[GroupVersion, Document] = {}

    def index(self) -> dict[str, Any]:
        """Return the body of `GET /openapi/v3`."""
        with self._lock:
            return self._index_made()

    def document(self, group: str, version: str) -> Document:
        """Return the document of a group and version. Raises NotFoundError."""
        with self._lock:
            found = self._documents.get((group, version))
            if found is None:
                body = openapi_document(self._scheme, group, version)
                url = self._index_made()["paths"][_place((group, version))]["serverRelativeURL"]
                found = Document(
                    gzip.compress(orjson.dumps(body), compresslevel=6, mtime=0),
                    str(url).rpartition("=")[2],
                )
                self._documents[group, version] = found
            return found

    def forget(self) -> None:
        """Make everything anew when it is next asked for: the scheme's kinds have changed."""
        with self._lock:
            self._index = None
            self._documents.clear()

    def _index_made(self) -> dict[str, Any]:
        if self._index is None:
            self._index = openapi_index(self._scheme)
        return self._index
