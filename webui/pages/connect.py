"""Connect: tokens, the lines for git, kubectl and podman, the kubeconfig, the authority."""

from datetime import UTC, datetime, timedelta

import yaml
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paas.accounts.kubeconfig import kubeconfig_of
from paas.accounts.selectors import token_list
from paas.accounts.services import token_create, token_revoke
from webui.forms.accounts import TokenForm
from webui.presenters.connecting import client_lines, trust_lines
from webui.streams.marks import live
from webui.web import WebRequest

KUBECONFIG_TTL = timedelta(days=30)


@live()
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: WebRequest) -> HttpResponse:
    """Show tokens and lines; make a token, which is shown once."""
    form = TokenForm(request.POST or None)
    text = ""
    if request.method == "POST" and form.is_valid():
        ttl = timedelta(hours=form.cleaned_data["hours"])
        _row, text = token_create(user=request.user, name=form.cleaned_data["name"], ttl=ttl)
    context = {
        "form": form,
        "text": text,
        "tokens": token_list(request.user, now=datetime.now(UTC)),
        "lines": client_lines(request.instance, user=request.user.username, token=text),
    }
    return render(
        request, "webui/connect/connect.html", context, status=422 if form.errors else 200
    )


@require_POST
def revoke(request: WebRequest, token: int) -> HttpResponse:
    """Revoke one of one's own tokens."""
    token_revoke(user=request.user, token_id=token)
    messages.success(request, _("The token is revoked."))
    return redirect("connect")


@require_POST
def kubeconfig(request: WebRequest) -> HttpResponse:
    """Make a token and hand out a kubeconfig with it."""
    _row, text = token_create(user=request.user, name="kubeconfig", ttl=KUBECONFIG_TTL)
    body = kubeconfig_of(request.instance, user=request.user.username, token=text)
    response = HttpResponse(yaml.safe_dump(body, sort_keys=False), content_type="text/yaml")
    response["Content-Disposition"] = 'attachment; filename="kubeconfig"'
    return response


@login_not_required
@require_safe
def trust(request: WebRequest) -> HttpResponse:
    """Show how each client learns to trust the platform's authority."""
    context = {"lines": trust_lines(request.instance)}
    return render(request, "webui/connect/trust.html", context)


@login_not_required
@require_safe
def authority(request: WebRequest) -> HttpResponse:
    """Hand out the authority's certificate: public, and needed before anything is trusted."""
    text = request.instance.ca_file.read_bytes()
    response = HttpResponse(text, content_type="application/x-x509-ca-cert")
    response["Content-Disposition"] = 'attachment; filename="minato-ca.crt"'
    return response
