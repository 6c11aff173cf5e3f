"""core/v1 ResourceQuota and LimitRange. They are enforced by `paas.orchestration.admission`."""

from paas.apimachinery.columns import AGE, NAME
from paas.apimachinery.kinds import Column, Kind, WriteContext
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import ensure, maps, submap
from paas.orchestration.kinds.quota_rules import (
    limit_range_errors,
    quota_errors,
    quota_update_errors,
)


def _prepare_quota(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = {}


def _column(quota: ApiObject, *, limits: bool) -> str:
    hard, used = submap(quota, "status", "hard"), submap(quota, "status", "used")
    names = [name for name in sorted(hard) if name.startswith("limits.") is limits]
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)


def _default_limits(obj: ApiObject) -> None:
    for limit in maps(obj, "spec", "limits"):
        if limit.get("type") != "Container":
            continue
        limits, requests = ensure(limit, "default"), ensure(limit, "defaultRequest")
        for name, value in submap(limit, "max").items():
            limits.setdefault(name, value)
        for source in (limits, submap(limit, "min")):
            for name, value in source.items():
                requests.setdefault(name, value)


RESOURCE_QUOTA = Kind(
    group="",
    version="v1",
    kind="ResourceQuota",
    plural="resourcequotas",
    returns_deleted=True,
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.ResourceQuota",
    short_names=("quota",),
    generation=False,
    status=True,
    prepare_create=_prepare_quota,
    validate=quota_errors,
    validate_update=quota_update_errors,
    columns=(
        NAME,
        Column("Request", lambda obj: _column(obj, limits=False), description="Used, of allowed."),
        Column("Limit", lambda obj: _column(obj, limits=True), description="The same of limits."),
        AGE,
    ),
)

LIMIT_RANGE = Kind(
    group="",
    version="v1",
    kind="LimitRange",
    plural="limitranges",
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.LimitRange",
    short_names=("limits",),
    generation=False,
    default=_default_limits,
    validate=limit_range_errors,
    columns=(
        NAME,
        Column(
            "Created At",
            lambda obj: submap(obj, "metadata").get("creationTimestamp", ""),
            description="When it was created.",
        ),
    ),
)

KINDS = (RESOURCE_QUOTA, LIMIT_RANGE)
