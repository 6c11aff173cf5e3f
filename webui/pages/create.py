"""A new application: ask, show what will be made, make it."""

import yaml
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from paas.catalog.applications import application_create
from paas.catalog.builders import builder_list
from paas.catalog.objects import application_objects
from paas.catalog.specs import spec_check
from paas.core.errors import PaasError
from webui.failures import status_code
from webui.forms.applications import ApplicationForm
from webui.pages.projects import PROJECTS
from webui.presenters.projects import project_row
from webui.web import WebRequest


@require_http_methods(["GET", "HEAD", "POST"])
def app_new(request: WebRequest, project: str) -> HttpResponse:
    """Ask, then show the objects, then create them."""
    found = project_row(request.cluster.get(request.actor, PROJECTS, project))
    builders = builder_list(request.cluster, actor=request.actor)
    form, status = ApplicationForm(project, builders, request.POST or None), 200
    context = {"project": found, "form": form}
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("step") == "create":
                return _create(request, form)
            return _review(request, form, context)
        except PaasError as error:
            form.refuse(error)
            status = status_code(error)
    elif form.errors:
        status = 422
    return render(request, "webui/applications/new.html", context, status=status)


def _review(request: WebRequest, form: ApplicationForm, context: dict[str, object]) -> HttpResponse:
    spec = form.spec()
    spec_check(spec, schemes=request.addresses.schemes)
    objects = application_objects(spec, git_base_url=request.addresses.git_base_url)
    text = yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True)
    kinds = [one["kind"] for one in objects]
    context = {**context, "yaml": text, "kinds": kinds, "given": request.POST}
    return render(request, "webui/applications/review.html", context)


def _create(request: WebRequest, form: ApplicationForm) -> HttpResponse:
    spec = form.spec()
    application_create(request.cluster, actor=request.actor, spec=spec, addresses=request.addresses)
    return redirect("app", spec.project, spec.name)
