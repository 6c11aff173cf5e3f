"""An application's roll-outs: which revisions there are, and back to one of them."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from paas.catalog.rollouts import revision_list, rollout_undo
from webui.reading import application_of, deployment_of, shown
from webui.streams.marks import live
from webui.web import WebRequest


@live("replicasets.apps", "deployments.apps")
@require_safe
def rollouts(request: WebRequest, project: str, name: str) -> HttpResponse:
    """List the revisions that are kept."""
    found = application_of(request, project, name)
    deployment = deployment_of(found)
    rows = revision_list(request.cluster, actor=request.actor, deployment=deployment)
    context = {**shown(found, "rollouts"), "rows": rows}
    return render(request, "webui/applications/rollouts.html", context)


@require_POST
def undo(request: WebRequest, project: str, name: str, revision: int) -> HttpResponse:
    """Go back to a revision."""
    deployment = deployment_of(application_of(request, project, name))
    rollout_undo(request.cluster, actor=request.actor, deployment=deployment, revision=revision)
    messages.success(request, _("Going back to revision {n}.").format(n=revision))
    return redirect("rollouts", project, name)
