"""What containers, pods and the node use: the node agent samples it, others read it. Plain values.

Source: metrics.k8s.io/v1beta1; the kubelet's /metrics/resource.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from paas.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Usage:
    """One window: CPU as a mean over `window_s` that ends `at`, memory (the working set) then."""

    at: datetime
    window_s: float
    cpu_nanocores: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class PodUsage:
    """The running containers of a pod by name, each with its windows, the newest last."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    containers: Mapping[str, Sequence[Usage]]


class UsageSource(Protocol):
    """Knows what is used: the node agent, in its own process."""

    def pods(self, namespace: str, *, history: bool = False) -> Sequence[PodUsage]:
        """Return the pods of a namespace, or of all for "", of which every container has a window.

        With `history` each has all the windows that are kept, else the newest alone.
        """

    def node(self) -> tuple[str, Usage] | None:
        """Return the node's name and its newest window; None before there is one."""


class _Nobody:
    """Where there is no node agent."""

    def pods(self, namespace: str, *, history: bool = False) -> Sequence[PodUsage]:  # noqa: ARG002 -- a UsageSource
        return ()

    def node(self) -> tuple[str, Usage] | None:
        return None


NOTHING_KNOWN: UsageSource = _Nobody()


class UsageReader(Protocol):
    """Asks the node agent from another process, for somebody whom the door has let through.

    Answers as `UsageSource`. Raises ServiceUnavailableError while the agent does not.
    """

    def pod_usage(
        self, actor: Actor, namespace: str, *, history: bool = False
    ) -> Sequence[PodUsage]:
        """Return what the pods of a namespace use, or of all."""

    def node_usage(self, actor: Actor) -> tuple[str, Usage] | None:
        """Return what the node uses."""
