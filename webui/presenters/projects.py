"""How projects and what they use are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from paas.core.objects import ApiObject, annotations_of, dig, is_deleting, meta, name_of
from paas.core.quantities import parse_quantity
from paas.projects.quotas import Usage

HIGH, FULL = 0.8, 1.0
_GIB, _MIB, _KIB = 2**30, 2**20, 2**10


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project in the list."""

    name: str
    title: str
    description: str
    requester: str
    created: str
    is_deleting: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A bound drawn as a bar; `percent` 0 to 100, `level` is "", high or full."""

    label: str
    used: str
    hard: str
    percent: int
    level: str


def project_row(project: ApiObject) -> ProjectRow:
    """Return what is shown of a project."""
    notes = annotations_of(project)
    return ProjectRow(
        name=name_of(project),
        title=notes.get("openshift.io/display-name") or name_of(project),
        description=notes.get("openshift.io/description", ""),
        requester=notes.get("openshift.io/requester", ""),
        created=str(meta(project).get("creationTimestamp", "")),
        is_deleting=is_deleting(project) or dig(project, "status", "phase") == "Terminating",
    )


def bars(usages: Sequence[Usage]) -> list[Bar]:
    """Return the bars of a project, in the order of its quota."""
    return [_bar(one) for one in usages]


def _bar(usage: Usage) -> Bar:
    level = "full" if usage.share >= FULL else "high" if usage.share >= HIGH else ""
    return Bar(
        label=resource_label(usage.resource),
        used=amount(usage.resource, usage.used),
        hard=amount(usage.resource, usage.hard),
        percent=round(usage.share * 100),
        level=level,
    )


def resource_label(resource: str) -> str:
    """Return the words for a resource of a quota."""
    known = {
        "pods": _("Pods"),
        "services": _("Services"),
        "secrets": _("Secrets"),
        "configmaps": _("ConfigMaps"),
        "cpu": _("CPU, requested"),
        "memory": _("Memory, requested"),
        "requests.cpu": _("CPU, requested"),
        "requests.memory": _("Memory, requested"),
        "limits.cpu": _("CPU, at most"),
        "limits.memory": _("Memory, at most"),
        "requests.storage": _("Storage"),
        "persistentvolumeclaims": _("Volumes"),
        "count/builds.build.openshift.io": _("Builds"),
        "count/buildconfigs.build.openshift.io": _("Build configurations"),
        "count/controllerrevisions.apps": _("Controller revisions"),
        "count/cronjobs.batch": _("CronJobs"),
        "count/daemonsets.apps": _("DaemonSets"),
        "count/deployments.apps": _("Deployments"),
        "count/horizontalpodautoscalers.autoscaling": _("Autoscalers"),
        "count/imagestreams.image.openshift.io": _("Image streams"),
        "count/ingresses.networking.k8s.io": _("Ingresses"),
        "count/jobs.batch": _("Jobs"),
        "count/leases.coordination.k8s.io": _("Leases"),
        "count/networkpolicies.networking.k8s.io": _("Network policies"),
        "count/poddisruptionbudgets.policy": _("Disruption budgets"),
        "count/replicasets.apps": _("ReplicaSets"),
        "count/replicationcontrollers": _("ReplicationControllers"),
        "count/rolebindings.rbac.authorization.k8s.io": _("Role bindings"),
        "count/roles.rbac.authorization.k8s.io": _("Roles"),
        "count/routes.route.openshift.io": _("Routes"),
        "count/serviceaccounts": _("Service accounts"),
        "count/statefulsets.apps": _("StatefulSets"),
    }
    return known.get(resource, resource)


def amount(resource: str, quantity: str) -> str:
    """Return a quantity as people read it: cores, MiB, GiB, a number."""
    value = parse_quantity(quantity)
    if "memory" in resource or "storage" in resource:
        return _size(value)
    if "cpu" in resource:
        return (_("{n} core") if value == 1 else _("{n} cores")).format(n=_short(value, 3))
    return _short(value)


def _size(value: Decimal) -> str:
    for unit, size in (("GiB", _GIB), ("MiB", _MIB), ("KiB", _KIB)):
        if value >= size:
            return f"{_short(value / size)} {unit}"
    return f"{_short(value)} B"


def _short(value: Decimal, digits: int = 2) -> str:
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")
