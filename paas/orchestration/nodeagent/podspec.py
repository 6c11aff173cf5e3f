"""Reads a pod's spec: its containers in order, its policy, its grace. Pure, never mutates."""

import hashlib
from typing import Any

from paas.core.objects import ApiObject, dig, is_deleting, meta, name_of, namespace_of, uid_of

Container = dict[str, Any]
DEFAULT_GRACE_S = 30
TERMINAL_PHASES = ("Succeeded", "Failed")


def containers_of(pod: ApiObject) -> list[Container]:
    """Return the pod's own containers, without init containers."""
    return list(pod["spec"].get("containers") or ())


def init_containers_of(pod: ApiObject) -> list[Container]:
    """Return the init containers in their order, sidecars among them."""
    return list(pod["spec"].get("initContainers") or ())


def all_containers_of(pod: ApiObject) -> list[Container]:
    """Return init containers, then containers."""
    return [*init_containers_of(pod), *containers_of(pod)]


def container_named(pod: ApiObject, name: str) -> Container | None:
    """Return the container or init container of this name."""
    return next((one for one in all_containers_of(pod) if one["name"] == name), None)


def is_sidecar(container: Container) -> bool:
    """Say whether an init container keeps running beside the others (restartPolicy Always)."""
    return container.get("restartPolicy") == "Always"


def is_init(pod: ApiObject, name: str) -> bool:
    """Say whether the name is an init container's."""
    return any(one["name"] == name for one in init_containers_of(pod))


def restart_policy(pod: ApiObject) -> str:
    """Return Always, OnFailure or Never."""
    return str(pod["spec"].get("restartPolicy") or "Always")


def grace_s(pod: ApiObject) -> int:
    """Return how long containers get to end: the delete's grace, else the spec's."""
    asked = meta(pod).get("deletionGracePeriodSeconds") if is_deleting(pod) else None
    if asked is None:
        asked = pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_S)
    return int(asked)


def is_terminal(pod: ApiObject) -> bool:
    """Say whether the pod has ended for good, as its stored status tells."""
    return dig(pod, "status", "phase") in TERMINAL_PHASES


def spec_hash(container: Container) -> str:
    """Return a hash of what may change in a running pod's container: its image."""
    return hashlib.sha256(f"{container['name']}\n{container['image']}".encode()).hexdigest()[:16]


def pod_label(pod: ApiObject) -> str:
    """Return `name_namespace(uid)`, as the kubelet writes pods in messages."""
    return f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"


def field_path(pod: ApiObject, name: str) -> str:
    """Return the container's place in the spec, as events name it."""
    return f"spec.{'initContainers' if is_init(pod, name) else 'containers'}{{{name}}}"


def status_of(pod: ApiObject, name: str) -> dict[str, Any]:
    """Return the stored status of a container; empty if there is none."""
    status = pod.get("status") or {}
    for entries in ("initContainerStatuses", "containerStatuses"):
        for entry in status.get(entries) or ():
            if entry["name"] == name:
                return dict(entry)
    return {}
