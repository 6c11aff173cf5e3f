"""The labels by which the node agent finds its containers again. Source: the kubelet's for CRI."""

from paas.runtime.base import ContainerState

POD_UID = "io.kubernetes.pod.uid"
POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
CONTAINER_NAME = "io.kubernetes.container.name"
INSTANCE = "io.minato.instance"
RESTART_COUNT = "io.minato.restart-count"
SPEC_HASH = "io.minato.spec-hash"
BACKOFF_S = "io.minato.backoff-s"
IMAGE_ID = "io.minato.image-id"
STOP_SIGNAL = "io.minato.stop-signal"


def container_name(state: ContainerState) -> str:
    """Return the name in the pod's spec; empty for a sandbox."""
    return state.labels.get(CONTAINER_NAME, "")


def attempt_of(state: ContainerState) -> int:
    """Return how often the container had been restarted when this one was created."""
    return int(state.labels.get(RESTART_COUNT) or 0)


def backoff_of(state: ContainerState) -> int | None:
    """Return the delay (s) that was kept before this start; None for a first start."""
    text = state.labels.get(BACKOFF_S)
    return int(text) if text and attempt_of(state) else None
