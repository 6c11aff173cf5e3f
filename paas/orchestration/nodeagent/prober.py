"""Runs the probes of every container: one thread that knows what is due, a pool that checks.

Results live as long as the process; a container adopted from an earlier one keeps its stored
readiness until its first result.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from paas.apimachinery.engine.events import EventRecorder
from paas.core.objects import ApiObject, namespace_of, uid_of
from paas.orchestration.nodeagent.checks import Outcome, check
from paas.orchestration.nodeagent.fairpool import FairPool
from paas.orchestration.nodeagent.observed import Health
from paas.orchestration.nodeagent.podspec import (
    Container,
    all_containers_of,
    field_path,
    is_init,
    is_sidecar,
    status_of,
)
from paas.orchestration.nodeagent.probes import (
    KINDS,
    LIVENESS,
    READINESS,
    STARTUP,
    TITLES,
    Verdict,
    after,
    eager_delay_s,
    first_delay_s,
    period_s,
)
from paas.runtime.base import ContainerState, Runtime

log = structlog.get_logger(__name__)

Checker = Callable[..., Outcome]
_THREADS, _SHARE = 128, 8


@dataclass(slots=True)
class _Probe:
    """One probe of one run of a container."""

    kind: str
    spec: Mapping[str, Any]
    verdict: Verdict = field(default_factory=Verdict)
    eager: int = 0
    due: float = 0.0
    busy: bool = False


@dataclass(slots=True)
class _Watched:
    """One run of a container with its probes."""

    pod: ApiObject
    container: Container
    container_id: str
    address: str
    began: float
    wake: Callable[[], None]
    probes: dict[str, _Probe] = field(default_factory=dict)

    def is_started(self) -> bool:
        """Say whether the startup probe, if any, has succeeded."""
        probe = self.probes.get(STARTUP)
        return probe is None or probe.verdict.ok is True

    def is_wanted(self, probe: _Probe) -> bool:
        """Say whether a probe has anything left to find out."""
        if probe.kind == STARTUP:
            return probe.verdict.ok is None
        if probe.kind == LIVENESS and probe.verdict.ok is False:
            return False  # on hold until the container is another
        return self.is_started()


class Prober:
    """Watches running containers. `clock` counts seconds and never goes back."""

    def __init__(
        self,
        runtime: Runtime,
        events: EventRecorder,
        *,
        clock: Callable[[], float] = time.monotonic,
        checker: Checker = check,
    ) -> None:
        self._runtime = runtime
        self._events = events
        self._clock = clock
        self._check = checker
        self._changed = threading.Condition()
        self._watched: dict[str, _Watched] = {}
        self._heap: list[tuple[float, int, str, str]] = []
        self._order = itertools.count()
        self._stopped = False
        self._pool = FairPool(threads=_THREADS, share=_SHARE, name="probe")
        self._thread: threading.Thread | None = None

    # what the pod's worker asks

    def track(
        self,
        pod: ApiObject,
        running: Mapping[str, ContainerState],
        *,
        address: str,
        now: datetime,
        wake: Callable[[], None],
    ) -> None:
        """Probe exactly the pod's running containers (by name) from now on."""
        wanted = {state.id for state in running.values()}
        with self._changed:
            for container_id, watched in list(self._watched.items()):
                if uid_of(watched.pod) == uid_of(pod) and container_id not in wanted:
                    del self._watched[container_id]
            for name, state in running.items():
                if state.id in self._watched:
                    self._watched[state.id].pod = pod
                    self._watched[state.id].address = address
                else:
                    running_s = _running_s(state, now)
                    watched = _watch(pod, name, state, address=address, wake=wake)
                    self._begin(watched, running_s)

    def forget(self, pod_uid: str) -> None:
        """Stop probing a pod's containers."""
        with self._changed:
            gone = [key for key, one in self._watched.items() if uid_of(one.pod) == pod_uid]
            for container_id in gone:
                del self._watched[container_id]

    def health(self, running: Mapping[str, ContainerState]) -> dict[str, Health]:
        """Return what is known of running containers; those without probes are well."""
        with self._changed:
            found = {name: self._watched.get(state.id) for name, state in running.items()}
            return {name: _health(one) if one else Health() for name, one in found.items()}

    # running

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; checks that run end by their time-outs."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(5)
        self._pool.stop()

    @property
    def alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def _begin(self, watched: _Watched, running_s: float) -> None:
        name = watched.container["name"]
        if is_init(watched.pod, name) and not is_sidecar(watched.container):
            return
        watched.began = self._clock() - running_s
        for kind, field_name in KINDS.items():
            if spec := watched.container.get(field_name):
                watched.probes[kind] = _Probe(kind, spec)
        if not watched.probes:
            return
        _adopt(watched)
        self._watched[watched.container_id] = watched
        for probe in watched.probes.values():
            self._schedule(watched, probe, first_delay_s(probe.spec, running_s=running_s))

    def _schedule(self, watched: _Watched, probe: _Probe, delay_s: float) -> None:
        probe.due = self._clock() + delay_s
        entry = (probe.due, next(self._order), watched.container_id, probe.kind)
        heapq.heappush(self._heap, entry)
        self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                if not self._heap or self._heap[0][0] > self._clock():
                    wait_s = self._heap[0][0] - self._clock() if self._heap else None
                    self._changed.wait(wait_s)
                    continue
                due, _, container_id, kind = heapq.heappop(self._heap)
                watched = self._watched.get(container_id)
                probe = watched.probes.get(kind) if watched else None
                if watched is None or probe is None or probe.due != due:
                    continue
                if watched.is_wanted(probe) and not probe.busy:
                    probe.busy = True
                    work = partial(self._probe, watched, probe)
                    self._pool.submit(namespace_of(watched.pod), work)

    def _probe(self, watched: _Watched, probe: _Probe) -> None:
        try:
            outcome = self._check(
                self._runtime,
                watched.container,
                probe.spec,
                container_id=watched.container_id,
                address=watched.address,
            )
        except Exception as error:  # a probe's thread must give its turn back
            log.exception("probe_failed", container=watched.container["name"])
            outcome = Outcome(ok=False, output=str(error))
        if self._record(watched, probe, outcome):
            watched.wake()

    def _record(self, watched: _Watched, probe: _Probe, outcome: Outcome) -> bool:
        """Take a result in, plan the next check; return whether the pod must be looked at."""
        with self._changed:
            probe.busy = False
            if self._watched.get(watched.container_id) is not watched:
                return False
            before = probe.verdict
            extra_s = _extra_delay_s(probe, outcome)
            if extra_s is None:
                probe.verdict = after(before, success=outcome.ok, probe=probe.spec)
            else:
                probe.eager += 1
            changed = probe.verdict.ok is not before.ok
            if watched.is_wanted(probe):
                self._schedule(watched, probe, period_s(probe.spec) if extra_s is None else extra_s)
            if probe.kind == STARTUP and probe.verdict.ok:
                self._start_others(watched)
        if not outcome.ok and extra_s is None:
            text = f"{TITLES[probe.kind]} probe failed: {outcome.output}"
            name = watched.container["name"]
            path = field_path(watched.pod, name)
            self._events.warning(watched.pod, "Unhealthy", text, field_path=path)
        return changed

    def _start_others(self, watched: _Watched) -> None:
        running_s = self._clock() - watched.began
        for probe in watched.probes.values():
            if probe.kind != STARTUP:
                self._schedule(watched, probe, first_delay_s(probe.spec, running_s=running_s))


def _watch(
    pod: ApiObject, name: str, state: ContainerState, *, address: str, wake: Callable[[], None]
) -> _Watched:
    container = next(one for one in all_containers_of(pod) if one["name"] == name)
    return _Watched(pod, container, state.id, address, 0.0, wake)


def _running_s(state: ContainerState, now: datetime) -> float:
    return (now - state.started_at).total_seconds() if state.started_at else 0.0


def _extra_delay_s(probe: _Probe, outcome: Outcome) -> float | None:
    """Return when to look again out of turn: while nothing has succeeded yet, not for liveness."""
    if outcome.ok or probe.kind == LIVENESS or probe.verdict.ok is not None:
        return None
    return eager_delay_s(probe.spec, probe.eager)


def _health(watched: _Watched) -> Health:
    started = watched.is_started()
    readiness = watched.probes.get(READINESS)
    failed = ""
    for kind in (STARTUP, LIVENESS):
        probe = watched.probes.get(kind)
        if probe is not None and probe.verdict.ok is False:
            failed = kind
    ready = started and (readiness is None or readiness.verdict.ok is True)
    return Health(ready=ready, started=started, failed=failed)


def _adopt(watched: _Watched) -> None:
    """Take over what an earlier process stored of this very run: nobody healthy is disturbed."""
    stored = status_of(watched.pod, watched.container["name"])
    if stored.get("containerID") != f"podman://{watched.container_id}":
        return
    for kind, known in ((STARTUP, stored.get("started")), (READINESS, stored.get("ready"))):
        probe = watched.probes.get(kind)
        if probe is not None and known:
            probe.verdict = replace(probe.verdict, ok=True)
