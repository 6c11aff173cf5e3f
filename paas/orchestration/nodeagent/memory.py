"""What this process remembers of a pod between two looks. All of it may be lost at any time."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from paas.orchestration.nodeagent.kills import KillState
from paas.orchestration.nodeagent.observed import Blocked
from paas.runtime.base import ContainerState, ImageState

CLEARED_MAX = 1000


@dataclass(slots=True)
class PodMemory:
    """Used by the one worker that holds the pod's key, and by the jobs it started.

    `start_errors` are container id → the engine's words; `pull_delay_s` the last pull back-off by
    container name; `messages` termination messages by container id; `hook_failed` the ids whose
    postStart hook failed. `states` is what the runtime last said, None once something happened
    since. `images` are (reference, image) by container name.
    """

    start_errors: dict[str, str] = field(default_factory=dict)
    kills: dict[str, KillState] = field(default_factory=dict)
    blocked: dict[str, Blocked] = field(default_factory=dict)
    pull_delay_s: dict[str, int] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    messages: dict[str, str] = field(default_factory=dict)
    hook_failed: set[str] = field(default_factory=set)
    draining_since: datetime | None = None
    attached_pid: int = 0
    address: str = ""
    sandbox_delay_s: float = 0.0
    sandbox_until: datetime | None = None
    told: set[tuple[str, str]] = field(default_factory=set)
    states: list[ContainerState] | None = None
    images: dict[str, tuple[str, ImageState]] = field(default_factory=dict)


class Memories:
    """One PodMemory per pod uid. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, PodMemory] = {}
        self._cleared: OrderedDict[str, None] = OrderedDict()

    def of(self, pod_uid: str) -> PodMemory:
        """Return the pod's memory, a blank one at first."""
        with self._lock:
            return self._all.setdefault(pod_uid, PodMemory())

    def find(self, pod_uid: str) -> PodMemory | None:
        """Return the pod's memory if there is one."""
        with self._lock:
            return self._all.get(pod_uid)

    def happened(self, pod_uid: str) -> None:
        """Note that the runtime told of something: what it said before is old."""
        memory = self.find(pod_uid)
        if memory is not None:
            memory.states = None

    def forget(self, pod_uid: str) -> None:
        """Drop a pod that is gone and cleared away."""
        with self._lock:
            self._all.pop(pod_uid, None)
            self._cleared[pod_uid] = None
            while len(self._cleared) > CLEARED_MAX:
                self._cleared.popitem(last=False)

    def was_cleared(self, pod_uid: str) -> bool:
        """Say whether this process has cleared the pod away."""
        with self._lock:
            return pod_uid in self._cleared
