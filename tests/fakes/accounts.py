"""Tokens that are their owners' names."""

from paas.core.actors import Actor, platform_actor, user_actor
from paas.core.errors import UnauthorizedError

ADMIN_TOKEN = "admin-token"


class FakeAuthenticator:
    """Knows an administrator and, as `user-<name>`, everybody else. Counts its look-ups."""

    def __init__(self) -> None:
        self.lookups = 0
        self._known: dict[str, Actor] = {}
        self._revoked: set[str] = set()

    def revoke(self, token: str) -> None:
        """Let a token be nobody's from now on."""
        self._known.pop(token, None)
        self._revoked.add(token)

    def known(self, token: str) -> Actor | None:
        return None if token in self._revoked else self._known.get(token)

    def authenticate(self, token: str) -> Actor:
        self.lookups += 1
        if token in self._revoked:
            raise UnauthorizedError("Unauthorized")
        if token == ADMIN_TOKEN:
            self._known[token] = platform_actor("test")
        elif token.startswith("user-"):
            self._known[token] = user_actor(token.removeprefix("user-"))
        else:
            raise UnauthorizedError("Unauthorized")
        return self._known[token]
