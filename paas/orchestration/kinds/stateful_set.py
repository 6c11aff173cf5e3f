"""apps/v1 StatefulSet.

Source: k8s.io/kubernetes/pkg/{apis/apps/v1,apis/apps/validation,registry/apps/statefulset}.
"""

from paas.apimachinery.columns import AGE, NAME
from paas.apimachinery.fielderrors import (
    forbidden,
    invalid,
    not_negative,
    not_supported,
    required,
)
from paas.apimachinery.kinds import Column, Kind, ScalePaths, WriteContext
from paas.apimachinery.metadata import label_selector_errors
from paas.core.errors import Cause
from paas.core.names import label_errors
from paas.core.objects import ApiObject
from paas.core.selectors import selector_from_object
from paas.core.shape import Json, default, ensure, maps, number, submap, text
from paas.orchestration.kinds.shares import amount_in, share_errors, whole_errors
from paas.orchestration.kinds.storage import default_claim
from paas.orchestration.kinds.workload import count, pods_columns
from paas.orchestration.podspec import default_template

_POLICIES = ("OrderedReady", "Parallel")
_RETENTION = ("Retain", "Delete")
_CHANGEABLE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)
_LOCKED = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)
_PARTS = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")


def _default(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    default(spec, "replicas", 1)
    default(spec, "podManagementPolicy", "OrderedReady")
    default(spec, "revisionHistoryLimit", 10)
    strategy = ensure(spec, "updateStrategy")
    default(strategy, "type", "RollingUpdate")
    if strategy.get("type") == "RollingUpdate":
        default(ensure(strategy, "rollingUpdate"), "partition", 0)
    retention = ensure(spec, "persistentVolumeClaimRetentionPolicy")
    for moment in ("whenDeleted", "whenScaled"):
        default(retention, moment, "Retain")
    for claim in maps(spec, "volumeClaimTemplates"):
        default(claim, "apiVersion", "v1")
        default(claim, "kind", "PersistentVolumeClaim")
        default_claim(claim)
    default_template(ensure(spec, "template"))


def _prepare_create(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = {"replicas": 0, "availableReplicas": 0}


def _errors(obj: ApiObject) -> list[Cause]:
    spec = submap(obj, "spec")
    policy, path = text(spec, "podManagementPolicy"), "spec.podManagementPolicy"
    wrong = []
    if policy not in _POLICIES:
        wrong.append(invalid(path, policy, f"must be '{_POLICIES[0]}' or '{_POLICIES[1]}'"))
    wrong += _strategy_errors(submap(spec, "updateStrategy"))
    wrong += _retention_errors(submap(spec, "persistentVolumeClaimRetentionPolicy"))
    for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        wrong += not_negative(f"spec.{field}", number(spec, field))
    wrong += not_negative("spec.ordinals.start", number(spec, "ordinals", "start"))
    return [*wrong, *_pods_errors(spec), *_status_errors(submap(obj, "status"))]


def _strategy_errors(strategy: Json) -> list[Cause]:
    path, kind = "spec.updateStrategy", text(strategy, "type")
    rolling = strategy.get("rollingUpdate")
    if kind == "OnDelete":
        why = "only allowed for updateStrategy 'RollingUpdate'"
        return [] if rolling is None else [invalid(f"{path}.rollingUpdate", rolling, why)]
    if kind != "RollingUpdate":
        return [invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")]
    at = f"{path}.rollingUpdate"
    wrong = not_negative(f"{at}.partition", number(strategy, "rollingUpdate", "partition"))
    down = submap(strategy, "rollingUpdate").get("maxUnavailable")
    if down is None:
        return wrong
    shares = [
        *share_errors(down, f"{at}.maxUnavailable"),
        *whole_errors(down, f"{at}.maxUnavailable"),
    ]
    if not shares and amount_in(down) == 0:
        shares.append(invalid(f"{at}.maxUnavailable", down, "cannot be 0"))
    return [*wrong, *shares]


def _retention_errors(policy: Json) -> list[Cause]:
    path = "spec.persistentVolumeClaimRetentionPolicy"
    return [
        not_supported(f"{path}.{moment}", text(policy, moment), _RETENTION)
        for moment in ("whenDeleted", "whenScaled")
        if text(policy, moment) not in _RETENTION
    ]


def _pods_errors(spec: Json) -> list[Cause]:
    """Check selector and template; what else pods may be is said when they are made."""
    template, wrong = submap(spec, "template"), []
    if spec.get("selector") is None:
        wrong.append(required("spec.selector"))
    else:
        wrong += _selector_errors(submap(spec, "selector"), template)
    pod, at = submap(template, "spec"), "spec.template.spec"
    if (policy := text(pod, "restartPolicy")) != "Always":
        wrong.append(not_supported(f"{at}.restartPolicy", policy, ["Always"]))
    if pod.get("activeDeadlineSeconds") is not None:
        why = "activeDeadlineSeconds in StatefulSet is not Supported"
        wrong.append(forbidden(f"{at}.activeDeadlineSeconds", why))
    return wrong


def _selector_errors(selector: Json, template: Json) -> list[Cause]:
    wrong = label_selector_errors(selector, "spec.selector")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        why = "empty selector is invalid for statefulset"
        return [*wrong, invalid("spec.selector", selector, why)]
    labels = submap(template, "metadata", "labels")
    if not wrong and not selector_from_object(selector).matches(labels):
        why = "`selector` does not match template `labels`"
        wrong.append(invalid("spec.template.metadata.labels", labels, why))
    return wrong


def _status_errors(status: Json) -> list[Cause]:
    wrong: list[Cause] = []
    for field in ("replicas", *_PARTS, "observedGeneration", "collisionCount"):
        wrong += not_negative(f"status.{field}", number(status, field))
    why = "cannot be greater than status.replicas"
    for field in _PARTS:
        if count(status, field) > count(status, "replicas"):
            wrong.append(invalid(f"status.{field}", count(status, field), why))
    if count(status, "availableReplicas") > count(status, "readyReplicas"):
        why = "cannot be greater than status.readyReplicas"
        wrong.append(invalid("status.availableReplicas", count(status, "availableReplicas"), why))
    return wrong


def _update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    wrong = []
    after, before = (_fixed(submap(one, "spec")) for one in (new, old))
    if after != before:
        wrong.append(forbidden("spec", _LOCKED))
    collisions = [count(one, "status", "collisionCount") for one in (new, old)]
    if collisions[0] < collisions[1]:
        wrong.append(invalid("status.collisionCount", collisions[0], "cannot be decremented"))
    return wrong


def _fixed(spec: Json) -> Json:
    return {key: value for key, value in spec.items() if key not in _CHANGEABLE and value}


def _ready(obj: ApiObject) -> str:
    return f"{count(obj, 'status', 'readyReplicas')}/{count(obj, 'spec', 'replicas')}"


STATEFUL_SET = Kind(
    group="apps",
    version="v1",
    kind="StatefulSet",
    plural="statefulsets",
    name_errors=label_errors,
    schema="io.k8s.api.apps.v1.StatefulSet",
    short_names=("sts",),
    categories=("all",),
    status=True,
    scale=ScalePaths(),
    default=_default,
    prepare_create=_prepare_create,
    validate=_errors,
    validate_update=_update_errors,
    columns=(
        NAME,
        Column("Ready", _ready, description="Ready pods, of how many wanted."),
        AGE,
        *pods_columns()[:2],
    ),
)
KINDS = (STATEFUL_SET,)
