"""From what is seen of an autoscaler's world to what is to be done and said. Pure.

Source: k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler).
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from paas.core.conditions import set_condition
from paas.core.errors import BadRequestError
from paas.core.objects import ApiObject, labels_of, name_of, namespace_of, timestamp
from paas.core.quantities import parse_quantity
from paas.core.selectors import LabelSelector, parse_label_selector
from paas.core.shape import Json, maps, number, submap, text
from paas.core.usage import PodUsage
from paas.orchestration.controllers.autoscaler.metrics import Verdict, judged
from paas.orchestration.controllers.autoscaler.pace import History, Wish, Word, paced
from paas.orchestration.controllers.autoscaler.replicas import Measured, Settings, Tolerances

ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"


@dataclass(frozen=True, slots=True)
class Seen:
    """An autoscaler, its target's Scale, and the pods of its namespace with what they use.

    `rivals` are the selectors of the namespace's other autoscalers, by name.
    """

    hpa: ApiObject
    scale: ApiObject
    pods: Sequence[ApiObject] = ()
    usages: Sequence[PodUsage] = ()
    rivals: Mapping[str, LabelSelector] = field(default_factory=dict)

    @property
    def current(self) -> int:
        """Return how many pods the target asks for."""
        return number(self.scale, "spec", "replicas") or 0


@dataclass(frozen=True, slots=True)
class Told:
    """An event about the autoscaler."""

    reason: str
    message: str
    is_warning: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: `replicas` for the target, if it should have another number.

    `status` is right if that is None; `rescaled` and `not_rescaled` say what it is otherwise.
    """

    status: Json
    history: History
    told: tuple[Told, ...] = ()
    replicas: int | None = None
    current: int = 0
    reason: str = ""


def selector_of(scale: ApiObject) -> LabelSelector | None:
    """Return the selector of a Scale; None where it has none. Raises BadRequestError."""
    words = text(scale, "status", "selector")
    return parse_label_selector(words) if words else None


def plan(seen: Seen, history: History, *, settings: Settings, now: datetime) -> Plan:
    """Decide about one autoscaler whose target's Scale was read."""
    status = _status(seen.hpa)
    status.pop("currentMetrics", None)
    words = "the HPA controller was able to get the target's current scale"
    _set(status, ABLE, Word("SucceededGetScale", words), now)
    spec, current = submap(seen.hpa, "spec"), seen.current
    least = number(spec, "minReplicas")
    bounds = Wish(current, current, 1 if least is None else least, number(spec, "maxReplicas") or 0)
    if not history.recommendations:
        history = history.recommended(current, window_s=settings.stabilization_s, now=now)
    if current == 0 and bounds.least != 0:
        words = "scaling is disabled since the replica count of the target is zero"
        _set(status, ACTIVE, Word("ScalingDisabled", words), now, value=False)
        return Plan(_counted(status, current, current), history, current=current)
    for side, bound, is_beyond in (
        ("above Spec.MaxReplicas", bounds.most, current > bounds.most),
        ("below Spec.MinReplicas", bounds.least, current < bounds.least),
    ):
        if is_beyond:
            reason = f"Current number of replicas {side}"
            return Plan(_counted(status, current), history, (), bound, current, reason)
    return _by_metrics(seen, bounds, history, status, settings=settings, now=now)


def without_scale(hpa: ApiObject, why: str, history: History, *, now: datetime) -> Plan:
    """Return the plan for an autoscaler whose target's Scale cannot be had."""
    status = _status(hpa)
    words = f"the HPA controller was unable to get the target's current scale: {why}"
    _set(status, ABLE, Word("FailedGetScale", words), now, value=False)
    return Plan(status, history, (Told("FailedGetScale", why),))


def rescaled(done: Plan, behavior: Json | None, *, now: datetime) -> Plan:
    """Return the plan after the target has got its new number."""
    if done.replicas is None:
        return done
    status = _counted(copy.deepcopy(done.status), done.current, done.replicas)
    status["lastScaleTime"] = timestamp(now)
    words = f"the HPA controller was able to update the target scale to {done.replicas}"
    _set(status, ABLE, Word("SucceededRescale", words), now)
    history = done.history
    if behavior is not None:  # without one nobody asks
        history = history.changed(done.current, done.replicas, now=now)
    words = f"New size: {done.replicas}; reason: {done.reason}"
    told = (*done.told, Told("SuccessfulRescale", words, is_warning=False))
    return replace(done, status=status, history=history, told=told)


def not_rescaled(done: Plan, why: str, *, now: datetime) -> Plan:
    """Return the plan after the target has refused its new number."""
    status = _counted(copy.deepcopy(done.status), done.current)
    words = f"the HPA controller was unable to update the target scale: {why}"
    _set(status, ABLE, Word("FailedUpdateScale", words), now, value=False)
    words = f"New size: {done.replicas}; reason: {done.reason}; error: {why}"
    return replace(done, status=status, told=(*done.told, Told("FailedRescale", words)))


def _by_metrics(
    seen: Seen, bounds: Wish, history: History, status: Json, *, settings: Settings, now: datetime
) -> Plan:
    current = _counted(status, bounds.current)["currentReplicas"]
    words, told = _selector_failure(seen, status, now)
    verdicts = [] if words else _verdicts(seen, settings, now)
    if verdicts:
        failures = [one.failure for one in verdicts if one.failure is not None]
        told = [Told(failure.reason, failure.message) for failure in failures]
        status["currentMetrics"] = [one.status for one in verdicts]
        words = _note_active(status, verdicts, current, now)
    if words:
        told.append(Told("FailedComputeMetricsReplicas", words))
        return Plan(status, history, tuple(told), current=current)
    best = _best(verdicts)
    wish = replace(bounds, desired=best.replicas)
    behavior = submap(seen.hpa, "spec").get("behavior")
    found = paced(wish, behavior, history, window_s=settings.stabilization_s, now=now)
    _set(status, ABLE, found.able, now)
    _set(status, LIMITED, found.limit, now, value=found.is_limited)
    if found.replicas == current:
        _counted(status, current, current)
        return Plan(status, found.history, tuple(told), current=current)
    reason = "All metrics below target" if best.replicas < current else ""
    if best.replicas > current:
        reason = f"{best.name} above target"
    return Plan(status, found.history, tuple(told), found.replicas, current, reason)


def _selector_failure(seen: Seen, status: Json, now: datetime) -> tuple[str, list[Told]]:
    """Return why the target's pods cannot be told, or nothing; the condition says it too."""
    try:
        selector = selector_of(seen.scale)
    except BadRequestError as error:
        words = f"couldn't convert selector into a corresponding internal selector object: {error}"
        _set(status, ACTIVE, Word("InvalidSelector", words), now, value=False)
        return words, [Told("InvalidSelector", words)]
    if selector is None:
        missing = "the HPA target's scale is missing a selector"
        _set(status, ACTIVE, Word("InvalidSelector", missing), now, value=False)
        return "selector is required", [Told("SelectorRequired", "selector is required")]
    labels = [labels_of(pod) for pod in seen.pods if selector.matches(labels_of(pod))]
    rivals = [
        name for name, rival in seen.rivals.items() if any(rival.matches(one) for one in labels)
    ]
    if not rivals:
        return "", []
    namespace = namespace_of(seen.hpa)
    names = " ".join(f"{{{name} {namespace}}}" for name in sorted({*rivals, name_of(seen.hpa)}))
    selected = text(seen.scale, "status", "selector")
    words = f"pods by selector {selected} are controlled by multiple HPAs: [{names}]"
    _set(status, ACTIVE, Word("AmbiguousSelector", words), now, value=False)
    return words, [Told("AmbiguousSelector", words)]


def _verdicts(seen: Seen, settings: Settings, now: datetime) -> list[Verdict]:
    selector = selector_of(seen.scale)
    if selector is None:
        raise AssertionError("the selector was looked at before")
    measured = Measured(
        pods=[pod for pod in seen.pods if selector.matches(labels_of(pod))],
        samples={},
        current=seen.current,
        now=now,
        tolerances=_tolerances(seen.hpa, settings),
        settings=settings,
        resource="",
    )
    usages = [one for one in seen.usages if selector.matches(one.labels)]
    metrics = maps(seen.hpa, "spec", "metrics")
    return [judged(seen.hpa, metric, measured, usages) for metric in metrics]


def _tolerances(hpa: ApiObject, settings: Settings) -> Tolerances:
    def of(direction: str) -> float:
        given = submap(hpa, "spec", "behavior", direction).get("tolerance")
        return settings.tolerance if given is None else float(parse_quantity(given))

    return Tolerances(down=of("scaleDown"), up=of("scaleUp"))


def _best(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict for most pods; an empty one where no metric has any."""
    best = Verdict()
    for one in verdicts:
        if one.failure is None and (best.replicas == 0 or one.replicas > best.replicas):
            best = one
    return best


def _note_active(status: Json, verdicts: Sequence[Verdict], current: int, now: datetime) -> str:
    """Set the condition, and return why the verdicts may not be followed: nothing if they may.

    While some metric is not known there may be more pods, never fewer.
    """
    best = _best(verdicts)
    failures = [one.failure for one in verdicts if one.failure is not None]
    if not failures or (len(failures) < len(verdicts) and best.replicas >= current):
        words = f"the HPA was able to successfully calculate a replica count from {best.name}"
        _set(status, ACTIVE, Word("ValidMetricFound", words), now)
        return ""
    first = failures[0]
    words = f"the HPA was unable to compute the replica count: {first.message}"
    _set(status, ACTIVE, Word(first.reason, words), now, value=False)
    share = f"{len(failures)} invalid out of {len(verdicts)}"
    return f"invalid metrics ({share}), first error is: {first.whole}"


def _status(hpa: ApiObject) -> Json:
    """Return a copy of the status that will be changed."""
    return copy.deepcopy(submap(hpa, "status"))


def _counted(status: Json, current: int, desired: int | None = None) -> Json:
    """Set the numbers, in place; what is wished stays where nothing new is."""
    status["currentReplicas"] = current
    status["desiredReplicas"] = status.get("desiredReplicas") or 0 if desired is None else desired
    return status


def _set(status: Json, kind: str, word: Word, now: datetime, *, value: bool = True) -> None:
    set_condition(status, kind=kind, value=value, reason=word.reason, message=word.message, now=now)
