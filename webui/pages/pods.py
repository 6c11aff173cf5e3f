"""An application's pods: their state, their events, their logs."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from paas.catalog.applications import application_pods
from paas.catalog.happenings import event_list
from paas.cluster.client import LogRequest
from webui.presenters.applications import pod_row
from webui.presenters.logs import log_choice
from webui.reading import application_of, shown
from webui.streams.marks import follows, live
from webui.streams.pod_logs import TAIL_LINES, pod_log_follow
from webui.web import FRAGMENT, WebRequest


@live("pods", "events")
@require_safe
def pods(request: WebRequest, project: str, name: str) -> HttpResponse:
    """List an application's pods and what happened to them."""
    found = application_of(request, project, name)
    objects = application_pods(request.cluster, actor=request.actor, app=found)
    context = {
        **shown(found, "pods"),
        "pods": [pod_row(pod) for pod in objects],
        "events": event_list(request.cluster, actor=request.actor, app=found, pods=objects),
    }
    return render(request, "webui/applications/pods.html", context)


@live("pods")
@require_safe
def logs(request: WebRequest, project: str, name: str) -> HttpResponse:
    """Follow the log of one container of one pod; offer the next one when it ends."""
    found = application_of(request, project, name)
    objects = application_pods(request.cluster, actor=request.actor, app=found)
    asked, container = request.GET.get("pod"), request.GET.get("container")
    choice = log_choice(objects, pod=asked, container=container)
    if request.META.get(FRAGMENT):
        if choice.pod and not asked:  # the page shows no log yet: it loads itself anew
            return HttpResponse(status=205)
    elif asked and asked != choice.pod:
        return redirect("logs", project, name)
    context = {**shown(found, "logs"), "choice": choice, "previous": "previous" in request.GET}
    return render(request, "webui/applications/logs.html", context)


@follows(pod_log_follow)
@require_safe
def pod_log(request: WebRequest, project: str, pod: str) -> HttpResponse:
    """Return the end of a pod's log as text; streamed, it is followed."""
    wanted = LogRequest(
        namespace=project,
        pod=pod,
        container=request.GET.get("container", ""),
        previous="previous" in request.GET,
        tail_lines=TAIL_LINES,
    )
    text = b"".join(request.cluster.logs(request.actor, wanted))
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
