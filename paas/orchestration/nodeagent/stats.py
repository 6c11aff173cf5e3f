"""What pods and the node use, sampled from the cgroups and kept for a while in memory.

For the metrics API, the autoscaler and the console; nothing is stored, and what is kept is
bounded. A container that starts anew has another id, and so begins anew here as well.
Source: metrics-server's pkg/storage.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from paas.apimachinery.engine.informer import Informer
from paas.core.errors import PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    dig,
    labels_of,
    name_of,
    namespace_of,
    parse_timestamp,
)
from paas.core.pods import container_statuses
from paas.core.usage import PodUsage, Usage
from paas.orchestration.nodeagent.machine import MachineCounters, machine_counters
from paas.runtime.base import ContainerStats, Runtime

EVERY_S = 15.0
KEPT = 40
"""Windows of each container: ten minutes at the usual interval, some 10 kB."""
_FRESH = timedelta(seconds=10)
"""A container that has run as long has its first window from its start on, before two samples."""


@dataclass(slots=True)
class _Series:
    """The counters as they were last, and the windows between them."""

    at: datetime | None = None
    cpu_ns: int = 0
    windows: deque[Usage] = field(default_factory=lambda: deque(maxlen=KEPT))

    def take(self, at: datetime, cpu_ns: int, memory_bytes: int) -> None:
        """Add a sample; a counter that went back, or a clock, is a new start."""
        if self.at == at:
            return
        before, self.at = self.at, at
        burnt_ns, self.cpu_ns = cpu_ns - self.cpu_ns, cpu_ns
        if before is None:
            return
        window_s = (at - before).total_seconds()
        if burnt_ns < 0 or window_s < 0:
            self.windows.clear()
            return
        self.windows.append(Usage(at, window_s, round(burnt_ns / window_s), memory_bytes))


class UsageStats:
    """Samples the node and every running container. Safe from any thread."""

    def __init__(
        self,
        runtime: Runtime,
        pods: Informer,
        *,
        node_name: str,
        every_s: float = EVERY_S,
        counters: Callable[[], MachineCounters] = machine_counters,
    ) -> None:
        self._runtime = runtime
        self._informer = pods
        self._node_name = node_name
        self._every_s = every_s
        self._counters = counters
        self._lock = threading.Lock()
        self._series: dict[str, _Series] = {}
        self._machine = _Series()

    def sample(self, _key: ObjectKey) -> float:
        """Do one round; return seconds until the next."""
        present: dict[str, tuple[ContainerStats, datetime | None]] = {}
        for pod in self._informer.list():
            for container_id, _, started in _running(pod):
                try:
                    present[container_id] = self._runtime.stats(container_id), started
                except PaasError:
                    continue  # it has ended since
        machine = self._counters()
        with self._lock:
            self._series = {one: self._taken(one, *found) for one, found in present.items()}
            self._machine.take(machine.at, machine.cpu_ns, machine.memory_working_set_bytes)
        return self._every_s

    def pods(self, namespace: str, *, history: bool = False) -> Sequence[PodUsage]:
        """Return the pods of which every running container has a window; see `UsageSource`."""
        found = (self._of_pod(pod, history=history) for pod in self._informer.list(namespace))
        return [one for one in found if one is not None]

    def node(self) -> tuple[str, Usage] | None:
        """Return the node's name and newest window; None before there is one."""
        with self._lock:
            windows = self._machine.windows
            return (self._node_name, windows[-1]) if windows else None

    def _taken(self, container_id: str, stats: ContainerStats, started: datetime | None) -> _Series:
        series = self._series.get(container_id)
        if series is None:
            series = _Series()
            if started is not None and _FRESH <= stats.at - started < self._interval:
                series.at = started
        series.take(stats.at, stats.cpu_ns, stats.memory_working_set_bytes)
        return series

    @property
    def _interval(self) -> timedelta:
        return timedelta(seconds=self._every_s)

    def _of_pod(self, pod: ApiObject, *, history: bool) -> PodUsage | None:
        containers: dict[str, Sequence[Usage]] = {}
        for container_id, name, _ in _running(pod):
            with self._lock:
                series = self._series.get(container_id)
                windows = list(series.windows) if series is not None else []
            if not windows:
                return None
            containers[name] = windows if history else windows[-1:]
        if not containers:
            return None
        return PodUsage(namespace_of(pod), name_of(pod), labels_of(pod), containers)


def _running(pod: ApiObject) -> list[tuple[str, str, datetime | None]]:
    """Return (id, name, when it started) of each container that runs."""
    found = []
    for status in container_statuses(pod):
        running = dig(status, "state", "running")
        if running is None or not status.get("containerID"):
            continue
        started = running.get("startedAt")
        container_id = str(status["containerID"]).removeprefix("podman://")
        found.append((container_id, status["name"], parse_timestamp(started) if started else None))
    return found
