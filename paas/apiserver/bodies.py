"""Request bodies: read with a bound, decoded, and fitted to what the URL names."""

from collections.abc import Mapping
from typing import Any

from paas.apimachinery import protobuf
from paas.apimachinery.kinds import Kind
from paas.apimachinery.options import WriteOptions
from paas.apimachinery.schema import duplicate_fields, strict_error
from paas.apiserver import limits
from paas.apiserver.documents import parse_json, parse_yaml
from paas.apiserver.paths import Target
from paas.apiserver.responses import Receive
from paas.core.errors import BadRequestError, RequestTooLargeError, UnsupportedMediaTypeError
from paas.core.objects import ApiObject

_SCALE = ("autoscaling/v1", "Scale")


async def read_body(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    """Return the whole body. Raises RequestTooLargeError before it holds more than the limit."""
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise UnsupportedMediaTypeError("the body of the request must not be compressed")
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > limits.BODY_BYTES:
        raise _too_large()
    chunks: list[bytes] = []
    size_bytes = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequestError("the client went away before its request was complete")
        chunk: bytes = message.get("body", b"")
        size_bytes += len(chunk)
        if size_bytes > limits.BODY_BYTES:
            raise _too_large()
        chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large() -> RequestTooLargeError:
    return RequestTooLargeError(f"Request entity is too large: limit is {limits.BODY_BYTES}")


def decode(data: bytes, form: str, api_version: str, kind: str) -> ApiObject:
    """Return the object of a body. `form` is json, yaml or protobuf. Raises BadRequestError.

    A protobuf body that does not say its type is of the one given.
    """
    if form == "protobuf":
        return protobuf.decode(data, api_version=api_version, kind=kind)
    value = parse_json(data) if form == "json" else parse_yaml(data)
    if not isinstance(value, dict):
        raise BadRequestError("the body of the request is not an object")
    if not isinstance(value.get("metadata", {}), dict | None):
        raise BadRequestError("the body's metadata is not an object")
    return value


def check_repeated(data: bytes, form: str, kind: Kind, options: WriteOptions) -> None:
    """Refuse or warn of fields given twice. Raises BadRequestError with Strict."""
    if form != "json" or options.field_validation == "Ignore":
        return
    lines = [f'duplicate field "{path}"' for path in duplicate_fields(data)]
    if lines and options.field_validation == "Strict":
        raise strict_error(kind, lines)
    options.warnings += lines


def expected_type(target: Target) -> tuple[str, str]:
    """Return apiVersion and kind of the body that a target takes."""
    if target.subresource == "scale":
        return _SCALE
    declared = target.kind.subresource(target.subresource) if target.subresource else None
    if declared is not None and declared.group_version_kind[2]:
        group, version, kind = declared.group_version_kind
        return (f"{group}/{version}" if group else version), kind
    return target.kind.api_version, target.kind.kind


def fit(obj: ApiObject, target: Target) -> ApiObject:
    """Fill in what the URL says and the body leaves out; refuse what contradicts it.

    Raises BadRequestError in the words of k8s.io/apiserver/pkg/endpoints/handlers.
    """
    api_version, kind = expected_type(target)
    _fit_type(obj, api_version, kind)
    metadata = obj.get("metadata")
    if metadata is None:
        metadata = obj["metadata"] = {}
    _fit_place(metadata, target)
    return obj


def _fit_type(obj: ApiObject, api_version: str, kind: str) -> None:
    given = obj.get("apiVersion") or api_version
    if obj.get("kind") and obj["kind"] != kind:
        raise BadRequestError(f'{obj["kind"]} in version "{given}" cannot be handled as a {kind}')
    if given != api_version:
        raise BadRequestError(
            f"the API version in the data ({given}) does not match the expected API version "
            f"({api_version})"
        )
    obj["apiVersion"], obj["kind"] = api_version, kind


def _fit_place(metadata: dict[str, Any], target: Target) -> None:
    if target.name:
        given = metadata.get("name") or target.name
        if given != target.name:
            raise BadRequestError(
                f"the name of the object ({given}) does not match the name on the URL "
                f"({target.name})"
            )
        metadata["name"] = given
    if not _lives_in(target.kind, target.namespace):
        return
    given = metadata.get("namespace") or target.namespace
    if given != target.namespace:
        raise BadRequestError(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    metadata["namespace"] = given


def _lives_in(kind: Kind, namespace: str) -> bool:
    return kind.namespaced and bool(namespace)
