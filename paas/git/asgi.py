"""The git server as an ASGI application: who may, how much, then `git http-backend`.

Nothing of a request reaches git unchecked: path, query and media type are made anew from what
was understood. Bodies are streamed, never collected.
"""

import asyncio
import shutil
import socket
from collections.abc import Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

import structlog

from paas.cluster.client import Cluster
from paas.core.errors import (
    BadRequestError,
    ForbiddenError,
    MethodNotAllowedError,
    NotFoundError,
    PaasError,
    RequestTooLargeError,
    TimeoutExceededError,
    TooManyRequestsError,
    UnauthorizedError,
)
from paas.core.objects import uid_of
from paas.git.access import Authenticator, Gate, Visitor
from paas.git.builds import PushBuilds, Stop
from paas.git.cgi import Bounds, ClientGoneError, Exchange, Receive, Send
from paas.git.errors import StorageFullError
from paas.git.locations import GitRequest, Service, read_request
from paas.git.policy import environment
from paas.git.pushes import PushDesk
from paas.git.repositories import Repositories
from paas.git.repository import Repository
from paas.git.sessions import session_run
from paas.git.tokens import RepositoryTokens

log = structlog.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
Scope = MutableMapping[str, Any]

_NEGOTIATION_MAX_BYTES = 10 * 1024 * 1024
_PROTOCOL_SLACK_BYTES = 1024 * 1024
_PROTOCOLS = {b"version=1", b"version=2"}
_CODES = (
    (UnauthorizedError, 401),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (MethodNotAllowedError, 405),
    (BadRequestError, 400),
    (TimeoutExceededError, 408),
    (RequestTooLargeError, 413),
    (TooManyRequestsError, 503),
    (StorageFullError, 507),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What pushes and fetches may take, per request, repository and process."""

    push_max_bytes: int
    repository_max_bytes: int
    disk_free_min_bytes: int = 256 * 1024 * 1024
    idle_s: float = 120.0
    pushes: int = 32
    requests: int = 64


class GitApplication:
    """Serves `/git/<project>/<app>.git/…`."""

    def __init__(
        self,
        gate: Gate,
        desk: PushDesk,
        repositories: Repositories,
        builds: PushBuilds,
        limits: Limits,
    ) -> None:
        self._gate = gate
        self._desk = desk
        self._repositories = repositories
        self._builds = builds
        self._limits = limits
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="git")
        self._watchers = ThreadPoolExecutor(limits.pushes, thread_name_prefix="git-push")
        self._free = {Service.UPLOAD: limits.requests, Service.RECEIVE: limits.pushes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        exchange = Exchange(receive, send, self._bounds(scope))
        try:
            await self._serve(scope, exchange)
        except ClientGoneError:
            log.debug("git_client_gone")
        except PaasError as error:
            if exchange.started:
                log.info("git_request_broken", reason=error.reason, message=error.message)
                return  # an answer without its end: the server closes the connection
            await _refuse(send, error)

    async def _serve(self, scope: Scope, exchange: Exchange) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request = read_request(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            headers.get(b"content-type", b"").decode("latin-1"),
        )
        credentials = headers.get(b"authorization", b"").decode("latin-1")
        if self._free[request.service] <= 0:
            raise TooManyRequestsError("Too many are served now.", hint="Try again soon.")
        self._free[request.service] -= 1
        try:
            visitor = await self._blocking(self._gate.admit, request, credentials, _address(scope))
            prepared = await self._blocking(self._prepare, request, visitor)
            variables = prepared | _cgi(request, visitor, scope, headers)
            variables["GIT_PROJECT_ROOT"] = str(self._repositories.root)
            if request.service is Service.RECEIVE and not request.advertises:
                self._check_length(headers)
                await self._push(exchange, visitor, variables)
            else:
                await exchange.run(variables)
        finally:
            self._free[request.service] += 1

    async def _push(self, exchange: Exchange, visitor: Visitor, variables: dict[str, str]) -> None:
        """Serve receive-pack, with a thread that converses with its hook."""
        ours, theirs = socket.socketpair()
        variables["MINATO_PUSH_FD"] = str(theirs.fileno())
        stop = Stop()
        call = partial(session_run, ours, visitor, self._desk, self._builds, stop)
        watcher = asyncio.get_running_loop().run_in_executor(self._watchers, call)
        try:
            await exchange.run(variables, inherited=theirs)
        finally:
            stop.set()
            theirs.close()
            watcher.add_done_callback(_log_failure)

    def _prepare(self, request: GitRequest, visitor: Visitor) -> dict[str, str]:
        """Return git's environment for a repository that is there. Raises StorageFullError."""
        repository = self._repositories.open(request.repository, uid_of(visitor.config))
        extra = []
        if request.service is Service.RECEIVE:
            extra = [("receive.maxInputSize", str(self._room_bytes(repository)))]
        return environment(repository.path, extra=extra)

    def _room_bytes(self, repository: Repository) -> int:
        limits = self._limits
        free_bytes = shutil.disk_usage(self._repositories.root).free - limits.disk_free_min_bytes
        if free_bytes <= 0:
            raise StorageFullError(
                "The platform's disk is full: fetching works, pushing does not.",
                hint="It heals by itself when there is room.",
            )
        left_bytes = limits.repository_max_bytes - repository.size_bytes()
        if left_bytes <= 0:
            raise StorageFullError(
                f"The repository is full: it may hold {limits.repository_max_bytes >> 20} MiB.",
                hint="Ask an administrator of the platform.",
            )
        return min(limits.push_max_bytes, left_bytes, free_bytes)

    def _check_length(self, headers: Mapping[bytes, bytes]) -> None:
        length = headers.get(b"content-length", b"0")
        if int(length) > self._limits.push_max_bytes + _PROTOCOL_SLACK_BYTES:
            raise RequestTooLargeError(
                f"A push may have {self._limits.push_max_bytes >> 20} MiB.",
                hint="Push the history in parts, or keep large files elsewhere.",
            )

    def _bounds(self, scope: Scope) -> Bounds:
        pushes = str(scope["path"]).endswith("/git-receive-pack")
        largest = self._limits.push_max_bytes + _PROTOCOL_SLACK_BYTES
        return Bounds(largest if pushes else _NEGOTIATION_MAX_BYTES, self._limits.idle_s)

    async def _blocking(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        ready = partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, ready)

    def close(self) -> None:
        """Take no more requests."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._watchers.shutdown(wait=False, cancel_futures=True)


def git_application(
    cluster: Cluster,
    authenticator: Authenticator,
    *,
    repositories: Repositories,
    tokens: RepositoryTokens,
    builds: PushBuilds,
    limits: Limits,
) -> GitApplication:
    """Return the application; make one per process, after any fork."""
    gate = Gate(cluster, authenticator, tokens)
    desk = PushDesk(cluster, repositories, builds)
    return GitApplication(gate, desk, repositories, builds, limits)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _cgi(
    request: GitRequest, visitor: Visitor, scope: Scope, headers: Mapping[bytes, bytes]
) -> dict[str, str]:
    """Return the CGI variables. Source: git-http-backend(1)."""
    variables = {
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": request.path_info,
        "QUERY_STRING": request.query,
        "REMOTE_ADDR": _address(scope),
        "REMOTE_USER": visitor.actor.name,
        "REQUEST_METHOD": scope["method"],
    }
    if not request.advertises:
        variables["CONTENT_TYPE"] = request.content_type
    if headers.get(b"content-encoding") in {b"gzip", b"x-gzip"}:
        variables["HTTP_CONTENT_ENCODING"] = "gzip"
    if (protocol := headers.get(b"git-protocol", b"")) in _PROTOCOLS:
        variables["GIT_PROTOCOL"] = protocol.decode()
    return variables


async def _refuse(send: Send, error: PaasError) -> None:
    """Answer in plain text: git shows it to its user."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), 500)
    if code == 500:  # noqa: PLR2004 -- HTTP
        log.error("git_request_failed", reason=error.reason, message=error.message)
    body = f"{error.message}\n{error.hint}\n" if error.hint else f"{error.message}\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-cache")]
    if code == 401:  # noqa: PLR2004 -- HTTP
        headers.append((b"www-authenticate", b'Basic realm="Minato git", charset="UTF-8"'))
    if isinstance(error, TooManyRequestsError):
        headers.append((b"retry-after", b"%d" % error.retry_after_s))
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})


def _log_failure(watcher: "asyncio.Future[None]") -> None:
    if not watcher.cancelled() and (error := watcher.exception()) is not None:
        log.error("push_watcher_failed", error=repr(error))
