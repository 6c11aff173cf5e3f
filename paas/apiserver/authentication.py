"""Who is asking: a bearer token, or nobody. Never a cookie.

How a token becomes an Actor, and for how long that is remembered, is `paas.accounts`' knowledge.
"""

from collections.abc import Mapping
from typing import Protocol

from paas.apiserver.threads import DoorThreads
from paas.core.actors import ANONYMOUS, Actor
from paas.core.errors import UnauthorizedError

_SCHEME = b"bearer "


class Authenticator(Protocol):
    """Turns a bearer token into an Actor."""

    def known(self, token: str) -> Actor | None:
        """Return whose token it is if that is known at once; never blocks."""

    def authenticate(self, token: str) -> Actor:
        """Return whose token it is; may ask the database. Raises UnauthorizedError."""


class Authentication:
    """Answers from memory where it can, else by a thread."""

    def __init__(self, authenticator: Authenticator, threads: DoorThreads) -> None:
        self._authenticator = authenticator
        self._threads = threads

    async def actor(self, headers: Mapping[bytes, bytes]) -> Actor:
        """Return who is asking; `headers` have lower-case names. Raises UnauthorizedError."""
        credentials = headers.get(b"authorization")
        if credentials is None:
            return ANONYMOUS
        token = _token(credentials)
        if (known := self._authenticator.known(token)) is not None:
            return known
        return await self._threads.run(self._authenticator.authenticate, token)


def _token(credentials: bytes) -> str:
    if credentials[: len(_SCHEME)].lower() != _SCHEME:
        raise UnauthorizedError("Unauthorized", hint="The API takes bearer tokens only.")
    return credentials[len(_SCHEME) :].strip().decode("latin-1")
