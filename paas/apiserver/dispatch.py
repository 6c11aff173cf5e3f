"""Which handler answers which method on which kind of path."""

from collections.abc import Awaitable, Callable

from paas.apiserver import reading, watching, writing
from paas.apiserver.calls import Call
from paas.apiserver.connect import CONNECTS
from paas.apiserver.paths import Target
from paas.core.errors import MethodNotAllowedError, NotFoundError

Handler = Callable[[Call], Awaitable[None]]

_ON_COLLECTION: dict[str, tuple[str, Handler]] = {
    "GET": ("list", reading.list_),
    "POST": ("create", writing.create),
    "DELETE": ("deletecollection", writing.delete_collection),
}
_ON_OBJECT: dict[str, tuple[str, Handler]] = {
    "GET": ("get", reading.get),
    "PUT": ("update", writing.update),
    "PATCH": ("patch", writing.patch),
    "DELETE": ("delete", writing.delete),
}
_ON_PART: dict[str, tuple[str, Handler]] = {
    "GET": ("get", reading.get),
    "PUT": ("update", writing.update),
    "PATCH": ("patch", writing.patch),
}
_SUBRESOURCE_VERBS = {
    "GET": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_IN_ALL_NAMESPACES = frozenset({"list", "watch"})


def handler_of(call: Call) -> tuple[str, Handler]:
    """Return the verb that metrics name, and the handler.

    Raises MethodNotAllowedError, NotFoundError.
    """
    target = call.target
    if target.subresource:
        return _part_handler(call)
    method = "GET" if call.method == "HEAD" else call.method
    table = _ON_OBJECT if target.name else _ON_COLLECTION
    verb, handler = table.get(method) or _refuse()
    if verb == "list" and call.query.flag("watch"):
        verb, handler = "watch", watching.watch
    if verb not in target.kind.verbs or not _has_place(target, verb):
        _refuse()
    return verb, handler


def _has_place(target: Target, verb: str) -> bool:
    """Say whether the path says where: only reads span all namespaces."""
    spans = target.kind.namespaced and not target.namespace
    return not spans or verb in _IN_ALL_NAMESPACES


def _part_handler(call: Call) -> tuple[str, Handler]:
    target = call.target
    kind, name = target.kind, target.subresource
    if target.tail and (kind.resource, name) not in CONNECTS:
        raise _nothing()
    if (name == "status" and kind.status) or (name == "scale" and kind.scale is not None):
        return _ON_PART.get(call.method) or _refuse()
    if (connect := CONNECTS.get((kind.resource, name))) is not None:
        return "connect", connect.http
    declared = kind.subresource(name)
    if declared is None or declared.handler is None:
        raise _nothing()
    verb = _SUBRESOURCE_VERBS.get(call.method, "")
    if verb not in declared.verbs:
        _refuse()
    return verb, lambda given: writing.connect(given, declared, verb)


def _nothing() -> NotFoundError:
    return NotFoundError("the server could not find the requested resource")


def _refuse() -> tuple[str, Handler]:
    raise MethodNotAllowedError("the server does not allow this method on the requested resource")
