"""Reads of people and tokens."""

from collections.abc import Sequence
from datetime import datetime

from paas.accounts.models import Token, User
from paas.core.errors import NotFoundError


def user_get(username: str) -> User:
    """Return a person. Raises NotFoundError."""
    try:
        return User.objects.get(username=username)
    except User.DoesNotExist as error:
        raise NotFoundError(f'users.user.openshift.io "{username}" not found') from error


def user_list() -> Sequence[User]:
    """Return all people, by name."""
    return list(User.objects.all())


def token_list(user: User, *, now: datetime) -> Sequence[Token]:
    """Return a person's living tokens, newest first."""
    return list(Token.objects.filter(user=user, expires_at__gt=now))
