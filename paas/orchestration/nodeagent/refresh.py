"""Keeps running pods' volumes true to their sources, and within their limits.

Source: the kubelet's volume manager and eviction of pods whose emptyDir is over its sizeLimit.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.events import EventRecorder
from paas.apimachinery.engine.informer import Informer
from paas.core.errors import ConflictError, NotFoundError, PaasError
from paas.core.objects import ApiObject, ObjectKey, dig, is_deleting, uid_of
from paas.orchestration.nodeagent.memory import Memories
from paas.orchestration.nodeagent.podspec import is_terminal
from paas.orchestration.nodeagent.ports import SourceReader
from paas.orchestration.nodeagent.starter import Starter

log = structlog.get_logger(__name__)
EVERY_S = 5.0
_CHANGING = ("configMap", "secret", "downwardAPI", "projected")


@dataclass(frozen=True, slots=True)
class Refresher:
    """Looks at every running pod with such volumes once in a while."""

    client: Client
    starter: Starter
    pods: Informer
    memories: Memories
    events: EventRecorder

    def refresh(self, _key: ObjectKey) -> float:
        """Do one round; return seconds until the next. One pod's trouble does not stop others."""
        once = replace(self.starter.volumes, read=reading_once(self.starter.volumes.read))
        starter = replace(self.starter, volumes=once)
        for pod in self.pods.list():
            if is_deleting(pod) or is_terminal(pod):
                continue
            try:
                self._refresh(starter, pod)
            except (PaasError, OSError) as error:
                log.info("volumes_not_refreshed", pod=uid_of(pod), error=str(error))
        return EVERY_S

    def _refresh(self, starter: Starter, pod: ApiObject) -> None:
        memory = self.memories.find(uid_of(pod))
        volumes = pod["spec"].get("volumes") or ()
        if memory is None or not memory.address or not volumes:
            return
        if not dig(pod, "status", "containerStatuses"):
            return  # its own worker is preparing them
        if any(sort in volume for volume in volumes for sort in _CHANGING):
            starter.prepare_volumes(pod, memory)
        if (message := starter.volumes.over_limit(pod)) is not None:
            self._evict(pod, message)

    def _evict(self, pod: ApiObject, message: str) -> None:
        self.events.warning(pod, "Evicted", message)
        ended = {"phase": "Failed", "reason": "Evicted", "message": message}
        try:
            self.client.update_status({**pod, "status": {**pod["status"], **ended}})
        except (ConflictError, NotFoundError):
            return  # it has changed: the next round looks again


def reading_once(read: SourceReader) -> Callable[[str, str, str], ApiObject | None]:
    """Return a reader that asks for each object once: many pods share the cluster's CA."""
    known: dict[tuple[str, str, str], ApiObject | None] = {}

    def once(resource: str, namespace: str, name: str, /) -> ApiObject | None:
        place = (resource, namespace, name)
        if place not in known:
            known[place] = read(resource, namespace, name)
        return known[place]

    return once
