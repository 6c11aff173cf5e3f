"""OpenAPI v3 documents of a scheme: the index and one document for each group and version.

Made when somebody asks, and kept compressed: a process that nobody asks pays nothing.
"""

import gzip
import hashlib
import operator
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
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
Kinds = list[Kind]


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
    upstream = read_definitions(descriptions=True) if definitions is None else definitions
    return _document(_kinds_at(scheme, group, version), upstream)


def _kinds_at(scheme: Scheme, group: str, version: str) -> Kinds:
    kinds = [kind for kind in scheme if (kind.group, kind.version) == (group, version)]
    if not kinds:
        raise NotFoundError("the server could not find the requested resource")
    return kinds


def _document(kinds: Kinds, upstream: Mapping[str, Definition]) -> dict[str, Any]:
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
    """Return the index: each document's path and its URL, whose hash changes with the content."""
    return _Digests().index(scheme)


def _place(group_version: GroupVersion) -> str:
    group, version = group_version
    return f"apis/{group}/{version}" if group else f"api/{version}"


class _Digests:
    """The hash of each document, made anew only where the kinds of its group have changed.

    One takes about 10 ms; texts are hashed as one file, not read.
    """

    def __init__(self) -> None:
        self._known: dict[GroupVersion, tuple[Kinds, str]] = {}

    def index(self, scheme: Scheme) -> dict[str, Any]:
        """Return the index of a scheme."""
        definitions = cache(read_definitions)  # read once, and only if something is stale
        return {
            "paths": {
                _place(one): {"serverRelativeURL": f"/openapi/v3/{_place(one)}?hash={digest}"}
                for one, kinds in _by_group_version(scheme).items()
                for digest in [self.of(one, kinds, definitions)]
            }
        }

    def of(
        self,
        group_version: GroupVersion,
        kinds: Kinds,
        definitions: Callable[[], Mapping[str, Definition]] = read_definitions,
    ) -> str:
        """Return the hash of the document of these kinds."""
        known = self._known.get(group_version)
        if known is not None and _same(known, kinds):
            return known[1]
        digest = _digest(kinds, definitions())
        self._known[group_version] = kinds, digest
        return digest


def _by_group_version(scheme: Scheme) -> dict[GroupVersion, Kinds]:
    found: dict[GroupVersion, Kinds] = {}
    for kind in scheme:
        found.setdefault((kind.group, kind.version), []).append(kind)
    return found


def _same(known: tuple[Kinds, object], now: Kinds) -> bool:
    """Say whether what is known is of these very declarations."""
    return len(known[0]) == len(now) and all(map(operator.is_, known[0], now))


def _digest(kinds: Kinds, definitions: Mapping[str, Definition]) -> str:
    bare = _document(kinds, definitions)
    content = orjson.dumps(bare, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content + definitions_digest()).hexdigest().upper()


class OpenApi:
    """The documents of a scheme, each made anew when its kinds change. Safe in many threads."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._lock = threading.Lock()
        self._digests = _Digests()
        self._documents: dict[GroupVersion, tuple[Kinds, Document]] = {}

    def index(self) -> dict[str, Any]:
        """Return the body of `GET /openapi/v3`."""
        with self._lock:
            return self._digests.index(self._scheme)

    def document(self, group: str, version: str) -> Document:
        """Return the document of a group and version. Raises NotFoundError."""
        asked = group, version
        with self._lock:
            kinds = _kinds_at(self._scheme, group, version)
            known = self._documents.get(asked)
            if known is not None and _same(known, kinds):
                return known[1]
            body = _document(kinds, read_definitions(descriptions=True))
            made = Document(
                gzip.compress(orjson.dumps(body), compresslevel=6, mtime=0),
                self._digests.of(asked, kinds),
            )
            self._documents[asked] = kinds, made
            return made
