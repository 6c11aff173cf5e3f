"""apps/v1 DaemonSet.

Source: k8s.io/kubernetes/pkg/{apis/apps/v1,apis/apps/validation,registry/apps/daemonset}.
"""

from paas.apimachinery.columns import (
    AGE,
    NAME,
    labels_text,
)
from paas.apimachinery.fielderrors import (
    immutable,
    invalid,
    not_negative,
    not_supported,
    required,
)
from paas.apimachinery.kinds import Column, Kind, WriteContext
from paas.apimachinery.metadata import label_selector_errors
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.numbers import parse_whole
from paas.core.objects import ApiObject, annotations_of
from paas.core.selectors import NOTHING, selector_from_object
from paas.core.shape import Json, default, ensure, number, submap, text
from paas.core.wellknown import TEMPLATE_GENERATION
from paas.orchestration.kinds.shares import amount_in, share_errors, whole_errors
from paas.orchestration.kinds.workload import count, counted, pods_columns, template_spec
from paas.orchestration.podspec import default_template, replicated_template_errors

_STRATEGIES = ("RollingUpdate", "OnDelete")
_ALWAYS_SHOWN = (
    "currentNumberScheduled",
    "desiredNumberScheduled",
    "numberMisscheduled",
    "numberReady",
)
_COUNTS = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
)


def _default(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    strategy = ensure(spec, "updateStrategy")
    default(strategy, "type", "RollingUpdate")
    if strategy.get("type") == "RollingUpdate":
        rolling = ensure(strategy, "rollingUpdate")
        default(rolling, "maxUnavailable", 1)
        default(rolling, "maxSurge", 0)
    default(spec, "revisionHistoryLimit", 10)
    default_template(ensure(spec, "template"))


def _prepare_create(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = dict.fromkeys(_ALWAYS_SHOWN, 0)
    _number_template(obj, max(_template_generation(obj), 1))


def _prepare_update(new: ApiObject, old: ApiObject, _: WriteContext) -> None:
    """Count the template's changes: of the API's first days, and still what clients may ask for."""
    _default(new)
    changed = submap(new, "spec", "template") != submap(old, "spec", "template")
    _number_template(new, _template_generation(old) + changed)


def _template_generation(obj: ApiObject) -> int:
    return parse_whole(annotations_of(obj).get(TEMPLATE_GENERATION, "")) or 0


def _number_template(obj: ApiObject, generation: int) -> None:
    ensure(obj, "metadata", "annotations")[TEMPLATE_GENERATION] = str(generation)


def _errors(obj: ApiObject) -> list[Cause]:
    spec = submap(obj, "spec")
    wrong = _pods_errors(spec)
    wrong += not_negative("spec.minReadySeconds", number(spec, "minReadySeconds"))
    wrong += _strategy_errors(submap(spec, "updateStrategy"), "spec.updateStrategy")
    wrong += not_negative("spec.revisionHistoryLimit", number(spec, "revisionHistoryLimit"))
    for field in _COUNTS:
        wrong += not_negative(f"status.{field}", number(obj, "status", field))
    return wrong


def _pods_errors(spec: Json) -> list[Cause]:
    template, matcher = submap(spec, "template"), NOTHING
    wrong: list[Cause] = []
    if spec.get("selector") is None:
        labels, why = submap(template, "metadata", "labels"), "`selector` does not match template"
        wrong.append(invalid("spec.template.metadata.labels", labels, f"{why} `labels`"))
    else:
        selector = submap(spec, "selector")
        wrong += label_selector_errors(selector, "spec.selector")
        matcher = NOTHING if wrong else selector_from_object(selector)
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            why = "empty selector is invalid for daemonset"
            wrong.append(invalid("spec.selector", selector, why))
    return [
        *wrong,
        *replicated_template_errors(template, matcher, "spec.template", kind="DaemonSet"),
    ]


def _strategy_errors(strategy: Json, path: str) -> list[Cause]:
    kind = text(strategy, "type")
    if kind not in _STRATEGIES:
        return [not_supported(path, strategy, _STRATEGIES)]
    if kind == "OnDelete":
        return []
    rolling, at = submap(strategy, "rollingUpdate"), f"{path}.rollingUpdate"
    down, up = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    wrong = [*share_errors(down, f"{at}.maxUnavailable"), *share_errors(up, f"{at}.maxSurge")]
    wrong += [*whole_errors(down, f"{at}.maxUnavailable"), *whole_errors(up, f"{at}.maxSurge")]
    if amount_in(down) and amount_in(up):
        why = "may not be set when maxUnavailable is non-zero"
        wrong.append(invalid(f"{at}.maxSurge", up, why))
    elif not amount_in(down) and not amount_in(up):
        wrong.append(required(f"{at}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return wrong


def _update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    wrong = immutable(
        "spec.selector", submap(new, "spec", "selector"), submap(old, "spec", "selector")
    )
    after, before = (count(one, "status", "collisionCount") for one in (new, old))
    if after < before:
        wrong.append(invalid("status.collisionCount", after, "cannot be decremented"))
    return wrong


DAEMON_SET = Kind(
    group="apps",
    version="v1",
    kind="DaemonSet",
    plural="daemonsets",
    name_errors=subdomain_errors,
    schema="io.k8s.api.apps.v1.DaemonSet",
    short_names=("ds",),
    categories=("all",),
    status=True,
    default=_default,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_errors,
    validate_update=_update_errors,
    columns=(
        NAME,
        counted("Desired", "status", "desiredNumberScheduled"),
        counted("Current", "status", "currentNumberScheduled"),
        counted("Ready", "status", "numberReady"),
        counted("Up-to-date", "status", "updatedNumberScheduled"),
        counted("Available", "status", "numberAvailable"),
        Column(
            "Node Selector", lambda obj: labels_text(submap(template_spec(obj), "nodeSelector"))
        ),
        AGE,
        *pods_columns(),
    ),
)
KINDS = (DAEMON_SET,)
