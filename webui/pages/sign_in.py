"""Signing in and out, and changing one's password."""

import time

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from paas.accounts.services import user_password_set
from paas.core.errors import PaasError
from paas.images.limiter import FailureLimiter
from webui.forms.accounts import PasswordForm, SignInForm
from webui.web import WebRequest

limiter = FailureLimiter(time.monotonic)


@sensitive_post_parameters()
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: WebRequest) -> HttpResponse:
    """Sign a person in and go where they wanted to."""
    if request.user.is_authenticated:
        return redirect("projects")
    if request.method != "POST":
        return _shown(request, SignInForm(request), 200)
    key = f"{request.META.get('HTTP_X_FORWARDED_FOR', '')} {request.POST.get('username', '')}"
    if wait_s := limiter.wait_s(key):
        # nothing that was typed is looked at: the answer must not tell a right guess
        return _shown(request, SignInForm(request), 429, wait_s=wait_s + 1)
    form = SignInForm(request, request.POST)
    if not form.is_valid():
        limiter.failed(key)
        return _shown(request, form, 422)
    login(request, form.get_user())
    return redirect(_next(request))


@require_POST
def sign_out(request: WebRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("sign-in")


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: WebRequest) -> HttpResponse:
    """Change one's own password; other sessions of the person end."""
    user = request.user
    form = PasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user_password_set(user=user, password=form.cleaned_data["new"])
        except PaasError as error:
            form.add_error("new", str(error))
        else:
            update_session_auth_hash(request, user)
            messages.success(request, _("Your password is changed."))
            return redirect("projects")
    status = 422 if form.errors else 200
    return render(request, "webui/accounts/password.html", {"form": form}, status=status)


def _shown(
    request: WebRequest, form: SignInForm, status: int, *, wait_s: float = 0
) -> HttpResponse:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    wait = _("Too many tries. Wait {s:.0f} seconds.").format(s=wait_s) if wait_s else ""
    context = {"form": form, "next": wanted, "wait": wait}
    return render(request, "webui/accounts/sign_in.html", context, status=status)


def _next(request: WebRequest) -> str:
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=True):
        return wanted
    return "/"
