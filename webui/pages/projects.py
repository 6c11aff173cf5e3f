"""Projects: the list, a new one, the overview, deleting one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from paas.catalog.applications import application_list
from paas.core.errors import PaasError
from paas.projects.quotas import usage_list
from webui.failures import status_code
from webui.forms.projects import ProjectForm, TypedNameForm
from webui.presenters.applications import app_rows
from webui.presenters.projects import bars, project_row
from webui.streams.marks import live
from webui.web import WebRequest

PROJECTS = "projects.project.openshift.io"
REQUEST_VERSION = "project.openshift.io/v1"


@require_safe
def home(request: WebRequest) -> HttpResponse:
    """Go to the projects."""
    del request
    return redirect("projects")


@live(PROJECTS)
@require_safe
def projects(request: WebRequest) -> HttpResponse:
    """List the projects that the person may see."""
    found = request.cluster.list(request.actor, PROJECTS).items
    # what people made comes first, what belongs to the platform last
    rows = sorted(map(project_row, found), key=lambda row: (not row.requester, row.name))
    return render(request, "webui/projects/list.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
def project_new(request: WebRequest) -> HttpResponse:
    """Ask for a project."""
    form, status = ProjectForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        try:
            request.cluster.create(request.actor, _wish(form))
        except PaasError as error:
            form.refuse(error)
            status = status_code(error)
        else:
            return redirect("project", form.cleaned_data["name"])
    elif form.errors:
        status = 422
    return render(request, "webui/projects/new.html", {"form": form}, status=status)


@live(
    "deployments.apps",
    "pods",
    "builds.build.openshift.io",
    "buildconfigs.build.openshift.io",
    "routes.route.openshift.io",
    "resourcequotas",
    "namespaces",
)
@require_safe
def project(request: WebRequest, project: str) -> HttpResponse:
    """Show a project's applications and what it uses."""
    found = request.cluster.get(request.actor, PROJECTS, project)
    applications = application_list(
        request.cluster, actor=request.actor, project=project, addresses=request.addresses
    )
    context = {
        "project": project_row(found),
        "tab": "applications",
        "rows": app_rows(applications),
        "bars": bars(usage_list(request.cluster, actor=request.actor, project=project)),
    }
    return render(request, "webui/projects/overview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def project_delete(request: WebRequest, project: str) -> HttpResponse:
    """Delete a project with all that is in it, when its name has been typed."""
    found = request.cluster.get(request.actor, PROJECTS, project)
    form = TypedNameForm(project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        request.cluster.delete(request.actor, PROJECTS, project)
        messages.success(request, _("The project {name} is being deleted.").format(name=project))
        return redirect("projects")
    context = {"project": project_row(found), "form": form, "tab": "delete"}
    return render(
        request, "webui/projects/delete.html", context, status=422 if form.errors else 200
    )


def _wish(form: ProjectForm) -> dict[str, object]:
    data = form.cleaned_data
    return {
        "apiVersion": REQUEST_VERSION,
        "kind": "ProjectRequest",
        "metadata": {"name": data["name"]},
        "displayName": data["display_name"],
        "description": data["description"],
    }
