"""Objects and lists as the bytes that a client accepts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import yaml

from paas.apimachinery import protobuf
from paas.apimachinery.kinds import Kind
from paas.apimachinery.store import Page
from paas.apiserver.negotiation import Accepted
from paas.apiserver.parameters import Query
from paas.apiserver.reads import list_kind
from paas.apiserver.responses import JSON, PROTOBUF, YAML, Response
from paas.apiserver.tables import TableView, partial, partial_list
from paas.core.errors import NotAcceptableError
from paas.core.objects import ApiObject

_TRUE = frozenset({"true", "1", "t"})


class _Dumper(yaml.CSafeDumper):
    """Writes every value out: no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- PyYAML's signature
        """Say that nothing is written as an alias."""
        return True


def encode(obj: ApiObject, form: str, query: Query) -> Response:
    """Return the answer of one document. Raises NotAcceptableError."""
    if form == "yaml":
        text = yaml.dump(obj, Dumper=_Dumper, allow_unicode=True, encoding="utf-8")
        return Response(text, content_type=YAML)
    if form == "protobuf":
        return Response(protobuf.encode(obj), content_type=PROTOBUF)
    pretty = "pretty" in query and query.text("pretty").lower() in _TRUE
    return Response(orjson.dumps(obj, option=orjson.OPT_INDENT_2 if pretty else None))


def object_view(
    obj: ApiObject, kind: Kind, wanted: Accepted, query: Query, now: datetime
) -> ApiObject:
    """Return what a client wants to see of one object. Raises NotAcceptableError."""
    if not wanted.transform or obj.get("kind") == "Status":
        return obj
    if wanted.transform == "Table":
        view = TableView(kind, version=wanted.version, include=query.text("includeObject"))
        return view.table([obj], _version_of(obj), now)
    if wanted.transform == "PartialObjectMetadata":
        return partial(obj, wanted.version)
    raise NotAcceptableError(
        "you requested PartialObjectMetadataList, but the requested object is not a list "
        f"({kind.kind})"
    )


def _version_of(obj: ApiObject) -> dict[str, Any]:
    return {"resourceVersion": obj.get("metadata", {}).get("resourceVersion", "")}


def list_metadata(page: Page) -> dict[str, Any]:
    """Return a list's metav1.ListMeta."""
    metadata: dict[str, Any] = {"resourceVersion": page.resource_version}
    if page.continue_token:
        metadata["continue"] = page.continue_token
    if page.remaining is not None:
        metadata["remainingItemCount"] = page.remaining
    return metadata


def plain_list(page: Page, kind: Kind) -> Response:
    """Return the list as the database put it together; Python parses none of it."""
    head = orjson.dumps(
        {"kind": list_kind(kind), "apiVersion": kind.api_version, "metadata": list_metadata(page)}
    )
    # joined, not formatted: with a long body `%` takes ten times as long
    body = b"".join((head[:-1], b',"items":[', page.text.encode(), b"]}"))
    return Response(body, content_type=JSON)


def list_view(page: Page, kind: Kind, wanted: Accepted, query: Query, now: datetime) -> ApiObject:
    """Return what a client wants to see of a list. Raises NotAcceptableError."""
    items: list[ApiObject] = orjson.loads(f"[{page.text}]")
    metadata = list_metadata(page)
    if not wanted.transform:
        head: Mapping[str, Any] = {"kind": list_kind(kind), "apiVersion": kind.api_version}
        return {**head, "metadata": metadata, "items": items}
    if wanted.transform == "Table":
        view = TableView(kind, version=wanted.version, include=query.text("includeObject"))
        return view.table(items, metadata, now)
    if wanted.transform == "PartialObjectMetadataList":
        return partial_list(items, metadata, wanted.version)
    raise NotAcceptableError(
        "you requested PartialObjectMetadata, but the requested object is a list "
        f"({list_kind(kind)})"
    )
