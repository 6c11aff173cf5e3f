"""apps/v1 Deployment and ReplicaSet.

Source: k8s.io/kubernetes/pkg/{apis/apps/v1/defaults.go,apis/apps/validation}.
"""

from paas.apimachinery.columns import (
    AGE,
    NAME,
)
from paas.apimachinery.fielderrors import (
    forbidden,
    immutable,
    invalid,
    not_negative,
    not_supported,
    required,
)
from paas.apimachinery.kinds import Column, Kind, ScalePaths, WriteContext
from paas.apimachinery.metadata import label_selector_errors
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.selectors import selector_from_object
from paas.core.shape import Json, default, ensure, number, submap, text
from paas.core.shares import amount_of
from paas.orchestration.kinds.shares import share_errors, whole_errors
from paas.orchestration.kinds.workload import count, counted, pods_columns
from paas.orchestration.podspec import default_template, replicated_template_errors

_STRATEGIES = ("Recreate", "RollingUpdate")


def _default_deployment(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    for field, amount in (
        ("replicas", 1),
        ("revisionHistoryLimit", 10),
        ("progressDeadlineSeconds", 600),
    ):
        default(spec, field, amount)
    strategy = ensure(spec, "strategy")
    default(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = ensure(strategy, "rollingUpdate")
        default(rolling, "maxUnavailable", "25%")
        default(rolling, "maxSurge", "25%")
    default_template(ensure(spec, "template"))


def _default_replica_set(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    default(spec, "replicas", 1)
    default_template(ensure(spec, "template"))


def _prepare_create(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = {}


def _prepare_replica_set(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = {"replicas": 0}


def _workload_errors(spec: Json) -> list[Cause]:
    wrong = not_negative("spec.replicas", number(spec, "replicas"))
    wrong += not_negative("spec.minReadySeconds", number(spec, "minReadySeconds"))
    if spec.get("selector") is None:
        return [*wrong, required("spec.selector")]
    selector = submap(spec, "selector")
    broken = label_selector_errors(selector, "spec.selector")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        why = "empty selector is invalid for deployment"
        wrong.append(invalid("spec.selector", selector, why))
    if broken:
        return [*wrong, *broken]
    matcher = selector_from_object(selector)
    return [*wrong, *replicated_template_errors(submap(spec, "template"), matcher, "spec.template")]


def _deployment_errors(obj: ApiObject) -> list[Cause]:
    spec = submap(obj, "spec")
    wrong = [*_workload_errors(spec), *_strategy_errors(submap(spec, "strategy"))]
    wrong += not_negative("spec.revisionHistoryLimit", number(spec, "revisionHistoryLimit"))
    deadline, path = number(spec, "progressDeadlineSeconds"), "spec.progressDeadlineSeconds"
    wrong += not_negative(path, deadline)
    if deadline is not None and deadline <= (number(spec, "minReadySeconds") or 0):
        wrong.append(invalid(path, deadline, "must be greater than minReadySeconds"))
    return wrong


def _strategy_errors(strategy: Json) -> list[Cause]:
    kind, path = text(strategy, "type"), "spec.strategy"
    if kind == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        given = strategy.get("rollingUpdate") is not None
        return [forbidden(f"{path}.rollingUpdate", why)] if given else []
    if kind != "RollingUpdate":
        return [not_supported(f"{path}.type", kind, _STRATEGIES)]
    rolling, at = submap(strategy, "rollingUpdate"), f"{path}.rollingUpdate"
    down, up = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    wrong = [*share_errors(down, f"{at}.maxUnavailable"), *share_errors(up, f"{at}.maxSurge")]
    if wrong:
        return wrong
    if amount_of(down or 0) == 0 and amount_of(up or 0) == 0:
        why = "may not be 0 when `maxSurge` is 0"
        wrong.append(invalid(f"{at}.maxUnavailable", down, why))
    return [*wrong, *whole_errors(down, f"{at}.maxUnavailable")]


def _replica_set_errors(obj: ApiObject) -> list[Cause]:
    return _workload_errors(submap(obj, "spec"))


def _selector_stays(new: ApiObject, old: ApiObject) -> list[Cause]:
    return immutable(
        "spec.selector", submap(new, "spec", "selector"), submap(old, "spec", "selector")
    )


def _ready(obj: ApiObject) -> str:
    return f"{count(obj, 'status', 'readyReplicas')}/{count(obj, 'spec', 'replicas')}"


DEPLOYMENT = Kind(
    group="apps",
    version="v1",
    kind="Deployment",
    plural="deployments",
    name_errors=subdomain_errors,
    schema="io.k8s.api.apps.v1.Deployment",
    short_names=("deploy",),
    categories=("all",),
    status=True,
    scale=ScalePaths(),
    default=_default_deployment,
    prepare_create=_prepare_create,
    validate=_deployment_errors,
    validate_update=_selector_stays,
    columns=(
        NAME,
        Column("Ready", _ready, description="Ready pods, of how many wanted."),
        counted("Up-to-date", "status", "updatedReplicas", kind="string"),
        counted("Available", "status", "availableReplicas", kind="string"),
        AGE,
        *pods_columns(),
    ),
)

REPLICA_SET = Kind(
    group="apps",
    version="v1",
    kind="ReplicaSet",
    plural="replicasets",
    name_errors=subdomain_errors,
    schema="io.k8s.api.apps.v1.ReplicaSet",
    short_names=("rs",),
    categories=("all",),
    status=True,
    scale=ScalePaths(),
    default=_default_replica_set,
    prepare_create=_prepare_replica_set,
    validate=_replica_set_errors,
    validate_update=_selector_stays,
    fields=lambda obj: {"status.replicas": str(count(obj, "status", "replicas"))},
    columns=(
        NAME,
        counted("Desired", "spec", "replicas"),
        counted("Current", "status", "replicas"),
        counted("Ready", "status", "readyReplicas"),
        AGE,
        *pods_columns(),
    ),
)

KINDS = (DEPLOYMENT, REPLICA_SET)
