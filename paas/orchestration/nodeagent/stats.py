"""What pods use, sampled from the cgroups and kept for a while in memory.

For the metrics API and the console; nothing is stored. Source: metrics.k8s.io PodMetrics.
"""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from paas.apimachinery.engine.informer import Informer
from paas.core.errors import PaasError
from paas.core.objects import ApiObject, ObjectKey, uid_of
from paas.runtime.base import ContainerStats, Runtime

EVERY_S = 15.0
KEPT = 40


@dataclass(frozen=True, slots=True)
class Usage:
    """One container over the last interval: `cpu_millicores` is a mean, memory the working set."""

    at: datetime
    window_s: float
    cpu_millicores: float
    memory_bytes: int
    pids: int


@dataclass(slots=True)
class _Series:
    pod_uid: str
    name: str
    last: ContainerStats | None = None
    usage: deque[Usage] = field(default_factory=lambda: deque(maxlen=KEPT))


class PodStats:
    """Samples every running container. Safe from any thread."""

    def __init__(self, runtime: Runtime, pods: Informer) -> None:
        self._runtime = runtime
        self._pods = pods
        self._lock = threading.Lock()
        self._series: dict[str, _Series] = {}

    def sample(self, _key: ObjectKey) -> float:
        """Do one round; return seconds until the next."""
        present: dict[str, _Series] = {}
        for pod in self._pods.list():
            for container_id, name in _running(pod).items():
                series = self._series.get(container_id) or _Series(uid_of(pod), name)
                try:
                    self._take(series, self._runtime.stats(container_id))
                except PaasError:
                    continue  # it has ended since
                present[container_id] = series
        with self._lock:
            self._series = present
        return EVERY_S

    def of_pod(self, pod_uid: str) -> Mapping[str, list[Usage]]:
        """Return the kept usage by container name, the oldest first; empty for an unknown pod."""
        with self._lock:
            chosen = [one for one in self._series.values() if one.pod_uid == pod_uid]
            return {one.name: list(one.usage) for one in chosen}

    def _take(self, series: _Series, stats: ContainerStats) -> None:
        before, series.last = series.last, stats
        if before is None:
            return
        window_s = (stats.at - before.at).total_seconds()
        if window_s <= 0:
            return
        usage = Usage(
            at=stats.at,
            window_s=window_s,
            cpu_millicores=max(0.0, (stats.cpu_ns - before.cpu_ns) / window_s / 1e6),
            memory_bytes=stats.memory_working_set_bytes,
            pids=stats.pids,
        )
        with self._lock:
            series.usage.append(usage)


def _running(pod: ApiObject) -> dict[str, str]:
    status = pod.get("status") or {}
    entries = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    return {
        str(one["containerID"]).removeprefix("podman://"): one["name"]
        for one in entries
        if "running" in (one.get("state") or {}) and one.get("containerID")
    }
