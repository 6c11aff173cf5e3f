"""A project's members and bounds."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from paas.core.errors import PaasError
from paas.projects.members import Member, member_add, member_list, member_remove
from paas.projects.quotas import quota_set, usage_list
from paas.projects.services import QUOTA_NAME
from webui.failures import status_code
from webui.forms.projects import MemberForm, QuotaForm
from webui.pages.projects import PROJECTS
from webui.presenters.projects import bars, project_row
from webui.streams.marks import live
from webui.web import WebRequest


@live("rolebindings.rbac.authorization.k8s.io")
@require_http_methods(["GET", "HEAD", "POST"])
def members(request: WebRequest, project: str) -> HttpResponse:
    """List the members; add one."""
    form, status = MemberForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            member_add(request.cluster, actor=request.actor, project=project, **data)
        except PaasError as error:
            form.refuse(error)
            status = status_code(error)
        else:
            messages.success(request, _("{name} is a member now.").format(name=data["name"]))
            return redirect("members", project)
    elif form.errors:
        status = 422
    context = {
        "project": project_row(request.cluster.get(request.actor, PROJECTS, project)),
        "tab": "members",
        "form": form,
        "members": member_list(request.cluster, actor=request.actor, project=project),
    }
    return render(request, "webui/projects/members.html", context, status=status)


@require_POST
def member_drop(request: WebRequest, project: str) -> HttpResponse:
    """Take a role away from a member."""
    names = ("name", "kind", "role", "namespace")
    member = Member(**{name: request.POST.get(name, "") for name in names})
    member_remove(request.cluster, actor=request.actor, project=project, member=member)
    messages.success(request, _("{name} is no member any more.").format(name=member.name))
    return redirect("members", project)


@live("resourcequotas")
@require_http_methods(["GET", "HEAD", "POST"])
def quota(request: WebRequest, project: str) -> HttpResponse:
    """Show what the project uses; the administrator of the platform changes its bounds."""
    usages = usage_list(request.cluster, actor=request.actor, project=project)
    form, status = (
        QuotaForm([u for u in usages if u.quota == QUOTA_NAME], request.POST or None),
        200,
    )
    if request.method == "POST" and form.is_valid():
        try:
            hard = form.cleaned_data
            quota_set(request.cluster, actor=request.actor, project=project, hard=hard)
        except PaasError as error:
            form.refuse(error)
            status = status_code(error)
        else:
            messages.success(request, _("The bounds are changed."))
            return redirect("quota", project)
    context = {
        "project": project_row(request.cluster.get(request.actor, PROJECTS, project)),
        "tab": "quota",
        "form": form,
        "bars": bars(usages),
        "may_change": request.cluster.may(request.actor, "patch", "resourcequotas", project),
    }
    return render(request, "webui/projects/quota.html", context, status=status)
