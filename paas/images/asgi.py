"""What the edge sends here of the registry's host: tokens and notifications.

Everything else of that host is answered by CNCF Distribution itself.

Source: Distribution, "Token Authentication Specification" and its OAuth2 variant.
"""

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from paas.core.errors import (
    BadRequestError,
    ConflictError,
    PaasError,
    RequestTooLargeError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnauthorizedError,
)
from paas.core.registry import EVENTS_PATH, SERVICE, TOKEN_PATH
from paas.images.errors import RegistryFullError
from paas.images.notifications import PushRecorder
from paas.images.token_service import Answer, SignIn, TokenService

log = structlog.get_logger(__name__)
FORM_MAX_BYTES = 16 * 1024
EVENTS_MAX_BYTES = 4 * 1024 * 1024
_CODES = (
    (UnauthorizedError, 401, "UNAUTHORIZED"),
    (BadRequestError, 400, "UNSUPPORTED"),
    (RequestTooLargeError, 413, "SIZE_INVALID"),
    (TooManyRequestsError, 429, "TOOMANYREQUESTS"),
    (RegistryFullError, 507, "DENIED"),
    (ServiceUnavailableError, 503, "UNAVAILABLE"),
    (ConflictError, 503, "UNAVAILABLE"),
)
Handler = Callable[[Request], Awaitable[Response]]


class RegistryEndpoints:
    """The two endpoints. `secret` is what the registry sends with its notifications."""

    def __init__(self, service: TokenService, recorder: PushRecorder, *, secret: str) -> None:
        self._service = service
        self._recorder = recorder
        self._secret = f"Bearer {secret}".encode()

    async def token_get(self, request: Request) -> Response:
        """Answer a token request signed by HTTP Basic."""
        username, password = _basic(request)
        query = request.query_params
        _check_service(query.get("service"))
        scopes = tuple(query.getlist("scope"))
        sign_in = SignIn(username, password, _address(request), scopes)
        return _token_response(await run_in_threadpool(self._service.sign_in, sign_in))

    async def token_post(self, request: Request) -> Response:
        """Answer the OAuth2 form, with the password in it. Refresh tokens are not given."""
        form = parse_qs((await _body(request, FORM_MAX_BYTES)).decode("latin-1"))

        def field(name: str) -> str:
            return (form.get(name) or [""])[0]

        _check_service(field("service"))
        if field("grant_type") != "password":
            raise BadRequestError("Only the grant type 'password' is offered.")
        scopes = tuple(form.get("scope") or ())
        sign_in = SignIn(field("username"), field("password"), _address(request), scopes)
        return _token_response(await run_in_threadpool(self._service.sign_in, sign_in))

    async def events(self, request: Request) -> Response:
        """Take the registry's notifications; anything but 2xx is sent again by it."""
        given = request.headers.get("Authorization", "").encode()
        if not secrets.compare_digest(given, self._secret):
            raise UnauthorizedError("Only the registry may notify.")
        try:
            envelope: Any = orjson.loads(await _body(request, EVENTS_MAX_BYTES))
        except orjson.JSONDecodeError as error:
            raise BadRequestError("A notification is JSON.") from error
        if not isinstance(envelope, dict):
            raise BadRequestError("A notification is a JSON object.")
        await run_in_threadpool(self._recorder.record, envelope)
        return Response(status_code=200)


def registry_application(
    service: TokenService, recorder: PushRecorder, *, secret: str
) -> Starlette:
    """Return the ASGI application."""
    endpoints = RegistryEndpoints(service, recorder, secret=secret)
    return Starlette(
        routes=[
            Route(TOKEN_PATH, _answering(endpoints.token_get), methods=["GET"]),
            Route(TOKEN_PATH, _answering(endpoints.token_post), methods=["POST"]),
            Route(EVENTS_PATH, _answering(endpoints.events), methods=["POST"]),
        ]
    )


def _answering(handler: Handler) -> Handler:
    """Turn our errors into the registry's."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except PaasError as error:
            return _error_response(error)

    return answer


def _error_response(error: PaasError) -> Response:
    found = ((code, word) for kind, code, word in _CODES if isinstance(error, kind))
    code, word = next(found, (500, "UNKNOWN"))
    headers = {}
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = f'Basic realm="{SERVICE}", charset="UTF-8"'
    if isinstance(error, TooManyRequestsError):
        headers["Retry-After"] = str(error.retry_after_s)
    if code == 500:  # noqa: PLR2004 -- HTTP
        log.error("registry_request_failed", reason=error.reason, message=error.message)
    body = {"errors": [{"code": word, "message": str(error), "detail": None}]}
    return JSONResponse(body, status_code=code, headers=headers)


def _token_response(answer: Answer) -> Response:
    body = {
        "token": answer.token,
        "access_token": answer.token,
        "expires_in": answer.expires_in_s,
        "issued_at": answer.issued_at.isoformat().replace("+00:00", "Z"),
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _basic(request: Request) -> tuple[str, str]:
    """Return name and password. Raises UnauthorizedError."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise UnauthorizedError(
            "Sign in to the registry first.", hint="The password is a token of yours."
        )
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnauthorizedError("The credentials cannot be read.") from error
    username, _, password = text.partition(":")
    return username, password


def _check_service(service: str | None) -> None:
    if service and service != SERVICE:
        raise BadRequestError(f"Tokens are given for the service {SERVICE} only.")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _body(request: Request, limit_bytes: int) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > limit_bytes:
            raise RequestTooLargeError("The request is too large.")
    return body
