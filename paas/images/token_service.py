"""Signs people, service accounts and holders of our tokens in to the registry.

Without HTTP. Source: Distribution, "Token Authentication Specification".
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.errors import TooManyRequestsError, UnauthorizedError
from paas.images.errors import RegistryFullError
from paas.images.limiter import FailureLimiter
from paas.images.rights import granted, parse_scopes
from paas.images.tokens import PUSH, Grant, RegistryTokens, narrowed

TTL_S = 300


class TokenReader(Protocol):
    """Knows whose bearer token it is: `paas.accounts.authentication.Authenticator`."""

    def authenticate(self, token: str) -> Actor:
        """Return the actor. Raises UnauthorizedError."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A request for a token. `address` is the client's, `scopes` as they were sent."""

    username: str
    password: str
    address: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A token, how long it lives and from when."""

    token: str
    expires_in_s: int
    issued_at: datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class TokenService:
    """One per process, safe to use from several threads.

    `has_room` is asked before a push, `goes_on` of whoever has a token of ours for a password: a
    build may have ended. What it was given before holds for TTL_S at most.
    """

    cluster: Cluster
    reader: TokenReader
    tokens: RegistryTokens
    now: Callable[[], datetime] = _now
    has_room: Callable[[], bool] = lambda: True
    goes_on: Callable[[str], bool] = lambda _: True
    limiter: FailureLimiter = field(default_factory=lambda: FailureLimiter(time.monotonic))

    def sign_in(self, request: SignIn) -> Answer:
        """Return a token for what of the scopes may be done; it may be for nothing at all.

        Raises UnauthorizedError, TooManyRequestsError, RegistryFullError for a push that it allows.
        """
        asked = parse_scopes(request.scopes)
        if (answer := self._exchange(request.password, asked)) is not None:
            return answer
        actor = self._actor(request)
        return self._answer(granted(self.cluster, actor, asked), actor.name, TTL_S)

    def _exchange(self, password: str, asked: list[Grant]) -> Answer | None:
        """Answer for a password that is a token of ours: no more than it says, no longer.

        Raises UnauthorizedError.
        """
        try:
            claims = self.tokens.read(password)
        except UnauthorizedError:
            return None
        if not self.goes_on(claims.subject):
            raise UnauthorizedError(f"The registry token is not valid: {claims.subject} has ended.")
        left_s = int((claims.expires_at - self.now()).total_seconds())
        return self._answer(narrowed(asked, claims.grants), claims.subject, min(TTL_S, left_s))

    def _actor(self, request: SignIn) -> Actor:
        key = f"{request.address} {request.username}"
        if wait_s := self.limiter.wait_s(key):
            raise TooManyRequestsError(
                "Too many failed sign-ins.",
                hint="Wait a minute.",
                retry_after_s=int(wait_s) + 1,
            )
        try:
            return self.reader.authenticate(request.password)
        except UnauthorizedError:
            self.limiter.failed(key)
            raise

    def _answer(self, grants: list[Grant], subject: str, ttl_s: int) -> Answer:
        if any(PUSH in grant.actions for grant in grants) and not self.has_room():
            raise RegistryFullError(
                "The registry's disk is nearly full: it takes no images now.",
                hint="An administrator makes room; pulls go on.",
            )
        now = self.now()
        token = self.tokens.issue(grants, subject=subject, ttl_s=ttl_s, now=now)
        return Answer(token, ttl_s, now)
