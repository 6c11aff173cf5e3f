"""People: the administrator of the platform makes them, gives passwords, locks them out."""

import secrets

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paas.accounts.backends import ACTIVE
from paas.apimachinery.options import Patch
from paas.core.errors import PaasError
from webui.failures import status_code
from webui.forms.accounts import UserForm
from webui.presenters.users import user_row
from webui.streams.marks import live
from webui.web import WebRequest

USERS = "users.user.openshift.io"
API_VERSION = "user.openshift.io/v1"


@live(USERS)
@require_safe
def users(request: WebRequest) -> HttpResponse:
    """List the people."""
    rows = map(user_row, request.cluster.list(request.actor, USERS).items)
    return render(request, "webui/users/list.html", {"rows": list(rows)})


@require_http_methods(["GET", "HEAD", "POST"])
def user_new(request: WebRequest) -> HttpResponse:
    """Make a person and show their password, once."""
    form, status = UserForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        wish = {
            "apiVersion": API_VERSION,
            "kind": "User",
            "metadata": {"name": data["name"]},
            "fullName": data["full_name"],
        }
        try:
            request.cluster.create(request.actor, wish)
        except PaasError as error:
            form.refuse(error)
            status = status_code(error)
        else:
            return _password_give(request, data["name"])
    elif form.errors:
        status = 422
    return render(request, "webui/users/new.html", {"form": form}, status=status)


@require_POST
def user_reset(request: WebRequest, name: str) -> HttpResponse:
    """Give a person a new password and show it, once."""
    return _password_give(request, name)


@require_POST
def user_activate(request: WebRequest, name: str) -> HttpResponse:
    """Let a person in, or lock them out: their sessions and tokens end at once."""
    active = request.POST.get("active") == "true"
    patch = Patch("merge", {"metadata": {"annotations": {ACTIVE: str(active).lower()}}})
    request.cluster.patch(request.actor, USERS, name, patch=patch)
    told = _("{name} can sign in again.") if active else _("{name} can sign in no more.")
    messages.success(request, told.format(name=name))
    return redirect("users")


def _password_give(request: WebRequest, name: str) -> HttpResponse:
    password = secrets.token_urlsafe(12)
    body = {"password": password}
    request.cluster.connect(request.actor, USERS, name, "", subresource="password", body=body)
    return render(request, "webui/users/password.html", {"name": name, "password": password})
