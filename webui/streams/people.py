"""Whose stream it is: the session's person, read as Django's own middleware reads it."""

from http.cookies import SimpleCookie
from importlib import import_module
from io import BytesIO

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections

from paas.accounts.models import User
from paas.core.actors import Actor, user_actor
from webui.sites import Scope


async def person_of(scope: Scope) -> Actor | None:
    """Return the actor of a connection's cookie, or None. The thread ends with the answer."""
    async with ThreadSensitiveContext():
        return await sync_to_async(_person_of)(scope)


def _person_of(scope: Scope) -> Actor | None:
    request = ASGIRequest(dict(scope), BytesIO())
    key = SimpleCookie(request.META.get("HTTP_COOKIE", "")).get(settings.SESSION_COOKIE_NAME)
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key and key.value)
    try:
        user = get_user(request)
    finally:
        close_old_connections()
    if not isinstance(user, User) or not user.is_active or user.must_change_password:
        return None
    source = str(request.META.get("REMOTE_ADDR") or "")
    return user_actor(user.username, uid=str(user.uid)).at(source)
