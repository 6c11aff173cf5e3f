"""policy/v1 PodDisruptionBudget.

Source: k8s.io/kubernetes/pkg/{apis/policy/validation,registry/policy/poddisruptionbudget}.
"""

from paas.apimachinery.columns import AGE, NAME
from paas.apimachinery.fielderrors import invalid, not_supported
from paas.apimachinery.kinds import Column, Kind, WriteContext
from paas.apimachinery.metadata import label_selector_errors
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import number, submap
from paas.orchestration.kinds.shares import share_errors, whole_errors

_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
_UNSET = "N/A"


def _prepare_create(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = {
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "disruptionsAllowed": 0,
        "expectedPods": 0,
    }


def _errors(obj: ApiObject) -> list[Cause]:
    spec = submap(obj, "spec")
    wrong: list[Cause] = []
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        why = "minAvailable and maxUnavailable cannot be both set"
        wrong.append(invalid("spec", spec, why))
    for field in ("minAvailable", "maxUnavailable"):
        if (value := spec.get(field)) is not None:
            wrong += [*share_errors(value, f"spec.{field}"), *whole_errors(value, f"spec.{field}")]
    wrong += label_selector_errors(submap(spec, "selector"), "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in _POLICIES:
        wrong.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, _POLICIES))
    return wrong


def _limit(field: str, obj: ApiObject) -> str:
    value = submap(obj, "spec").get(field)
    return _UNSET if value is None else str(value)


POD_DISRUPTION_BUDGET = Kind(
    group="policy",
    version="v1",
    kind="PodDisruptionBudget",
    plural="poddisruptionbudgets",
    name_errors=subdomain_errors,
    schema="io.k8s.api.policy.v1.PodDisruptionBudget",
    short_names=("pdb",),
    status=True,
    prepare_create=_prepare_create,
    validate=_errors,
    columns=(
        NAME,
        Column("Min Available", lambda obj: _limit("minAvailable", obj)),
        Column("Max Unavailable", lambda obj: _limit("maxUnavailable", obj)),
        Column(
            "Allowed Disruptions",
            lambda obj: number(obj, "status", "disruptionsAllowed") or 0,
            "integer",
            "How many of its pods may be taken away now.",
        ),
        AGE,
    ),
)

KINDS = (POD_DISRUPTION_BUDGET,)
