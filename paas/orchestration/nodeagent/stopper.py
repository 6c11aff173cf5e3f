"""Ends containers and clears away pods. Called by the pod's one worker; safe to repeat."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from paas.apimachinery.engine.clock import Clock
from paas.apimachinery.engine.events import EventRecorder
from paas.core.errors import NotFoundError, PaasError
from paas.core.objects import ApiObject, namespace_of
from paas.orchestration.nodeagent.hooks import hook_of, run_hook
from paas.orchestration.nodeagent.jobs import Jobs
from paas.orchestration.nodeagent.kills import HOOK, HOOKED, KillState, next_action
from paas.orchestration.nodeagent.labels import STOP_SIGNAL
from paas.orchestration.nodeagent.memory import Memories, PodMemory
from paas.orchestration.nodeagent.observed import Observed
from paas.orchestration.nodeagent.place import Wake
from paas.orchestration.nodeagent.plan import Kill
from paas.orchestration.nodeagent.podspec import container_named, field_path, grace_s
from paas.orchestration.nodeagent.ports import PodNetwork
from paas.orchestration.nodeagent.prober import Prober
from paas.orchestration.nodeagent.volumes import Volumes
from paas.runtime.base import ContainerState, Runtime


@dataclass(frozen=True, slots=True)
class Stopper:
    """Everything that ending needs."""

    runtime: Runtime
    network: PodNetwork
    volumes: Volumes
    prober: Prober
    jobs: Jobs
    events: EventRecorder
    memories: Memories
    now: Clock

    def begin(self, pod: ApiObject, kill: Kill, state: ContainerState, memory: PodMemory) -> None:
        """Note that a container is to end, and say so."""
        path = field_path(pod, kill.name)
        self.events.normal(pod, "Killing", kill.message, field_path=path)
        signal = state.labels.get(STOP_SIGNAL) or "SIGTERM"
        memory.kills[kill.container_id] = KillState(
            kill.container_id, kill.name, kill.grace_s, self.now(), signal
        )

    def advance(
        self, pod: ApiObject, seen: Observed, memory: PodMemory, wake: Wake
    ) -> datetime | None:
        """Take each container that is being ended one step on; return when to look again."""
        running = {state.id for state in seen.running}
        looks = []
        for kill in list(memory.kills.values()):
            if kill.container_id not in running:
                del memory.kills[kill.container_id]
                continue
            kill.shorten(grace_s(pod))
            self._step(pod, kill, memory, wake)
            looks.append(kill.due())
        return min(looks, default=None)

    def _step(self, pod: ApiObject, kill: KillState, memory: PodMemory, wake: Wake) -> None:
        container = container_named(pod, kill.name)
        has_hook = container is not None and hook_of(container, "preStop") is not None
        action = next_action(kill, self.now(), has_hook=has_hook)
        if action == "hook":
            self._run_hook(pod, kill, memory, wake)
        elif action != "wait":
            try:
                self.runtime.container_signal(
                    kill.container_id, "SIGKILL" if action == "force" else kill.signal
                )
            except NotFoundError:
                memory.kills.pop(kill.container_id, None)

    def _run_hook(self, pod: ApiObject, kill: KillState, memory: PodMemory, wake: Wake) -> None:
        container = container_named(pod, kill.name)
        handler = hook_of(container, "preStop") if container else None
        if container is None or handler is None:
            return
        timeout_s = max(0.0, (kill.due() - self.now()).total_seconds())

        def work() -> None:
            try:
                run_hook(
                    self.runtime,
                    container,
                    handler,
                    container_id=kill.container_id,
                    address=memory.address,
                    timeout_s=timeout_s,
                )
            except PaasError as error:
                path = field_path(pod, kill.name)
                text = f"PreStopHook failed: {error}"
                self.events.warning(pod, "FailedPreStopHook", text, field_path=path)

        def then() -> None:
            if kill.stage == HOOK:
                kill.stage = HOOKED
            wake()

        self.jobs.submit(namespace_of(pod), (kill.container_id, "preStop"), work, then)

    def remove(self, container_ids: Iterable[str]) -> None:
        """Remove containers, running or not."""
        for container_id in container_ids:
            self.runtime.container_remove(container_id)

    def clear(self, pod_uid: str, states: Iterable[ContainerState], *, files: bool) -> None:
        """Remove a pod's containers, network and sandbox, then what lies on disk.

        `files` False keeps the logs, for a pod that has ended and is still there to be read.
        """
        self.prober.forget(pod_uid)
        found = list(states)
        sandboxes = [state.id for state in found if state.is_sandbox]
        self.network.detach(pod_uid)
        self.remove(
            sandboxes or [state.id for state in found]
        )  # a sandbox goes with its containers
        if files:
            self.volumes.remove(pod_uid)
            self.memories.forget(pod_uid)
        else:
            self.volumes.remove_volumes(pod_uid)
        memory = self.memories.find(pod_uid)
        if memory is not None:
            memory.attached_pid, memory.kills, memory.states = 0, {}, None
