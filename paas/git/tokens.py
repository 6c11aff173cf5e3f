"""Tokens for builds: each opens one repository, for reading, for a short time.

They are given as a password, as a person gives theirs. Only this platform reads them, so one
secret signs and checks.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from paas.core.errors import UnauthorizedError
from paas.git.locations import RepositoryName

PREFIX = "git~"
_ALGORITHM, _AUDIENCE = "HS256", "minato-git"
_PURPOSE = b"minato: tokens of one repository"


@dataclass(frozen=True, slots=True)
class RepositoryToken:
    """What a token says: `subject` is the build that it was made for."""

    repository: RepositoryName
    subject: str


class RepositoryTokens:
    """Makes and reads tokens with a key derived from a secret of the instance."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, _PURPOSE, "sha256")

    def issue(
        self, repository: RepositoryName, *, subject: str, ttl: timedelta, now: datetime
    ) -> str:
        """Return a token that may fetch from this repository and nothing else."""
        claims = {
            "aud": _AUDIENCE,
            "sub": subject,
            "exp": int((now + ttl).timestamp()),
            "project": repository.project,
            "app": repository.app,
        }
        return PREFIX + jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> RepositoryToken:
        """Return what a token says. Raises UnauthorizedError if it is not ours or has ended."""
        try:
            claims = jwt.decode(
                token.removeprefix(PREFIX),
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["exp", "sub", "aud", "project", "app"]},
            )
        except jwt.PyJWTError as error:
            raise UnauthorizedError(f"The repository's token is not valid: {error}.") from error
        return RepositoryToken(RepositoryName(claims["project"], claims["app"]), claims["sub"])
