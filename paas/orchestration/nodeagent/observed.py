"""What the node agent sees of one pod, sorted for `plan`. Pure data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from paas.orchestration.nodeagent.labels import attempt_of, container_name
from paas.runtime.base import ContainerState


@dataclass(frozen=True, slots=True)
class Health:
    """What probes say of a running container. `failed` is liveness or startup, or empty."""

    ready: bool = True
    started: bool = True
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container is not there yet: upstream's reason and message."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A start that failed and may be tried again at `until` (None: when something else happens)."""

    waiting: Waiting
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """One pod's sandbox and containers, and what this process remembers of them.

    `current` and `previous` are the newest and second newest container of each name; `surplus`
    are ids nothing needs. `start_errors` are container id → the engine's words. `killing` are ids
    already being ended. `busy` are names whose image pull or postStart hook is under way.
    """

    sandbox: ContainerState | None = None
    address: str = ""
    current: Mapping[str, ContainerState] = field(default_factory=dict)
    previous: Mapping[str, ContainerState] = field(default_factory=dict)
    surplus: tuple[str, ...] = ()
    start_errors: Mapping[str, str] = field(default_factory=dict)
    killing: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    blocked: Mapping[str, Blocked] = field(default_factory=dict)
    health: Mapping[str, Health] = field(default_factory=dict)
    drained: bool = True

    def is_running(self, name: str) -> bool:
        """Say whether the newest container of this name runs."""
        state = self.current.get(name)
        return state is not None and state.status == "running"

    def has_ended(self, name: str) -> bool:
        """Say whether the newest container of this name ended, or could not be started."""
        state = self.current.get(name)
        return state is not None and (
            state.status in {"exited", "unknown"} or state.id in self.start_errors
        )

    def exit_code(self, name: str) -> int:
        """Return how it ended: 128 if it could not start, 137 if nobody knows."""
        state = self.current[name]
        if state.id in self.start_errors:
            return 128
        return 137 if state.status == "unknown" else state.exit_code

    @property
    def running(self) -> list[ContainerState]:
        """Return the containers that run."""
        return [one for one in self.current.values() if one.status == "running"]


@dataclass(frozen=True, slots=True)
class Sorted:
    """The containers of one pod uid: see `Observed`."""

    sandbox: ContainerState | None
    current: dict[str, ContainerState]
    previous: dict[str, ContainerState]
    surplus: tuple[str, ...]


def sort_states(states: Iterable[ContainerState]) -> Sorted:
    """Sort the states of one pod: newest attempts first, the running one of equals first."""
    sandboxes: list[ContainerState] = []
    named: dict[str, list[ContainerState]] = {}
    for state in states:
        if state.is_sandbox:
            sandboxes.append(state)
        else:
            named.setdefault(container_name(state), []).append(state)
    sandboxes.sort(key=_rank, reverse=True)
    surplus = [one.id for one in sandboxes[1:]]
    current: dict[str, ContainerState] = {}
    previous: dict[str, ContainerState] = {}
    for name, group in named.items():
        group.sort(key=_rank, reverse=True)
        current[name] = group[0]
        older = [one for one in group[1:] if attempt_of(one) < attempt_of(group[0])]
        if older and older[0].status != "running":
            previous[name] = older[0]
        kept = {group[0].id, *(one.id for one in older[:1] if one.status != "running")}
        surplus += [one.id for one in group if one.id not in kept]
    return Sorted(sandboxes[0] if sandboxes else None, current, previous, tuple(surplus))


def _rank(state: ContainerState) -> tuple[int, bool, float]:
    created = state.created_at.timestamp() if state.created_at else 0.0
    return attempt_of(state), state.status == "running", created
