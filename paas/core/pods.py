"""What controllers ask about pods. Pure. Source: k8s.io/kubernetes/pkg/api/v1/pod."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from paas.core.conditions import condition_of, is_true
from paas.core.objects import ApiObject, controller_of, dig, is_deleting, parse_timestamp

ORPHANS = "orphans"
HOPELESS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""Why a container waits that will not start by waiting."""
_HARMLESS = frozenset({"ContainerCreating", "PodInitializing"})


def orphans_index(obj: ApiObject) -> Iterable[str]:
    """Index objects that no controller owns, by namespace."""
    return () if controller_of(obj) else (str(obj["metadata"].get("namespace", "")),)


def phase_of(pod: ApiObject) -> str:
    """Return status.phase, Pending where the node agent has not written one yet."""
    return str(dig(pod, "status", "phase") or "Pending")


def is_finished(pod: ApiObject) -> bool:
    """Say whether no container of it will ever run again."""
    return phase_of(pod) in {"Succeeded", "Failed"}


def is_active(pod: ApiObject) -> bool:
    """Say whether the pod counts as a replica: neither finished nor going away."""
    return not is_finished(pod) and not is_deleting(pod)


def is_hopeless(pod: ApiObject) -> bool:
    """Say whether it has failed, or a container of it waits for what does not come by itself."""
    waits = (dig(one, "state", "waiting", "reason") for one in container_statuses(pod))
    return phase_of(pod) == "Failed" or any(reason in HOPELESS for reason in waits)


def is_ready(pod: ApiObject) -> bool:
    """Say whether its Ready condition is true."""
    return is_true(pod.get("status") or {}, "Ready")


def ready_since(pod: ApiObject) -> datetime | None:
    """Return when it last became ready, or None while it is not."""
    condition = condition_of(pod.get("status") or {}, "Ready")
    if condition is None or condition.get("status") != "True":
        return None
    moment = condition.get("lastTransitionTime")
    return parse_timestamp(moment) if moment else None


def available_in_s(pod: ApiObject, *, min_ready_s: int, now: datetime) -> float | None:
    """Return seconds until the pod is available: 0 when it is, None while it is not ready."""
    if not is_ready(pod):
        return None
    since = ready_since(pod)
    if not min_ready_s or since is None:
        return 0.0
    return max(0.0, (since + timedelta(seconds=min_ready_s) - now).total_seconds())


def restarts_of(pod: ApiObject) -> int:
    """Return how often its most restarted container was restarted."""
    return max((status.get("restartCount", 0) for status in container_statuses(pod)), default=0)


def container_statuses(pod: ApiObject) -> list[dict[str, Any]]:
    """Return the statuses of init and application containers, in that order."""
    status = pod.get("status") or {}
    return [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]


def why_not_ready(pod: ApiObject) -> str:
    """Return what its containers wait for, or what its conditions say; empty where nothing does."""
    status = pod.get("status") or {}
    for container in container_statuses(pod):
        if reason := _why_container(container):
            return f"container {container['name']}: {reason}"
    for kind in ("PodScheduled", "Ready"):
        condition = condition_of(status, kind)
        if condition and condition["status"] != "True" and condition.get("reason"):
            return f"{condition['reason']}: {condition.get('message', '')}".rstrip(": ")
    return str(status.get("reason") or "")


def _why_container(container: Mapping[str, Any]) -> str:
    waiting = (container.get("state") or {}).get("waiting") or {}
    if not waiting.get("reason") or waiting["reason"] in _HARMLESS:
        return ""
    ended = (container.get("lastState") or {}).get("terminated") or {}
    exit_note = ""
    if ended:
        exit_note = f", last exit code {ended.get('exitCode')} ({ended.get('reason', 'Error')})"
    words = f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    return f"{words}{exit_note}"
