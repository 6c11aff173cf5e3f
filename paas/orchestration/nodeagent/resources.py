"""Requests and limits as cgroup numbers, and the class of service they make. Pure.

Source: kubelet pkg/kubelet/qos and cm helpers (MilliCPUToShares, MilliCPUToQuota).
"""

from typing import Any

from paas.core.objects import ApiObject
from paas.core.quantities import millicores, size_bytes
from paas.orchestration.nodeagent.podspec import Container, all_containers_of
from paas.runtime.base import Limits

PIDS_MAX = 4096  # OpenShift's podPidsLimit
_PERIOD_US = 100_000
_QUOTA_MIN_US = 1000
_SHARES_MIN = 2
_SHARES_MAX = 262_144


def limits_of(pod: ApiObject, container: Container, *, memory_capacity_bytes: int) -> Limits:
    """Return the cgroup limits of one container."""
    limits = _section(container, "limits")
    requests = {**limits, **_section(container, "requests")}
    cpu_limit = limits.get("cpu")
    return Limits(
        cpu_shares=_shares(millicores(requests.get("cpu", 0))),
        cpu_quota_us=_quota_us(millicores(cpu_limit)) if cpu_limit else 0,
        cpu_period_us=_PERIOD_US,
        memory_bytes=size_bytes(limits.get("memory", 0)),
        pids=PIDS_MAX,
        oom_score_adj=_oom_score(pod, requests, memory_capacity_bytes),
    )


def qos_class(pod: ApiObject) -> str:
    """Return Guaranteed, Burstable or BestEffort. Source: core/v1 PodQOSClass."""
    guaranteed, empty = True, True
    for container in all_containers_of(pod):
        limits, requests = _section(container, "limits"), _section(container, "requests")
        for name in ("cpu", "memory"):
            if limits.get(name) or requests.get(name):
                empty = False
            if not limits.get(name) or not _equal(name, limits, {**limits, **requests}):
                guaranteed = False
    if empty:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _section(container: Container, name: str) -> dict[str, Any]:
    return dict((container.get("resources") or {}).get(name) or {})


def _equal(name: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    measure = millicores if name == "cpu" else size_bytes
    return measure(one[name]) == measure(other[name])


def _shares(cpu_millicores: int) -> int:
    return min(max(cpu_millicores * 1024 // 1000, _SHARES_MIN), _SHARES_MAX)


def _quota_us(cpu_millicores: int) -> int:
    return max(cpu_millicores * _PERIOD_US // 1000, _QUOTA_MIN_US)


def _oom_score(pod: ApiObject, requests: dict[str, Any], capacity_bytes: int) -> int:
    """Return 0 to 1000; upstream's negative values are not ours to set on every machine."""
    name = qos_class(pod)
    if name != "Burstable":
        return 0 if name == "Guaranteed" else 1000
    wanted = size_bytes(requests.get("memory", 0))
    return min(max(1000 - 1000 * wanted // max(capacity_bytes, 1), 3), 999)
