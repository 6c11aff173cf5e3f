"""What pods use, as the test says: in place of the node agent's samples and of its socket."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from paas.core.actors import Actor
from paas.core.usage import PodUsage, Usage

AT = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


def window(millicores: float = 0, mebibytes: float = 0, at: datetime = AT) -> Usage:
    """Return fifteen seconds of usage."""
    return Usage(at, 15.0, round(millicores * 1_000_000), round(mebibytes * (1 << 20)))


@dataclass
class FakeUsage:
    """Implements UsageSource and UsageReader; `asked` are the actors that were let through."""

    found: list[PodUsage] = field(default_factory=list)
    of_node: tuple[str, Usage] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def pod(
        self, name: str, *windows: Usage, namespace: str = "p", **containers: Usage
    ) -> PodUsage:
        """Let a pod use this: `windows` of a container that bears its name, or by container."""
        usage = {name: windows} if windows else {one: [it] for one, it in containers.items()}
        made = PodUsage(namespace, name, {"app": name}, usage)
        self.found = [one for one in self.found if (one.namespace, one.name) != (namespace, name)]
        self.found.append(made)
        return made

    def pods(self, namespace: str, *, history: bool = False) -> Sequence[PodUsage]:
        chosen = [one for one in self.found if namespace in {"", one.namespace}]
        return chosen if history else [_newest(one) for one in chosen]

    def node(self) -> tuple[str, Usage] | None:
        return self.of_node

    def pod_usage(
        self, actor: Actor, namespace: str, *, history: bool = False
    ) -> Sequence[PodUsage]:
        self.asked.append((actor.name, namespace))
        return self.pods(namespace, history=history)

    def node_usage(self, actor: Actor) -> tuple[str, Usage] | None:
        self.asked.append((actor.name, ""))
        return self.of_node


def _newest(usage: PodUsage) -> PodUsage:
    return replace(usage, containers={name: it[-1:] for name, it in usage.containers.items()})
