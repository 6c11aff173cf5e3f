"""What these kinds need of the process that serves them, handed over once at its start.

Reading a bearer token needs the accounts' tables, which lie on a higher floor; what pods use is
known to the node agent, which is another process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from paas.core.actors import Actor
from paas.core.errors import ServiceUnavailableError
from paas.core.usage import UsageReader


class TokenReviewer(Protocol):
    """Says who a bearer token stands for (`paas.accounts.authentication` does)."""

    def authenticate(self, token: str) -> Actor:
        """Return whose token it is. Raises UnauthorizedError."""


@dataclass(slots=True)
class _Provided:
    reviewer: TokenReviewer | None = None
    usage: Callable[[], UsageReader] | None = None


_PROVIDED = _Provided()


def provide_token_reviewer(reviewer: TokenReviewer | None) -> None:
    """Hand over the reviewer; called once by whoever assembles a process that serves the API."""
    _PROVIDED.reviewer = reviewer


def token_reviewer() -> TokenReviewer:
    """Return the reviewer. Raises ServiceUnavailableError in a process that has none."""
    if _PROVIDED.reviewer is None:
        raise ServiceUnavailableError("Tokens are not reviewed here.")
    return _PROVIDED.reviewer


def provide_usage_reader(reader: Callable[[], UsageReader] | None) -> None:
    """Hand over what makes, when it is needed, the one who asks the node agent."""
    _PROVIDED.usage = reader


def usage_reader() -> UsageReader:
    """Return who asks. Raises ServiceUnavailableError in a process that has nobody."""
    if _PROVIDED.usage is None:
        raise ServiceUnavailableError("What pods use is not known here.")
    return _PROVIDED.usage()
