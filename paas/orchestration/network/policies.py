"""What a NetworkPolicy says, read once: whom it selects, and whom its rules name.

Source: networking.k8s.io/v1; Kubernetes, "Network Policies".
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, collapse_addresses

from paas.core.cidrs import network_of
from paas.core.objects import ApiObject, namespace_of
from paas.core.selectors import EVERYTHING, LabelSelector, selector_from_object
from paas.core.shape import Json, maps, number, submap, text, values

PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
PEERS, PEER_PORTS = "peer/", "peer-port/"
_DIGEST = 16


@dataclass(frozen=True, slots=True)
class PolicedPod:
    """A pod as rules see it. `ports` are name, protocol (`tcp`) and number of those it names."""

    address: str
    labels: Mapping[str, str]
    ports: frozenset[tuple[str, str, int]] = frozenset()


@dataclass(frozen=True)
class Peer:
    """Pods that a rule names: of its own project, or of those that `namespaces` selects.

    With `port` and `protocol` it is their ports of that name.
    """

    pods: LabelSelector
    home: str = ""
    namespaces: LabelSelector | None = None
    port: str = ""
    protocol: str = ""

    @cached_property
    def set_name(self) -> str:
        """Return the name of its set in the kernel: the same in every process."""
        spelled = "" if self.namespaces is None else _spelled(self.namespaces)
        what = repr((self.home, spelled, _spelled(self.pods), self.port, self.protocol))
        return f"{PEER_PORTS if self.port else PEERS}{digest(what)}"

    def __hash__(self) -> int:
        """Return the hash of the name, which is known already."""
        return hash(self.set_name)

    def names(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Say whether it names pods of a namespace with these labels."""
        if self.namespaces is None:
            return namespace == self.home
        return self.namespaces.matches(labels)

    def elements(self, pods: Iterable[PolicedPod]) -> frozenset[str]:
        """Return what its set holds of these pods of a namespace that it names."""
        chosen = [pod for pod in pods if self.pods.matches(pod.labels)]
        if not self.port:
            return frozenset(pod.address for pod in chosen)
        return frozenset(
            f"{pod.address} . {protocol} . {port}"
            for pod in chosen
            for name, protocol, port in pod.ports
            if (name, protocol) == (self.port, self.protocol)
        )


@dataclass(frozen=True, slots=True)
class Block:
    """Addresses by network; none where all are of IPv6, of which no pod has an address."""

    networks: tuple[IPv4Network, ...]
    excepted: tuple[IPv4Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """Ports of one protocol: all (`first` is None), one, a range, or those of a name."""

    protocol: str
    first: int | str | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule allows; None is all."""

    ports: tuple[Port, ...] | None
    peers: tuple[Peer | Block, ...] | None


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy; None where it does not isolate in that direction."""

    pods: LabelSelector
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None


def policy_of(obj: ApiObject) -> Policy:
    """Read a NetworkPolicy that the door has validated and filled in."""
    spec, home = submap(obj, "spec"), namespace_of(obj)
    types = values(spec, "policyTypes")

    def rules(kind: str, field: str, peers: str) -> tuple[Rule, ...] | None:
        if kind not in types:
            return None
        return tuple(_rule(rule, peers, home) for rule in maps(spec, field))

    return Policy(
        selector_from_object(submap(spec, "podSelector")),
        rules("Ingress", "ingress", "from"),
        rules("Egress", "egress", "to"),
    )


def digest(what: str) -> str:
    """Return a short name for a content."""
    return hashlib.sha256(what.encode()).hexdigest()[:_DIGEST]


def _rule(rule: Json, field: str, home: str) -> Rule:
    ports = tuple(_port(port) for port in maps(rule, "ports"))
    peers = tuple(_peer(peer, home) for peer in maps(rule, field))
    return Rule(ports or None, _merged(peers) or None)


def _merged(peers: Sequence[Peer | Block]) -> tuple[Peer | Block, ...]:
    """Make one of all blocks without exceptions: there may be thousands."""
    plain = [one for one in peers if isinstance(one, Block) and not one.excepted]
    rest = tuple(one for one in peers if isinstance(one, Peer) or one.excepted)
    if not plain:
        return rest
    networks = collapse_addresses([network for one in plain for network in one.networks])
    return (*rest, Block(tuple(networks)))


def _port(port: Json) -> Port:
    return Port(
        PROTOCOLS[text(port, "protocol") or "TCP"], port.get("port"), number(port, "endPort")
    )


def _peer(peer: Json, home: str) -> Peer | Block:
    if peer.get("ipBlock") is not None:
        return _block(submap(peer, "ipBlock"))
    chosen = peer.get("podSelector")
    pods = EVERYTHING if chosen is None else selector_from_object(chosen)
    if peer.get("namespaceSelector") is None:
        return Peer(pods, home=home)
    return Peer(pods, namespaces=selector_from_object(peer["namespaceSelector"]))


def _block(block: Json) -> Block:
    network = network_of(text(block, "cidr"))
    if not isinstance(network, IPv4Network):
        return Block(())
    inner = [network_of(str(one)) for one in values(block, "except")]
    excepted = collapse_addresses([one for one in inner if isinstance(one, IPv4Network)])
    return Block((network,), tuple(excepted))


def _spelled(selector: LabelSelector) -> str:
    needs = sorted((need.key, need.operator, sorted(need.values)) for need in selector.requirements)
    return repr((selector.nothing, needs))
