"""Errors as `metav1.Status`: the one place where a reason becomes an HTTP code.

The sentences are written where an error is raised; here they get their envelope.
Source: k8s.io/apimachinery/pkg/api/errors.
"""

import secrets
from collections.abc import Iterable
from typing import Any

import orjson
import structlog

from paas.apiserver.paths import Target
from paas.apiserver.responses import Response
from paas.core.errors import InvalidError, PaasError
from paas.core.objects import ApiObject, name_of, uid_of

log = structlog.get_logger(__name__)

CODES = {
    "NotModified": 304,
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "AlreadyExists": 409,
    "Conflict": 409,
    "Gone": 410,
    "Expired": 410,
    "RequestEntityTooLarge": 413,
    "URITooLong": 414,
    "UnsupportedMediaType": 415,
    "Invalid": 422,
    "TooManyRequests": 429,
    "RequestHeaderFieldsTooLarge": 431,
    "InternalError": 500,
    "ServiceUnavailable": 503,
    "Timeout": 504,
}
_OURS = 500
_ABOUT_TARGET = frozenset({"NotFound", "AlreadyExists", "Conflict", "Forbidden", "Gone"})


def status_of(error: PaasError, target: Target | None = None) -> ApiObject:
    """Return the Status body. `target` fills in details that the error leaves out."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": str(error),
        "reason": error.reason,
        "details": _details(error, target),
        "code": CODES.get(error.reason, _OURS),
    }


def _details(error: PaasError, target: Target | None) -> dict[str, Any]:
    details = dict(error.details)
    if target is not None and error.reason in _ABOUT_TARGET:
        about = {"name": target.name, "group": target.kind.group, "kind": target.kind.plural}
        details = {key: value for key, value in about.items() if value} | details
    if isinstance(error, InvalidError) and error.causes:
        details.setdefault("causes", [cause.as_dict() for cause in error.causes])
    return details


def failure(error: PaasError, target: Target | None = None) -> Response:
    """Return the answer that an error becomes."""
    status = status_of(error, target)
    if status["code"] == CODES["NotModified"]:
        return Response(b"", status["code"])
    return Response(orjson.dumps(status), status["code"], headers=_headers(error))


def _headers(error: PaasError) -> tuple[tuple[bytes, bytes], ...]:
    if error.reason == "Unauthorized":
        return ((b"www-authenticate", b'Bearer realm="minato"'),)
    if delay_s := error.details.get("retryAfterSeconds"):
        return ((b"retry-after", b"%d" % delay_s),)
    return ()


def unexpected(error: Exception, *, method: str, path: str) -> PaasError:
    """Log what nobody foresaw under an id, and return an error that shows only the id."""
    reference = secrets.token_hex(8)
    log.error("request_failed", reference=reference, method=method, path=path, exc_info=error)
    return PaasError(
        f"Internal error occurred: the server could not finish the request (reference {reference})",
        details={"causes": [{"reason": "UnexpectedServerError", "message": reference}]},
    )


def success(target: Target, obj: ApiObject) -> ApiObject:
    """Return the Status that a finished delete answers."""
    details = {
        "name": name_of(obj) or target.name,
        "group": target.kind.group,
        "kind": target.kind.plural,
        "uid": uid_of(obj),
    }
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }


def warning_headers(warnings: Iterable[str]) -> tuple[tuple[bytes, bytes], ...]:
    """Return `Warning` headers as upstream writes them, each once. Source: RFC 7234, 5.5."""
    return tuple((b"warning", _quoted(text)) for text in dict.fromkeys(warnings))


def _quoted(text: str) -> bytes:
    clean = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{clean}"'.encode("latin-1", "replace")
