"""How Users are served: from the rows of `models.py`."""

import secrets
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections

from paas.accounts import selectors, services
from paas.accounts.models import User
from paas.apimachinery.backends import VirtualBackend
from paas.apimachinery.kinds import WriteContext
from paas.core.actors import AUTHENTICATED, UNAUTHENTICATED, Actor
from paas.core.errors import BadRequestError
from paas.core.objects import ApiObject, ObjectKey, annotations_of, name_of, timestamp

API_VERSION = "user.openshift.io/v1"
ACTIVE = "minato.io/active"
MYSELF = "~"
VIRTUAL_GROUPS = frozenset({AUTHENTICATED, UNAUTHENTICATED, "system:authenticated:oauth"})

P = ParamSpec("P")
R = TypeVar("R")


def _with_rows(call: Callable[P, R]) -> Callable[P, R]:
    """Let go of connections that are too old: nobody else does in a thread of the API server."""

    @wraps(call)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        close_old_connections()
        return call(*args, **kwargs)

    return wrapped


class UserBackend(VirtualBackend):
    """Users are listed and written by administrators; everyone may get `~`."""

    @_with_rows
    def get(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Return one user; `~` is whoever asks, a service account too.

        Source: OpenShift answers a virtual user where the name cannot be a person's.
        """
        if key.name != MYSELF:
            return user_object(selectors.user_get(key.name))
        actor = context.actor
        if ":" in actor.name:
            return virtual_user(actor)
        return user_object(selectors.user_get(actor.name))

    @_with_rows
    def list(self, context: WriteContext, namespace: str) -> Sequence[ApiObject]:
        """Return all users, by name."""
        del context, namespace
        return [user_object(user) for user in selectors.user_list()]

    @_with_rows
    def create(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Create a user, whose password nobody knows until one is set."""
        user = services.user_create(
            username=name_of(obj),
            password=secrets.token_urlsafe(32),
            full_name=str(obj.get("fullName") or ""),
            dry_run=context.dry_run,
        )
        return user_object(user)

    @_with_rows
    def update(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Change the full name, and whether the user may sign in."""
        user = services.user_update(
            user=selectors.user_get(name_of(obj)),
            full_name=str(obj.get("fullName") or ""),
            active=annotations_of(obj).get(ACTIVE) != "false",
            dry_run=context.dry_run,
        )
        return user_object(user)


@_with_rows
def password_set(context: WriteContext, key: ObjectKey, body: ApiObject) -> ApiObject:
    """Set a password that its owner must change: body `{"password": …}`. Ours, not upstream's."""
    del context
    password: Any = body.get("password")
    if not isinstance(password, str) or not password:
        raise BadRequestError('The body must have a "password".')
    user = selectors.user_get(key.name)
    services.user_password_set(user=user, password=password, must_change_password=True)
    return user_object(user)


def virtual_user(actor: Actor) -> ApiObject:
    """Return a service account or part of the platform as the API shows them to themselves."""
    groups = sorted(group for group in actor.groups if group not in VIRTUAL_GROUPS)
    return {
        "apiVersion": API_VERSION,
        "kind": "User",
        "metadata": {"name": actor.name},
        "groups": groups,
    }


def user_object(user: User) -> ApiObject:
    """Return a person as the API shows them."""
    data: dict[str, Any] = {
        "name": user.username,
        "uid": str(user.uid),
        "creationTimestamp": timestamp(user.created_at),
    }
    if not user.is_active:
        data["annotations"] = {ACTIVE: "false"}
    body: ApiObject = {"apiVersion": API_VERSION, "kind": "User", "metadata": data}
    if user.full_name:
        body["fullName"] = user.full_name
    return {**body, "groups": []}
