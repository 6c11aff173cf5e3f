"""Decides the next step for one pod, from its spec and what is seen. Touches nothing.

Source: the kubelet's computePodActions and sidecar (KEP-753) rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from paas.core.objects import ApiObject, dig, is_deleting, parse_timestamp
from paas.orchestration.nodeagent.backoff import restart_due
from paas.orchestration.nodeagent.labels import SPEC_HASH, attempt_of
from paas.orchestration.nodeagent.observed import Observed, Waiting
from paas.orchestration.nodeagent.podspec import (
    Container,
    all_containers_of,
    containers_of,
    grace_s,
    init_containers_of,
    is_sidecar,
    is_terminal,
    pod_label,
    restart_policy,
    spec_hash,
    status_of,
)
from paas.orchestration.nodeagent.probes import KINDS

DRAIN_LOOK_S = 0.1
DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


@dataclass(frozen=True, slots=True)
class Start:
    """Create and start a container: its restart count, and the delay that was kept."""

    name: str
    attempt: int = 0
    backoff_s: int = 0


@dataclass(frozen=True, slots=True)
class Kill:
    """End a container within `grace_s`; `message` is what the Killing event says."""

    container_id: str
    name: str
    message: str
    grace_s: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now. `remove` are ids to take away before `start`.

    `sandbox` is "", "start" or "remove" (with everything in it). `failed` ends the pod as a
    whole. `finish` says that nothing runs and the rest may go. `waiting` is what status says of
    containers that are held back. `requeue_after_s` None waits for an event.
    """

    sandbox: str = ""
    remove: tuple[str, ...] = ()
    kill: tuple[Kill, ...] = ()
    start: tuple[Start, ...] = ()
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    failed: Waiting | None = None
    finish: bool = False
    requeue_after_s: float | None = None


def plan(pod: ApiObject, seen: Observed, now: datetime) -> Plan:
    """Return the next step for this pod."""
    if is_deleting(pod) or is_terminal(pod):
        return _plan_end(pod, seen)
    deadline = _deadline(pod)
    if deadline is not None and now >= deadline:
        return Plan(failed=Waiting("DeadlineExceeded", DEADLINE_MESSAGE))
    draft = _Draft(pod, seen, now)
    if deadline is not None:
        draft.look_at(deadline)
    if is_over(pod, seen):
        _stop_sidecars(draft)
    elif seen.sandbox is None or seen.sandbox.status != "running":
        return _plan_sandbox(seen)
    else:
        _plan_containers(draft)
    return draft.plan()


def is_over(pod: ApiObject, seen: Observed) -> bool:
    """Say whether no container of the pod will run again, by its restart policy."""
    if restart_policy(pod) == "Always":
        return False
    for init in init_containers_of(pod):
        if not is_sidecar(init) and _failed_for_good(pod, seen, init):
            return True
    return all(_ended_for_good(pod, seen, one) for one in containers_of(pod))


def next_attempt(pod: ApiObject, seen: Observed, name: str) -> int:
    """Return the restart count of the next start: from its container, else from the status."""
    if (state := seen.current.get(name)) is not None:
        return attempt_of(state) + 1
    stored = status_of(pod, name)
    ran = stored.get("containerID") or stored.get("lastState")
    return int(stored.get("restartCount", 0)) + (1 if ran else 0)


class _Draft:
    """Collects a plan while the rules walk over the containers in order."""

    def __init__(self, pod: ApiObject, seen: Observed, now: datetime) -> None:
        self.pod, self.seen, self.now = pod, seen, now
        self.remove: list[str] = []
        self.kills: list[Kill] = []
        self.starts: list[Start] = []
        self.waiting: dict[str, Waiting] = {}
        self.look: datetime | None = None

    def look_at(self, moment: datetime) -> None:
        """Ask to be called again at `moment`, or sooner."""
        self.look = min(self.look or moment, moment)

    def kill(self, name: str, message: str, *, within_s: int | None = None) -> None:
        """End a running container, unless that is under way."""
        state = self.seen.current[name]
        if state.id not in self.seen.killing:
            patience_s = grace_s(self.pod) if within_s is None else within_s
            self.kills.append(Kill(state.id, name, message, patience_s))

    def start(self, container: Container, *, backoff_s: int = 0, anew: bool = False) -> None:
        """Start a container, unless an earlier failure says to wait. `anew` repeats an attempt."""
        name = container["name"]
        if name in self.seen.busy:
            return
        blocked = self.seen.blocked.get(name)
        if blocked is not None and (blocked.until is None or blocked.until > self.now):
            if blocked.until is not None:
                self.look_at(blocked.until)
            return
        attempt = next_attempt(self.pod, self.seen, name)
        self.starts.append(Start(name, attempt - 1 if anew else attempt, backoff_s))

    def restart(self, container: Container) -> None:
        """Start an ended container again once its delay is over."""
        name = container["name"]
        state = self.seen.current[name]
        if _is_changed(self.seen, container):
            self.start(container)
            return
        delay_s, due = restart_due(state, self.now)
        if due > self.now:
            self.look_at(due)
            self.waiting[name] = Waiting(
                "CrashLoopBackOff",
                f"back-off {_duration(delay_s)} restarting failed container={name} "
                f"pod={pod_label(self.pod)}",
            )
            return
        if state.status == "unknown":
            self.remove.append(state.id)
        self.start(container, backoff_s=delay_s)

    def plan(self) -> Plan:
        """Return what was collected."""
        wait_s = max(0.0, (self.look - self.now).total_seconds()) if self.look else None
        return Plan(
            remove=tuple(self.remove),
            kill=tuple(self.kills),
            start=tuple(self.starts),
            waiting=self.waiting,
            requeue_after_s=wait_s,
        )


def _plan_end(pod: ApiObject, seen: Observed) -> Plan:
    if not seen.running:
        return Plan(finish=True)
    if not seen.drained:
        return Plan(requeue_after_s=DRAIN_LOOK_S)
    sidecars = [one["name"] for one in init_containers_of(pod) if is_sidecar(one)]
    others = [name for name in seen.current if name not in sidecars and seen.is_running(name)]
    last = next((name for name in reversed(sidecars) if seen.is_running(name)), None)
    names = others or ([last] if last else [])
    kills = [
        Kill(seen.current[name].id, name, f"Stopping container {name}", grace_s(pod))
        for name in names
        if seen.current[name].id not in seen.killing
    ]
    return Plan(kill=tuple(kills))


def _plan_sandbox(seen: Observed) -> Plan:
    if seen.sandbox is None and not seen.current:
        return Plan(sandbox="start")
    return Plan(sandbox="remove")


def _plan_containers(draft: _Draft) -> None:
    seen = draft.seen
    begun = any(one["name"] in seen.current for one in containers_of(draft.pod))
    if not _plan_init(draft, begun=begun):
        return
    for container in containers_of(draft.pod):
        _plan_one(draft, container)
        if container["name"] in seen.busy and seen.is_running(container["name"]):
            return  # its postStart hook is under way: upstream starts the next one after it


def _plan_init(draft: _Draft, *, begun: bool) -> bool:
    """Plan the init containers; return whether the others may start."""
    for init in init_containers_of(draft.pod):
        name = init["name"]
        if is_sidecar(init):
            _plan_one(draft, init)
            health = draft.seen.health.get(name)
            ready = draft.seen.is_running(name) and (health is None or health.started)
            if not begun and not ready:
                return False
        elif not begun and not _init_is_complete(draft.seen, name):
            _plan_one(draft, init)
            return False
    return True


def _plan_one(draft: _Draft, container: Container) -> None:
    name = container["name"]
    state = draft.seen.current.get(name)
    if state is None:
        draft.start(container)
    elif state.status == "running":
        _check_running(draft, container)
    elif draft.seen.has_ended(name):
        if not _ended_for_good(draft.pod, draft.seen, container):
            draft.restart(container)
    else:  # created by a process that died before it could start it
        draft.remove.append(state.id)
        draft.start(container, anew=True)


def _check_running(draft: _Draft, container: Container) -> None:
    name = container["name"]
    health = draft.seen.health.get(name)
    if _is_changed(draft.seen, container):
        draft.kill(name, f"Container {name} definition changed, will be restarted")
    elif health is not None and health.failed:
        ends = restart_policy(draft.pod) == "Never" and not is_sidecar(container)
        then = "" if ends else ", will be restarted"
        own_s = container[KINDS[health.failed]].get("terminationGracePeriodSeconds")
        message = f"Container {name} failed {health.failed} probe{then}"
        draft.kill(name, message, within_s=own_s)


def _stop_sidecars(draft: _Draft) -> None:
    for container in reversed(all_containers_of(draft.pod)):
        if draft.seen.is_running(container["name"]):
            draft.kill(container["name"], f"Stopping container {container['name']}")
            return


def _init_is_complete(seen: Observed, name: str) -> bool:
    return seen.has_ended(name) and seen.exit_code(name) == 0


def _failed_for_good(pod: ApiObject, seen: Observed, init: Container) -> bool:
    name = init["name"]
    return restart_policy(pod) == "Never" and seen.has_ended(name) and seen.exit_code(name) != 0


def _ended_for_good(pod: ApiObject, seen: Observed, container: Container) -> bool:
    name = container["name"]
    if not seen.has_ended(name) or is_sidecar(container):
        return False
    policy = restart_policy(pod)
    if container in init_containers_of(pod):
        return policy == "Never" or seen.exit_code(name) == 0
    if policy == "Always" or _is_changed(seen, container):
        return False
    return policy == "Never" or seen.exit_code(name) == 0


def _is_changed(seen: Observed, container: Container) -> bool:
    state = seen.current.get(container["name"])
    noted = state.labels.get(SPEC_HASH) if state else None
    return noted is not None and noted != spec_hash(container)


def _deadline(pod: ApiObject) -> datetime | None:
    limit_s = pod["spec"].get("activeDeadlineSeconds")
    started = dig(pod, "status", "startTime")
    if limit_s is None or not started:
        return None
    return parse_timestamp(started) + timedelta(seconds=int(limit_s))


def _duration(seconds: int) -> str:
    """Return a delay as Go prints it: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
