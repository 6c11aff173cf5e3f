"""Writes of people and tokens. Who may call is decided by RBAC on `users.user.openshift.io`.

Each change wakes the authenticators of all processes, which then forget what they know.
"""

import uuid
from datetime import UTC, datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from paas.accounts.errors import WeakPasswordError
from paas.accounts.models import USERNAME_MAX, Token, User
from paas.accounts.tokens import new_token, token_digest
from paas.core.errors import AlreadyExistsError, BadRequestError, Cause, InvalidError
from paas.core.names import subdomain_errors

CHANNEL = "minato_accounts"
TTL_MAX = timedelta(days=365)


@transaction.atomic
def user_create(
    *,
    username: str,
    password: str,
    full_name: str = "",
    must_change_password: bool = True,
    dry_run: bool = False,
) -> User:
    """Create a person. Raises InvalidError for the name, WeakPasswordError, AlreadyExistsError."""
    if wrong := _username_errors(username):
        causes = [Cause("FieldValueInvalid", why, "metadata.name") for why in wrong]
        raise InvalidError(f"The user name {username!r} is not possible: {wrong[0]}", causes=causes)
    user = User(
        username=username,
        full_name=full_name,
        uid=uuid.uuid4(),
        created_at=datetime.now(UTC),
        must_change_password=must_change_password,
    )
    _set_password(user, password)
    try:
        with transaction.atomic():
            user.save()
            if dry_run:
                transaction.set_rollback(True)
    except IntegrityError as error:
        raise AlreadyExistsError(f'users.user.openshift.io "{username}" already exists') from error
    return user


def password_check(*, username: str, password: str) -> None:
    """Raise WeakPasswordError for what would be refused as this person's password."""
    _validate(User(username=username), password)


@transaction.atomic
def user_password_set(*, user: User, password: str, must_change_password: bool = False) -> None:
    """Give a person a new password. Raises WeakPasswordError."""
    _set_password(user, password)
    user.must_change_password = must_change_password
    user.save(update_fields=["password", "must_change_password"])


@transaction.atomic
def user_update(*, user: User, full_name: str, active: bool, dry_run: bool = False) -> User:
    """Change a person; one who is not active cannot sign in, and all their tokens end at once."""
    user.full_name, user.is_active = full_name, active
    if not dry_run:
        user.save(update_fields=["full_name", "is_active"])
        _announce()
    return user


@transaction.atomic
def token_create(*, user: User, name: str, ttl: timedelta) -> tuple[Token, str]:
    """Return a new token's row and its text, which is never to be had again."""
    if not timedelta(0) < ttl <= TTL_MAX:
        raise BadRequestError("A token lives from one second to 365 days.", hint="Choose a --ttl.")
    text = new_token()
    row = Token.objects.create(
        user=user, name=name, digest=token_digest(text), expires_at=datetime.now(UTC) + ttl
    )
    return row, text


@transaction.atomic
def token_revoke(*, user: User, token_id: int) -> None:
    """Revoke one of a person's own tokens; nothing happens if it is gone."""
    Token.objects.filter(user=user, pk=token_id).delete()
    _announce()


@transaction.atomic
def tokens_expire(*, now: datetime) -> int:
    """Delete the rows of tokens that have ended; returns how many."""
    count, _ = Token.objects.filter(expires_at__lt=now).delete()
    return count


def _username_errors(username: str) -> list[str]:
    wrong = subdomain_errors(username)
    if len(username) > USERNAME_MAX:
        wrong.append(f"must be no more than {USERNAME_MAX} characters")
    return wrong


def _set_password(user: User, password: str) -> None:
    _validate(user, password)
    user.set_password(password)


def _validate(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPasswordError(" ".join(error.messages)) from error


def _announce() -> None:
    """Wake every process's authenticator when the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
