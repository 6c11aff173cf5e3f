"""Where the agent works: its node, its seams, and what a namespace says of its pods."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network

from paas.apimachinery.engine.informer import Informer
from paas.core.errors import RetryLaterError
from paas.core.objects import ApiObject, annotations_of, dig, is_deleting, namespace_of
from paas.orchestration.nodeagent.downward import Place
from paas.orchestration.nodeagent.hostfiles import DnsConfig
from paas.orchestration.nodeagent.memory import PodMemory
from paas.orchestration.nodeagent.podspec import grace_s
from paas.orchestration.nodeagent.ports import TrafficDrained
from paas.runtime.base import UserMap

UID_RANGE = "openshift.io/sa.scc.uid-range"
MCS = "openshift.io/sa.scc.mcs"
SUBNET = "minato.io/pod-subnet"
DRAIN_MAX_S = 5.0
DRAIN_MIN_S = 0.5
_NOT_YET_S = 0.5


@dataclass(frozen=True, slots=True)
class NodePlace:
    """The node as its pods see it."""

    instance: str
    node_name: str
    host_ip: str
    dns: DnsConfig
    cpu: str
    memory_bytes: int

    def of_pod(self, address: str) -> Place:
        """Return what the downward API may say of a pod at this address."""
        offered = {"cpu": self.cpu, "memory": str(self.memory_bytes)}
        return Place(pod_ip=address, host_ip=self.host_ip, allocatable=offered)


@dataclass(frozen=True, slots=True)
class NamespaceFacts:
    """What a project's annotations give its pods."""

    user_map: UserMap
    subnet: IPv4Network
    selinux_level: str = ""


def namespace_facts(namespaces: Informer, pod: ApiObject) -> NamespaceFacts:
    """Return the facts. Raises RetryLaterError until the namespace's controller has set them."""
    name = namespace_of(pod)
    found = namespaces.get("", name)
    notes = annotations_of(found) if found else {}
    base, _, size = notes.get(UID_RANGE, "").partition("/")
    if not base or SUBNET not in notes:
        raise RetryLaterError(f"namespace {name} has no user ids or subnet yet", delay_s=_NOT_YET_S)
    user_map = UserMap(int(base), int(size or UserMap(0).size))
    return NamespaceFacts(user_map, IPv4Network(notes[SUBNET]), notes.get(MCS, ""))


@dataclass(frozen=True, slots=True)
class Drain:
    """Decides when a terminating pod may lose its containers.

    Without `drained` it waits `minimum_s`, which is longer than load balancers need to follow.
    Pods that are not Ready wait as well: a Service may publish them, or a request be under way.
    """

    drained: TrafficDrained | None = None
    minimum_s: float = DRAIN_MIN_S
    maximum_s: float = DRAIN_MAX_S

    def is_over(self, pod: ApiObject, memory: PodMemory, now: datetime) -> bool:
        """Say whether traffic has gone, or cannot be waited for any longer."""
        if not is_deleting(pod) or not grace_s(pod) or not dig(pod, "status", "podIPs"):
            return True
        memory.draining_since = memory.draining_since or now
        waited_s = (now - memory.draining_since).total_seconds()
        if waited_s >= self.maximum_s:
            return True
        return self.drained(pod) if self.drained else waited_s >= self.minimum_s


Wake = Callable[[], None]
