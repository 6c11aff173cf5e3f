"""Finds what no pod accounts for: containers, addresses and directories of pods that are gone.

Each becomes a key; the pod controller sees that its object is gone and clears it away.
"""

from collections.abc import Callable
from dataclasses import dataclass

from paas.apimachinery.engine.informer import Informer
from paas.core.errors import RetryLaterError
from paas.core.objects import ObjectKey, name_of, namespace_of, uid_of
from paas.orchestration.nodeagent import labels
from paas.orchestration.nodeagent.memory import Memories
from paas.orchestration.nodeagent.ports import PodNetwork
from paas.orchestration.nodeagent.volumes import Volumes
from paas.runtime.base import Runtime, RuntimeUnavailableError

EVERY_S = 10.0
_RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Compares the machine with the pods that are stored. Needs `pods` in sync."""

    runtime: Runtime
    network: PodNetwork
    volumes: Volumes
    pods: Informer
    memories: Memories
    wake: Callable[[ObjectKey], None]

    def sweep(self, _key: ObjectKey) -> float:
        """Queue what is not as remembered, and what has no pod; return seconds until the next."""
        try:
            states = self.runtime.containers()
        except RuntimeUnavailableError as error:
            raise RetryLaterError(error.message, delay_s=_RETRY_S) from error
        found: dict[str, set[tuple[str, str]]] = {}
        for state in states:
            if uid := state.labels.get(labels.POD_UID):
                found.setdefault(uid, set()).add((state.id, state.status))
        present = {*found, *self.network.addresses(), *self.volumes.pod_uids()}
        known = {uid_of(pod): pod for pod in self.pods.list()}  # last: what starts now has a pod
        for pod_uid in present - known.keys():
            self.wake(ObjectKey("pods", "", "", pod_uid))
        for pod_uid, pod in known.items():
            if found.get(pod_uid, set()) != self._remembered(pod_uid):
                self.memories.happened(pod_uid)
                self.wake(ObjectKey("pods", namespace_of(pod), name_of(pod), pod_uid))
        return EVERY_S

    def _remembered(self, pod_uid: str) -> set[tuple[str, str]] | None:
        memory = self.memories.find(pod_uid)
        if memory is None or memory.states is None:
            return None
        return {(state.id, state.status) for state in memory.states}
