"""Who asks: the session's person becomes the actor. A password that must change comes first."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from paas.core.actors import user_actor
from paas.manager import runtime
from webui.web import FRAGMENT, WebRequest, addresses_of

USERS = "users.user.openshift.io"
_UNCHANGED = frozenset({"password", "sign-out"})


class SignedIn(LoginRequiredMiddleware):
    """Lets only signed-in people in, but for views marked `login_not_required`."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: Any,
        view_kwargs: Any,
    ) -> HttpResponseBase | None:
        """Send to the sign-in page; a stream or an htmx request is told so in its own way."""
        refusal = super().process_view(request, view_func, view_args, view_kwargs)
        if refusal is None:
            return None
        if request.META.get(FRAGMENT):
            return HttpResponse(status=401)
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=204, headers={"HX-Redirect": reverse("sign-in")})
        return refusal


class Actors:
    """Gives each request its instance, actor and cluster."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on.

        Its person is read first, in the request's thread: Django makes the page of an address that
        is not there in another one, whose connection to the database nobody would close.
        """
        bool(cast("WebRequest", request).user)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        """Name the actor; lead a person with a given password to choose their own."""
        del view, args, kwargs
        web = cast("WebRequest", request)
        web.instance = settings.MINATO
        web.addresses = addresses_of(settings.MINATO)
        if not web.user.is_authenticated:
            return None
        source = str(request.META.get("REMOTE_ADDR") or "")
        web.actor = user_actor(web.user.username, uid=str(web.user.uid)).at(source)
        web.cluster = runtime.cluster()
        web.administers = web.cluster.may(web.actor, "create", USERS)
        match = request.resolver_match
        if web.user.must_change_password and match and match.url_name not in _UNCHANGED:
            return redirect("password")
        return None
