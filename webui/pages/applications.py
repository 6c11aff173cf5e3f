"""An application: overview, pods at a glance, scale, YAML, delete."""

import yaml
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from paas.catalog.applications import (
    AUTOSCALERS,
    OWNED,
    Application,
    application_delete,
    application_pods,
)
from paas.catalog.rollouts import replicas_set
from paas.catalog.usage import application_autoscaler, application_usage
from paas.cluster.client import POD_METRICS
from paas.core.errors import PaasError
from webui.failures import status_code
from webui.forms.applications import ScaleForm
from webui.forms.projects import TypedNameForm
from webui.presenters.applications import pod_row, stages
from webui.presenters.connecting import push_lines
from webui.presenters.manifests import shown_objects
from webui.presenters.usage import AutoscalerRow, autoscaler_row, charts
from webui.reading import application_of, deployment_of, shown
from webui.streams.marks import live
from webui.web import WebRequest


@live(
    "deployments.apps",
    "pods",
    "builds.build.openshift.io",
    "routes.route.openshift.io",
    AUTOSCALERS,
    POD_METRICS,
)
@require_safe
def app(request: WebRequest, project: str, name: str) -> HttpResponse:
    """Show how an application is; before the first push, how to push."""
    found = application_of(request, project, name)
    pods = application_pods(request.cluster, actor=request.actor, app=found)
    context = {
        **shown(found, "overview"),
        "pods": [pod_row(pod) for pod in pods],
        "charts": charts(application_usage(request.cluster, actor=request.actor, app=found)),
        "autoscaler": _autoscaler(request, found),
        "stages": stages(found.builds[0]) if found.builds else [],
        "waits_for_push": found.has_repository and not found.builds,
        "lines": push_lines(request.instance, project, name),
    }
    return render(request, "webui/applications/overview.html", context)


@live("deployments.apps")
@require_http_methods(["GET", "HEAD", "POST"])
def scale(request: WebRequest, project: str, name: str) -> HttpResponse:
    """Change the number of pods."""
    found = application_of(request, project, name)
    deployment = deployment_of(found)
    context = {**shown(found, "scale"), "autoscaler": _autoscaler(request, found)}
    form = ScaleForm(request.POST or None, initial={"replicas": context["row"].wanted})
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            wanted = form.cleaned_data["replicas"]
            replicas_set(
                request.cluster, actor=request.actor, deployment=deployment, replicas=wanted
            )
        except PaasError as error:
            form.refuse(error)
            status = status_code(error)
        else:
            messages.success(request, _("{n} pods are wanted now.").format(n=wanted))
            return redirect("app", project, name)
    elif form.errors:
        status = 422
    return render(
        request, "webui/applications/scale.html", {**context, "form": form}, status=status
    )


@live(*OWNED)
@require_safe
def manifests(request: WebRequest, project: str, name: str) -> HttpResponse:
    """Show an application's objects as YAML."""
    found = application_of(request, project, name)
    objects = shown_objects(found)
    text = yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True)
    return render(request, "webui/applications/yaml.html", {**shown(found, "yaml"), "yaml": text})


@require_http_methods(["GET", "HEAD", "POST"])
def app_delete(request: WebRequest, project: str, name: str) -> HttpResponse:
    """Delete an application when its name has been typed."""
    found = application_of(request, project, name)
    form = TypedNameForm(name, request.POST or None)
    if request.method == "POST" and form.is_valid():
        application_delete(request.cluster, actor=request.actor, project=project, name=name)
        messages.success(request, _("The application {name} is deleted.").format(name=name))
        return redirect("project", project)
    context = {**shown(found, "delete"), "form": form}
    status = 422 if form.errors else 200
    return render(request, "webui/applications/delete.html", context, status=status)


def _autoscaler(request: WebRequest, app: Application) -> AutoscalerRow | None:
    found = application_autoscaler(request.cluster, actor=request.actor, app=app)
    return None if found is None else autoscaler_row(found)
