"""Pages for what Django itself refuses: no such address, a form without its token, a defect."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that there is no such page."""
    del exception
    return _show(request, 404, _("There is no such page"), _("Start again from the projects."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Show that something may not be done."""
    del exception
    return _show(request, 403, _("You may not do this"), "")


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Show that a form was too old or came from elsewhere."""
    del reason
    hint = _("The page was open for too long, or cookies are off. Go back, reload, try again.")
    return _show(request, 403, _("This form is too old"), hint)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show that a request could not be read."""
    del exception
    return _show(request, 400, _("This request cannot be read"), "")


def method_refused(request: HttpRequest, *, allowed: str) -> HttpResponse:
    """Show that an address is one that forms are sent to, or one that takes none."""
    hint = _("Its page may have been reloaded after a change. Start again from the projects.")
    response = _show(request, 405, _("This address does not take this"), hint)
    response["Allow"] = allowed
    return response


def defect(request: HttpRequest) -> HttpResponse:
    """Show that we made a mistake."""
    hint = _("It has been logged. Try again; tell your administrator if it stays.")
    return _show(request, 500, _("Something went wrong"), hint)


def _show(request: HttpRequest, code: int, title: str, hint: str) -> HttpResponse:
    context = {"title": title, "hint": hint, "code": code, "message": ""}
    return render(request, "webui/error.html", context, status=code)
