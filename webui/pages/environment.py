"""An application's environment: plain values, and references to ConfigMaps and Secrets."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from paas.catalog.environment import (
    choice_list,
    environment_digest,
    environment_of,
    environment_set,
)
from paas.core.errors import PaasError
from webui.failures import status_code
from webui.forms.environment import REFUSALS, read_rows, rows_of
from webui.reading import application_of, deployment_of, shown
from webui.web import WebRequest


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def environment(request: WebRequest, project: str, name: str) -> HttpResponse:
    """Show the variables; take them all together, which rolls out new pods."""
    cluster, actor = request.cluster, request.actor
    found = application_of(request, project, name)
    deployment = deployment_of(found)
    before = environment_of(deployment)
    choices = choice_list(cluster, actor=actor, project=project)
    context = {**shown(found, "environment"), "seen": environment_digest(deployment)}
    context |= {"rows": rows_of(before, choices), "choices": choices}
    status = 200
    if request.method == "POST":
        wanted = read_rows(request.POST, before)
        seen = request.POST.get("seen", "")
        try:
            environment_set(cluster, actor=actor, deployment=deployment, wanted=wanted, seen=seen)
        except PaasError as error:
            if error.reason not in REFUSALS:
                raise
            status = status_code(error)
            context |= {"refusal": error, "rows": rows_of(wanted, choices)}
        else:
            messages.success(request, _("Saved. New pods are being rolled out."))
            return redirect("environment", project, name)
    return render(request, "webui/applications/environment.html", context, status=status)
