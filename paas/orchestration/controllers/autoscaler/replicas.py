"""From what pods use to how many there should be. Pure.

Source: k8s.io/kubernetes/pkg/controller/podautoscaler/{replica_calculator.go,metrics}.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from paas.core.conditions import condition_of
from paas.core.errors import PaasError
from paas.core.objects import ApiObject, is_deleting, name_of, parse_timestamp
from paas.core.pods import phase_of
from paas.core.quantities import milli_value
from paas.core.shape import Json, maps, submap, text
from paas.core.usage import PodUsage, Usage

CPU, MEMORY = "cpu", "memory"


class MetricError(PaasError):
    """A metric does not say how many pods there should be, and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What upstream's controller manager is told by flags, with its defaults."""

    every_s: float = 15.0
    tolerance: float = 0.1
    stabilization_s: int = 300
    cpu_initialization: timedelta = timedelta(minutes=5)
    readiness_delay: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Tolerances:
    """By which share the usage may miss its target, below and above, without any consequence."""

    down: float
    up: float

    def include(self, ratio: float) -> bool:
        """Say whether usage is near enough to its target."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(frozen=True, slots=True)
class Sample:
    """What one pod uses, in thousandths of a core or byte, as a mean of a window."""

    at: datetime
    window_s: float
    value: int


@dataclass(frozen=True, slots=True)
class Measured:
    """The selected pods, what those of them use of which that is known, and how it is judged.

    `current` is how many pods the target asks for now.
    """

    pods: Sequence[ApiObject]
    samples: Mapping[str, Sample]
    current: int
    now: datetime
    tolerances: Tolerances
    settings: Settings
    resource: str
    container: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """How many pods there should be; `average` is per pod, `utilization` in percent."""

    replicas: int
    average: int
    utilization: int | None = None


@dataclass(slots=True)
class _Groups:
    """Which pods count how."""

    ready: int = 0
    unready: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)


def samples_of(usages: Sequence[PodUsage], resource: str, container: str = "") -> dict[str, Sample]:
    """Return each pod's usage of a resource, or that of one of its containers, by name."""
    found = {}
    for usage in usages:
        newest = {name: windows[-1] for name, windows in usage.containers.items()}
        chosen = [window for name, window in newest.items() if container in {"", name}]
        if chosen and resource in {CPU, MEMORY}:
            first = min(newest.values(), key=lambda window: window.at)
            value = sum(_thousandths(window, resource) for window in chosen)
            found[usage.name] = Sample(first.at, first.window_s, value)
    return found


def _thousandths(window: Usage, resource: str) -> int:
    if resource == CPU:
        return -(-window.cpu_nanocores // 1_000_000)
    return window.memory_bytes * 1000


def by_utilization(measured: Measured, percent: int) -> Proposal:
    """Return how many pods use `percent` of what they request. Raises MetricError."""
    groups, values = _grouped(measured)
    requests = {name_of(pod): _request(pod, measured) for pod in measured.pods}

    def utilization(known: Mapping[str, int]) -> tuple[int, int]:
        chosen = [name for name in known if name in requests]
        requested = sum(requests[name] for name in chosen)
        if requested == 0:
            raise MetricError("no metrics returned matched known pods")
        used = sum(known[name] for name in chosen)
        return used * 100 // requested, used // len(chosen)

    share, average = utilization(values)

    def whole(name: str) -> int:
        return requests[name] * max(100, percent) // 100

    def ratio(known: Mapping[str, int]) -> float:
        return utilization(known)[0] / percent

    return Proposal(_replicas(measured, groups, values, ratio, whole), average, share)


def by_average(measured: Measured, target: int) -> Proposal:
    """Return how many pods use `target` each, in thousandths. Raises MetricError."""
    groups, values = _grouped(measured)

    def average(known: Mapping[str, int]) -> int:
        return sum(known.values()) // len(known)

    def ratio(known: Mapping[str, int]) -> float:
        return average(known) / target

    replicas = _replicas(measured, groups, values, ratio, lambda _name: target)
    return Proposal(replicas, average(values))


def _grouped(measured: Measured) -> tuple[_Groups, dict[str, int]]:
    """Return the groups of pods, and the values of those that count. Raises MetricError."""
    if not measured.pods:
        raise MetricError("no pods returned by selector while calculating replica count")
    groups = _groups(measured)
    unheard = groups.ignored | groups.unready
    values = {name: it.value for name, it in measured.samples.items() if name not in unheard}
    if not values:
        raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
    return groups, values


def _groups(measured: Measured) -> _Groups:
    groups = _Groups()
    for pod in measured.pods:
        name, phase = name_of(pod), phase_of(pod)
        if is_deleting(pod) or phase == "Failed":
            groups.ignored.add(name)
        elif phase == "Pending":
            groups.unready.add(name)
        elif (sample := measured.samples.get(name)) is None:
            groups.missing.add(name)
        elif measured.resource == CPU and _is_unready(pod, sample, measured):
            groups.unready.add(name)
        else:
            groups.ready += 1
    return groups


def _is_unready(pod: ApiObject, sample: Sample, measured: Measured) -> bool:
    """Say whether a pod's CPU tells nothing: it starts, or was never ready."""
    status = submap(pod, "status")
    condition = condition_of(status, "Ready")
    started_at = text(status, "startTime")
    if condition is None or not started_at:
        return True
    started = parse_timestamp(started_at)
    changed_at = condition.get("lastTransitionTime")
    changed = parse_timestamp(changed_at) if changed_at else started
    is_false, settings = condition.get("status") == "False", measured.settings
    if started + settings.cpu_initialization > measured.now:
        return is_false or sample.at < changed + timedelta(seconds=sample.window_s)
    return is_false and started + settings.readiness_delay > changed


def _request(pod: ApiObject, measured: Measured) -> int:
    """Return what a pod (or its one container) requests, in thousandths. Raises MetricError."""
    spec, resource, wanted = submap(pod, "spec"), measured.resource, measured.container
    whole = submap(spec, "resources", "requests")
    if whole and not wanted:
        if resource not in whole:
            raise MetricError(f"missing pod-level request for {resource} in Pod {name_of(pod)}")
        return milli_value(whole[resource])
    sidecars = [one for one in maps(spec, "initContainers") if one.get("restartPolicy") == "Always"]
    chosen = [one for one in (*maps(spec, "containers"), *sidecars) if wanted in {"", one["name"]}]
    if not chosen:
        raise MetricError(f"container {wanted} not found in Pod {name_of(pod)}")
    return sum(_container_request(one, resource, pod) for one in chosen)


def _container_request(container: Json, resource: str, pod: ApiObject) -> int:
    requests = submap(container, "resources", "requests")
    if resource not in requests:
        where = f"container {container['name']} of Pod {name_of(pod)}"
        raise MetricError(f"missing request for {resource} in {where}")
    return milli_value(requests[resource])


def _replicas(
    measured: Measured,
    groups: _Groups,
    values: dict[str, int],
    ratio_of: Callable[[Mapping[str, int]], float],
    whole: Callable[[str], int],
) -> int:
    """Return how many pods there should be.

    Pods of which nothing is known are thought to use all they may when there would be fewer pods,
    and nothing when there would be more; those that are not ready use nothing then. If that turns
    the direction, nothing is changed.
    """
    current, tolerances = measured.current, measured.tolerances
    ratio = ratio_of(values)
    rises_unready = bool(groups.unready) and ratio > 1
    if not rises_unready and not groups.missing:
        return current if tolerances.include(ratio) else math.ceil(ratio * groups.ready)
    supposed = dict(values)
    if ratio < 1:
        supposed |= {name: whole(name) for name in groups.missing}
    elif ratio > 1:
        supposed |= dict.fromkeys(groups.missing, 0)
    if rises_unready:
        supposed |= dict.fromkeys(groups.unready, 0)
    again = ratio_of(supposed)
    if tolerances.include(again) or (ratio < 1 < again) or (again < 1 < ratio):
        return current
    wanted = math.ceil(again * len(supposed))
    turns = (again < 1 and wanted > current) or (again > 1 and wanted < current)
    return current if turns else wanted
