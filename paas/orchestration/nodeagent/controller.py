"""Reconciles one pod of this node: sees, plans, acts, reports. Safe after any crash."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.clock import Clock
from paas.apimachinery.engine.events import EventRecorder
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.options import DeleteOptions
from paas.core.errors import ConflictError, NotFoundError, RetryLaterError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    dig,
    is_deleting,
    meta,
    name_of,
    namespace_of,
    uid_of,
)
from paas.orchestration.nodeagent import labels
from paas.orchestration.nodeagent.errors import MountFailedError
from paas.orchestration.nodeagent.memory import Memories, PodMemory
from paas.orchestration.nodeagent.messages import termination_message
from paas.orchestration.nodeagent.observed import Observed, sort_states
from paas.orchestration.nodeagent.place import Drain, NodePlace, Wake
from paas.orchestration.nodeagent.plan import Kill, Plan, plan
from paas.orchestration.nodeagent.podspec import (
    container_named,
    field_path,
    grace_s,
    is_terminal,
    pod_label,
)
from paas.orchestration.nodeagent.starter import Starter
from paas.orchestration.nodeagent.status import Report
from paas.orchestration.nodeagent.stopper import Stopper
from paas.runtime.base import (
    ContainerState,
    Runtime,
    RuntimeFailedError,
    RuntimeUnavailableError,
)

STEPS_MAX = 20
STATUS_TRIES = 5
_VOLUME_RETRY_S = 1.0
_RUNTIME_RETRY_S = 0.3
_SANDBOX_RETRY_MAX_S = 30.0


@dataclass(slots=True)
class _Turn:
    """One reconcile of one pod: what it has read, and when it wants to be called again."""

    pod: ApiObject
    states: list[ContainerState]
    memory: PodMemory
    wake: Wake
    looks: list[datetime] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PodController:
    """The node agent's controller. `wake` queues a key from any thread."""

    node: NodePlace
    client: Client
    runtime: Runtime
    pods: Informer
    starter: Starter
    stopper: Stopper
    memories: Memories
    events: EventRecorder
    drain: Drain
    now: Clock
    wake: Callable[[ObjectKey], None]

    def reconcile(self, key: ObjectKey) -> float | None:
        """Move one pod nearer its spec; return seconds until the next look.

        Raises RetryLaterError while the runtime does not answer.
        """
        try:
            pod = self.pods.find(key)
            if pod is None:
                self._discard(key)
                return None
            if dig(pod, "spec", "nodeName") != self.node.node_name:
                return None
            return self._reconcile(pod, key)
        except RuntimeUnavailableError as error:
            raise RetryLaterError(error.message, delay_s=_RUNTIME_RETRY_S) from error

    def _reconcile(self, pod: ApiObject, key: ObjectKey) -> float | None:
        def wake() -> None:
            self.wake(key)

        memory = self.memories.of(key.uid)
        turn = _Turn(pod, self._states(key, memory), memory, wake)
        memory.states = turn.states
        ended = False
        try:
            delay_s = self._take(turn)
            ended = True
            return delay_s
        finally:
            if not ended:
                memory.states = None  # nobody knows how far it came

    def _take(self, turn: _Turn) -> float | None:
        pod, wake = turn.pod, turn.wake
        step = Plan()
        for _ in range(STEPS_MAX):
            step = plan(pod, self._observe(turn), self.now())
            if not self._act(turn, step):
                break
        seen = self._observe(turn)
        if (look := self.stopper.advance(pod, seen, turn.memory, wake)) is not None:
            turn.looks.append(look)
        if step.finish:
            self._finish(turn, seen, step)
            return None
        stored = self._report(pod, seen, step, turn.memory)
        if is_terminal(stored) and not is_terminal(pod):
            turn.looks.append(self.now())
        self._remove(seen.surplus, turn.states)
        if step.requeue_after_s is not None:
            turn.looks.append(self.now() + timedelta(seconds=step.requeue_after_s))
        self._back_off(turn)
        looks = turn.looks
        return max(0.0, (min(looks) - self.now()).total_seconds()) if looks else None

    # seeing

    def _states(self, key: ObjectKey, memory: PodMemory) -> list[ContainerState]:
        """Return what the runtime says; asked anew only if something happened since."""
        if memory.states is not None:
            return list(memory.states)
        return self.runtime.containers({labels.POD_UID: key.uid})

    def _observe(self, turn: _Turn) -> Observed:
        found = sort_states(turn.states)
        memory, now = turn.memory, self.now()
        running = {name: one for name, one in found.current.items() if one.status == "running"}
        prober = self.stopper.prober
        if found.sandbox is not None and found.sandbox.status == "running":
            self.starter.attach(turn.pod, found.sandbox, memory)
            prober.track(turn.pod, running, address=memory.address, now=now, wake=turn.wake)
        return Observed(
            sandbox=found.sandbox,
            address=memory.address if found.sandbox is not None else "",
            current=found.current,
            previous=found.previous,
            surplus=found.surplus,
            start_errors=dict(memory.start_errors),
            killing=frozenset(memory.kills),
            busy=frozenset(memory.busy),
            blocked=dict(memory.blocked),
            health=prober.health(running),
            drained=self.drain.is_over(turn.pod, memory, now),
        )

    # acting

    def _act(self, turn: _Turn, step: Plan) -> bool:
        """Do what the plan says; return whether something changed that is worth a new plan."""
        if step.sandbox == "remove":
            self._remove_sandbox(turn)
            return True
        if step.sandbox == "start":
            return self._start_sandbox(turn)
        self._kill(turn, step.kill)
        if step.remove:
            self._remove(step.remove, turn.states)
        return bool(step.start) and self._start(turn, step)

    def _start_sandbox(self, turn: _Turn) -> bool:
        """Start the sandbox; after a failure not before its delay, whatever wakes the pod."""
        memory = turn.memory
        if memory.sandbox_until is not None and memory.sandbox_until > self.now():
            turn.looks.append(memory.sandbox_until)
            return False
        try:
            turn.states.append(self.starter.sandbox(turn.pod, memory))
        except RuntimeFailedError:  # an event has told
            memory.sandbox_delay_s = min(memory.sandbox_delay_s * 2 or 1.0, _SANDBOX_RETRY_MAX_S)
            memory.sandbox_until = self.now() + timedelta(seconds=memory.sandbox_delay_s)
            turn.looks.append(memory.sandbox_until)
            memory.states = None
            return False
        memory.sandbox_delay_s = 0.0
        return True

    def _remove_sandbox(self, turn: _Turn) -> None:
        if any(state.is_sandbox for state in turn.states):
            text = "Pod sandbox changed, it will be killed and re-created."
            self.events.normal(turn.pod, "SandboxChanged", text)
        ordered = sorted(turn.states, key=lambda state: not state.is_sandbox)
        self._remove([state.id for state in ordered], turn.states)
        turn.memory.attached_pid = 0

    def _remove(self, ids: Iterable[str], states: list[ContainerState]) -> None:
        gone = list(ids)
        self.stopper.remove(gone)
        states[:] = [state for state in states if state.id not in gone]

    def _kill(self, turn: _Turn, kills: Iterable[Kill]) -> None:
        memory = turn.memory
        current = sort_states(turn.states).current
        wanted = list(kills)
        for name, state in current.items():
            if state.id in memory.hook_failed and state.id not in memory.kills:
                memory.hook_failed.discard(state.id)
                text = f"Container {name} failed its postStart hook"
                wanted.append(Kill(state.id, name, text, grace_s(turn.pod)))
        for kill in wanted:
            if current[kill.name].status == "running":
                self.stopper.begin(turn.pod, kill, current[kill.name], memory)

    def _start(self, turn: _Turn, step: Plan) -> bool:
        sandbox = next(state for state in turn.states if state.is_sandbox)
        try:
            volumes = self.starter.prepare_volumes(turn.pod, turn.memory)
        except MountFailedError as error:
            self.events.warning(turn.pod, "FailedMount", error.message)
            turn.looks.append(self.now() + timedelta(seconds=_VOLUME_RETRY_S))
            return False
        started = False
        for start in step.start:
            state = self.starter.container(
                turn.pod,
                start,
                sandbox=sandbox,
                volumes=volumes,
                memory=turn.memory,
                wake=turn.wake,
            )
            if state is not None:
                turn.states.append(state)
                started = True
                if start.name in turn.memory.busy:
                    break  # its postStart hook comes before the next container
        return started

    def _back_off(self, turn: _Turn) -> None:
        """Say of pulls that were reported as failed that they back off, and look again soon."""
        for name, blocked in list(turn.memory.blocked.items()):
            container = container_named(turn.pod, name)
            if container is not None and blocked.waiting.reason == "ErrImagePull":
                self.starter.images.back_off(turn.pod, container, turn.memory)
                turn.looks.append(self.now())

    # reporting

    def _report(self, pod: ApiObject, seen: Observed, step: Plan, memory: PodMemory) -> ApiObject:
        """Write the status if it changed; a conflict is answered with the object as it is now."""
        self._tell_crashes(pod, step, memory)
        current = pod
        for attempt in range(STATUS_TRIES):
            status = self._status(current, seen, step, memory)
            if status == (current.get("status") or {}):
                return current
            try:
                return self.client.update_status({**current, "status": status})
            except NotFoundError:
                return current
            except ConflictError:
                if attempt == STATUS_TRIES - 1:
                    raise
                found = self.client.find("pods", name_of(pod), namespace_of(pod))
                if found is None or uid_of(found) != uid_of(pod):
                    return current
                current = found
        return current

    def _status(
        self, pod: ApiObject, seen: Observed, step: Plan, memory: PodMemory
    ) -> dict[str, object]:
        def message(state: ContainerState) -> str:
            if state.id not in memory.messages:
                directory = self.stopper.volumes.directory(uid_of(pod))
                memory.messages[state.id] = termination_message(pod, state, directory)
            return memory.messages[state.id]

        place = self.node.of_pod(memory.address)
        return Report(pod, seen, step, place, message, self.now()).status()

    def _tell_crashes(self, pod: ApiObject, step: Plan, memory: PodMemory) -> None:
        for name, waiting in step.waiting.items():
            if (name, waiting.message) not in memory.told:
                memory.told.add((name, waiting.message))
                text = f"Back-off restarting failed container {name} in pod {pod_label(pod)}"
                self.events.warning(pod, "BackOff", text, field_path=field_path(pod, name))

    # ending

    def _finish(self, turn: _Turn, seen: Observed, step: Plan) -> None:
        """Clear the pod away once its last status is stored; delete the object if it is to go."""
        pod, states = turn.pod, turn.states
        if not states and not is_deleting(pod):
            return
        pod = self._report(pod, seen, step, turn.memory)
        self.stopper.clear(uid_of(pod), states, files=is_deleting(pod))
        if not is_deleting(pod):
            return
        if not grace_s(pod) and meta(pod).get("finalizers"):
            return  # others hold it; nothing of it is left here
        options = DeleteOptions(grace_period_s=0, uid=uid_of(pod))
        try:
            self.client.delete("pods", name_of(pod), namespace_of(pod), options=options)
        except (NotFoundError, ConflictError):
            return  # gone, or another pod of this name has come

    def _discard(self, key: ObjectKey) -> None:
        """Clear away what is left of a pod whose object is gone.

        A key without a name comes from the sweep, which has seen something.
        """
        if key.name and self.memories.was_cleared(key.uid):
            return
        self.stopper.clear(key.uid, self.runtime.containers({labels.POD_UID: key.uid}), files=True)
