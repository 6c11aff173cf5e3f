"""The OpenAPI v2 document, as far as old kubectl needs it: which kinds take which parameters.

kubectl 1.27 asks for nothing else before `create -f` and `apply`, in gnostic's protobuf, and only
to learn whether the server validates fields. Schemas are in v3. Nothing here is JSON.
Source: google/gnostic, openapiv2/OpenAPIv2.proto; cli-runtime's QueryParamVerifier.
"""

from collections.abc import Iterable

import orjson

from paas.apimachinery.kinds import Kind
from paas.apimachinery.protobuf.wire import write_bytes
from paas.apimachinery.scheme import Scheme

CONTENT_TYPE = b"application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")
_GVK = "x-kubernetes-group-version-kind"


def openapi_v2(scheme: Scheme) -> bytes:
    """Return a gnostic `Document` with the PATCH of every kind that has one."""
    info = _text(1, "Minato") + _text(2, "v1")
    paths = b"".join(_path(kind) for kind in scheme if "patch" in kind.verbs)
    return _text(1, "2.0") + write_bytes(2, info) + write_bytes(8, paths)


def _path(kind: Kind) -> bytes:
    """Return one NamedPathItem of Paths."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    operation = b"".join(write_bytes(8, one) for one in _parameters(_PARAMETERS))
    operation += write_bytes(13, _group_version_kind(kind))
    item = write_bytes(8, operation)
    return write_bytes(2, _text(1, f"{root}{scope}/{kind.plural}/{{name}}") + write_bytes(2, item))


def _parameters(names: Iterable[str]) -> Iterable[bytes]:
    """Yield a ParametersItem for each query parameter."""
    for name in names:
        query = _text(2, "query") + _text(4, name) + _text(6, "string")
        # QueryParameterSubSchema in NonBodyParameter in Parameter in ParametersItem
        yield write_bytes(1, write_bytes(2, write_bytes(3, query)))


def _group_version_kind(kind: Kind) -> bytes:
    """Return the NamedAny that says whose operation it is; JSON is YAML too."""
    value = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    return _text(1, _GVK) + write_bytes(2, _text(2, orjson.dumps(value).decode()))


def _text(number: int, value: str) -> bytes:
    return write_bytes(number, value.encode())
