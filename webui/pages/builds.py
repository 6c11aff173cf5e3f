"""An application's builds: the list, one with its log, start, start again, cancel."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from paas.builds.names import BUILDS
from paas.builds.services import build_cancel, build_clone, build_start
from paas.core.objects import name_of
from webui.presenters.applications import build_message, build_row, stages
from webui.reading import application_of, shown
from webui.streams.build_logs import build_log_follow, build_log_text
from webui.streams.marks import follows, live
from webui.web import WebRequest


@live("builds.build.openshift.io")
@require_safe
def builds(request: WebRequest, project: str, name: str) -> HttpResponse:
    """List an application's builds, newest first."""
    found = application_of(request, project, name)
    context = {**shown(found, "builds"), "rows": [build_row(one) for one in found.builds]}
    return render(request, "webui/applications/builds.html", context)


@live("builds.build.openshift.io")
@require_safe
def build(request: WebRequest, project: str, name: str, build: str) -> HttpResponse:
    """Show one build: its line, its reason, its log."""
    found = request.cluster.get(request.actor, BUILDS, build, project)
    context = {
        **shown(application_of(request, project, name), "builds"),
        "build": build_row(found),
        "message": build_message(found),
        "stages": stages(found),
    }
    return render(request, "webui/applications/build.html", context)


@follows(build_log_follow)
@require_safe
def build_log(request: WebRequest, project: str, build: str) -> HttpResponse:
    """Return a build's log as text; streamed, it is followed."""
    text = build_log_text(request.cluster, actor=request.actor, project=project, build=build)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_POST
def build_new(request: WebRequest, project: str, name: str) -> HttpResponse:
    """Start a build and show its page."""
    made = build_start(
        request.cluster,
        actor=request.actor,
        namespace=project,
        config=name,
        triggered_by=_("Started by {name} in the console").format(name=request.user.username),
    )
    return redirect("build", project, name, name_of(made))


@require_POST
def build_again(request: WebRequest, project: str, name: str, build: str) -> HttpResponse:
    """Build the same commit again."""
    cause = _("{build} again, by {name} in the console")
    made = build_clone(
        request.cluster,
        actor=request.actor,
        namespace=project,
        name=build,
        triggered_by=cause.format(build=build, name=request.user.username),
    )
    return redirect("build", project, name, name_of(made))


@require_POST
def build_stop(request: WebRequest, project: str, name: str, build: str) -> HttpResponse:
    """Cancel a build."""
    build_cancel(request.cluster, actor=request.actor, namespace=project, name=build)
    messages.success(request, _("The build is being cancelled."))
    return redirect("build", project, name, build)
