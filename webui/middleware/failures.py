"""Errors as pages: each PaasError gets the status of the API and words for people."""

from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from paas.apiserver.statuses import unexpected
from paas.core.errors import PaasError
from webui.failures import OURS, status_code
from webui.pages.errors import method_refused
from webui.web import WebRequest

TITLES = {
    "Forbidden": _("You may not do this"),
    "NotFound": _("This is not here (any more)"),
    "Conflict": _("Somebody else was quicker"),
    "AlreadyExists": _("This exists already"),
    "Invalid": _("This cannot be"),
    "BadRequest": _("This cannot be"),
    "TooManyRequests": _("Too many tries"),
    "ServiceUnavailable": _("A part of the platform does not answer"),
    "Timeout": _("This took too long"),
}
HINTS = {
    "Forbidden": _("Ask an administrator of the project for a role that may."),
    "NotFound": _("It may have been deleted. Go back and look at the list."),
    "Conflict": _("Look at it as it is now, then try again."),
    "ServiceUnavailable": _("It tries again by itself. On the machine: minato status"),
}


class Failures:
    """Turns what a view raises into a page, or into the fragment that htmx swaps."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; say in words that an address takes no such request."""
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return method_refused(request, allowed=response.headers.get("Allow", ""))
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Show a PaasError; Django's own errors go their own way."""
        if not isinstance(error, PaasError):
            return None
        return failure_page(cast("WebRequest", request), error)


def failure_page(request: HttpRequest, error: PaasError) -> HttpResponse:
    """Return the page of an error."""
    code = status_code(error)
    if code == OURS:
        error = unexpected(error, method=request.method or "", path=request.path)
    context = {
        "title": TITLES.get(error.reason, _("Something went wrong")),
        "message": error.message,
        "hint": error.hint or HINTS.get(error.reason, ""),
        "code": code,
    }
    return render(request, "webui/error.html", context, status=code)
