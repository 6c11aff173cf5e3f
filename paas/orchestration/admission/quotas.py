"""ResourceQuota: decided inside the transaction of the write, with the quotas' rows locked.

What is used is counted from the rows themselves, so no status need be current and fifty creates at
once never exceed the quota together: each waits for the one before and counts what it left.
Source: k8s.io/apiserver/pkg/admission/plugin/resourcequota.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.lookups import are_there, refusal
from paas.core.errors import ForbiddenError
from paas.core.objects import ApiObject, name_of
from paas.core.shape import submap
from paas.orchestration.admission.limits import canonical
from paas.orchestration.admission.usage import (
    amount_text,
    hard_of,
    is_counted,
    is_plain_count,
    matches,
    missing_requirements,
    total,
    usage_of,
)
from paas.orchestration.podspec.resources import Amounts

if TYPE_CHECKING:
    from psycopg import Connection

_QUOTAS = """
SELECT body FROM minato_object WHERE resource = 'resourcequotas' AND namespace = %s
 ORDER BY name FOR UPDATE"""
_COUNT = """
SELECT count(*) FROM minato_object WHERE resource = %s AND namespace = %s AND name <> %s"""
_OTHERS = """
SELECT body FROM minato_object WHERE resource = %s AND namespace = %s AND name <> %s"""


class ResourceQuota(AdmissionPlugin):
    """Refuses what would exceed a quota of the namespace."""

    name = "ResourceQuota"
    reads = frozenset({"resourcequotas"})
    needs_transaction = True

    def decides(self, request: AdmissionRequest) -> bool:
        """Say whether the write adds to what the namespace uses, and a quota limits that.

        That there is none is proven by a create; an update may miss one that is made meanwhile.
        """
        return bool(asked_of(request)) and are_there(request, "resourcequotas")

    def commit(self, request: AdmissionRequest, connection: "Connection[Any]") -> None:
        """Raise ForbiddenError: what is asked, used and limited; the hint says what is missing."""
        wanted = asked_of(request)
        if not wanted or request.obj is None:
            return
        rows = connection.execute(_QUOTAS, (request.namespace,)).fetchall()
        for quota in [orjson.loads(row[0]) for row in rows]:
            check_requirements(request, quota)
            limited = wanted.keys() & hard_of(quota).keys()
            if limited and matches(quota, request.obj, request.kind):
                used = _used(request, quota, connection)
                check_amounts(request, quota, {name: wanted[name] for name in limited}, used)


def asked_of(request: AdmissionRequest) -> Amounts:
    """Return what the write adds to the use of the namespace; empty where it adds nothing."""
    if request.obj is None or request.subresource or not is_counted(request.kind):
        return {}
    if request.operation == "CREATE":
        return usage_of(request.obj, request.kind)
    if request.operation != "UPDATE" or request.old is None or is_plain_count(request.kind):
        return {}
    before = usage_of(request.old, request.kind)
    after = usage_of(request.obj, request.kind)
    return {name: amount for name, amount in after.items() if amount > before.get(name, 0)}


def check_requirements(request: AdmissionRequest, quota: ApiObject) -> None:
    """Refuse a pod that does not say how much it needs of what the quota limits."""
    if request.kind.resource != "pods" or request.operation != "CREATE" or request.obj is None:
        return
    if not matches(quota, request.obj, request.kind):
        return
    if missing := missing_requirements(quota, request.obj):
        raise refusal(
            request,
            f"failed quota: {name_of(quota)}: {missing}",
            hint="Set resources.requests and resources.limits, or ask for a limit range.",
        )


def check_amounts(
    request: AdmissionRequest, quota: ApiObject, wanted: Amounts, used: Amounts
) -> None:
    """Refuse if `wanted` and what others use are together more than the quota allows."""
    hard = hard_of(quota)
    exceeded = sorted(
        name for name, amount in wanted.items() if used.get(name, Decimal(0)) + amount > hard[name]
    )
    if exceeded:
        raise _exceeded(request, quota, exceeded, wanted, used)


def _exceeded(
    request: AdmissionRequest, quota: ApiObject, names: list[str], wanted: Amounts, used: Amounts
) -> ForbiddenError:
    limits, hard = submap(quota, "spec", "hard"), hard_of(quota)

    def spelled(amounts: Amounts) -> str:
        return ",".join(
            f"{name}={amount_text(name, amounts.get(name, Decimal(0)), limits[name])}"
            for name in names
        )

    allowed = ",".join(f"{name}={canonical(limits[name])}" for name in names)
    left = {name: max(hard[name] - used.get(name, Decimal(0)), Decimal(0)) for name in names}
    missing = {name: wanted[name] - left[name] for name in names}
    return refusal(
        request,
        f"exceeded quota: {name_of(quota)}, requested: {spelled(wanted)}, used: {spelled(used)}, "
        f"limited: {allowed}",
        hint=f"It needs {spelled(wanted)}, the project has {spelled(left)} left; "
        f"{spelled(missing)} is missing.",
    )


def _used(request: AdmissionRequest, quota: ApiObject, connection: "Connection[Any]") -> Amounts:
    """Return what the other objects of this kind use of the quota."""
    kind = request.kind
    place = (kind.stored_as, request.namespace, request.name)
    if is_plain_count(kind):
        row = connection.execute(_COUNT, place).fetchone()
        count = Decimal(row[0] if row else 0)
        return {name: amount * count for name, amount in usage_of({}, kind).items()}
    rows = connection.execute(_OTHERS, place)
    return used_by((orjson.loads(row[0]) for row in rows), request, quota)


def used_by(objects: Iterable[ApiObject], request: AdmissionRequest, quota: ApiObject) -> Amounts:
    """Return what these objects, of the request's kind, use of the quota together."""
    kind = request.kind
    return total(usage_of(obj, kind) for obj in objects if matches(quota, obj, kind))
