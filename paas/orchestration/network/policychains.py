"""What policies mean to the kernel: pure functions from policies and pods to chains of our table.

A pod that some policy selects has an entry in the map `policy-in` or `policy-out`, which leads to
a chain; pods for which the same holds share it. A chain returns what it allows to the rules of
projects, and refuses the rest. What comes from pods that a namespaceSelector names it accepts: only
that opens a project to another. Pods are named by sets, one for each selection, so that a pod that
comes or goes changes elements and no rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from paas.core.names import label_errors
from paas.core.selectors import EVERYTHING
from paas.orchestration.network.elements import Change, ElementChange, Removal
from paas.orchestration.network.policies import (
    PEER_PORTS,
    Block,
    Peer,
    PolicedPod,
    Policy,
    Port,
    Rule,
    digest,
)
from paas.orchestration.network.rules import DNS_PORT, POLICY_IN, POLICY_OUT

_ALL_PORTS = (0, 65535)
_REFUSE = "goto refuse"


@dataclass(frozen=True, slots=True)
class DnsPods:
    """Pods that manifests name where they mean the cluster's DNS; here it is on the node."""

    namespace: Mapping[str, str]
    labels: Mapping[str, str]
    port: int
    names: Mapping[str, str]


_NAMESPACE_NAME = "kubernetes.io/metadata.name"
DNS_PODS = (
    DnsPods(
        {_NAMESPACE_NAME: "kube-system"},
        {"k8s-app": "kube-dns"},
        DNS_PORT,
        {"udp": "dns", "tcp": "dns-tcp"},
    ),
    DnsPods(
        {_NAMESPACE_NAME: "openshift-dns"},
        {"dns.operator.openshift.io/daemonset-dns": "default"},
        5353,
        {"udp": "dns", "tcp": "dns-tcp"},
    ),
)

Entry = tuple[str, str]
"""The map, and the pod's address in it."""


@dataclass(frozen=True, slots=True)
class Policing:
    """A part of the table, or all of it. Chains read from the kernel come without their rules."""

    entries: Mapping[Entry, str] = field(default_factory=dict)
    chains: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sets: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamespacePolicing:
    """What the policies of one namespace ask for."""

    entries: Mapping[Entry, str] = field(default_factory=dict)
    chains: Mapping[str, Sequence[str]] = field(default_factory=dict)
    peers: frozenset[Peer] = frozenset()


def namespace_policing(
    namespace: str, policies: Sequence[Policy], pods: Iterable[PolicedPod], *, node: IPv4Address
) -> NamespacePolicing:
    """Return what holds for a namespace's pods. `node` is where DNS answers."""
    entries: dict[Entry, str] = {}
    chains: dict[str, Sequence[str]] = {}
    peers: set[Peer] = set()
    known: dict[object, list[_Chain]] = {}  # a policy may have thousands of rules
    if label_errors(namespace):
        return NamespacePolicing()
    for pod in pods:
        chosen = [place for place, one in enumerate(policies) if one.pods.matches(pod.labels)]
        like = (tuple(chosen), pod.ports)
        if like not in known:
            known[like] = list(_chains(namespace, [policies[one] for one in chosen], pod, node))
        for chain in known[like]:
            entries[chain.map, pod.address] = chain.name
            chains[chain.name] = chain.rules
            peers |= chain.peers
    return NamespacePolicing(entries, chains, frozenset(peers))


@dataclass(frozen=True, slots=True)
class _Chain:
    map: str
    name: str
    rules: list[str]
    peers: set[Peer]


_Made = tuple[list[str], set[Peer]]


def _chains(
    namespace: str, chosen: Sequence[Policy], pod: PolicedPod, node: IPv4Address
) -> Iterable[_Chain]:
    for name, made in (
        (POLICY_IN, _ingress([one.ingress for one in chosen], pod)),
        (POLICY_OUT, _egress([one.egress for one in chosen], node)),
    ):
        if made is not None:
            rules, peers = made
            yield _Chain(name, f"{name}/{namespace}/{digest(repr(rules))}", rules, peers)


def _flat(found: Iterable[tuple[Rule, ...] | None]) -> list[Rule] | None:
    rules = [one for one in found if one is not None]
    return [rule for one in rules for rule in one] if rules else None


def _ingress(found: Iterable[tuple[Rule, ...] | None], pod: PolicedPod) -> _Made | None:
    rules = _flat(found)
    if rules is None:
        return None
    opening: list[str] = []
    keeping: list[str] = []
    peers: set[Peer] = set()
    for rule in rules:
        for ports in _port_matches(rule.ports, pod):
            for peer in rule.peers or (None,):
                match = _peer_match(peer, "saddr")
                if match is None:
                    continue
                if isinstance(peer, Peer):
                    peers.add(peer)
                opens = isinstance(peer, Peer) and peer.namespaces is not None
                (opening if opens else keeping).append(
                    _line(match, ports, "accept" if opens else "return")
                )
    return [*_unique(opening), *_unique(keeping), _REFUSE], peers


def _egress(found: Iterable[tuple[Rule, ...] | None], node: IPv4Address) -> _Made | None:
    rules = _flat(found)
    if rules is None:
        return None
    lines: list[str] = []
    peers: set[Peer] = set()
    for rule in rules:
        numbered = _port_matches(rule.ports, None)
        for peer in rule.peers or (None,):
            for named in _named_ports(rule.ports, peer):
                peers.add(named)
                lines.append(f"ip daddr . meta l4proto . th dport @{named.set_name} return")
            match = _peer_match(peer, "daddr")
            if match is None:
                continue
            lines += [_line(match, ports, "return") for ports in numbered]
            if isinstance(peer, Peer):
                lines += _dns_lines(rule.ports, peer, node)
                if numbered:
                    peers.add(peer)
    return [*_unique(lines), _REFUSE], peers


def _line(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _unique(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def _peer_match(peer: Peer | Block | None, side: str) -> str | None:
    """Return the match of a peer; empty for everybody, None for nobody."""
    if peer is None:
        return ""
    if isinstance(peer, Peer):
        return f"ip {side} @{peer.set_name}"
    if not peer.networks:
        return None
    everything = peer.networks[0].prefixlen == 0
    inside = "" if everything else f"ip {side} {_anonymous(peer.networks)}"
    return _line(inside, f"ip {side} != {_anonymous(peer.excepted)}" if peer.excepted else "")


def _anonymous(networks: Sequence[IPv4Network]) -> str:
    return f"{{ {', '.join(map(str, networks))} }}"


def _port_matches(ports: Sequence[Port] | None, pod: PolicedPod | None) -> list[str]:
    """Return a match for each protocol; one empty match for everything, none for nothing.

    Names are those of `pod`'s ports; without it they are left out.
    """
    if ports is None:
        return [""]
    ranges: dict[str, list[tuple[int, int]]] = {}
    for port in ports:
        ranges.setdefault(port.protocol, []).extend(_ranges(port, pod))
    return [
        f"meta l4proto {protocol}"
        if _ALL_PORTS in found
        else f"{protocol} dport {{ {', '.join(_merged(found))} }}"
        for protocol, found in sorted(ranges.items())
        if found
    ]


def _ranges(port: Port, pod: PolicedPod | None) -> list[tuple[int, int]]:
    if port.first is None:
        return [_ALL_PORTS]
    if isinstance(port.first, int):
        return [(port.first, port.last or port.first)]
    known = pod.ports if pod else ()
    return [
        (number, number)
        for name, protocol, number in known
        if (name, protocol) == (port.first, port.protocol)
    ]


def _merged(ranges: Iterable[tuple[int, int]]) -> Iterable[str]:
    whole: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if whole and first <= whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], max(last, whole[-1][1]))
        else:
            whole.append((first, last))
    return [f"{first}" if first == last else f"{first}-{last}" for first, last in whole]


def _named_ports(ports: Sequence[Port] | None, peer: Peer | Block | None) -> Iterable[Peer]:
    """Return the ports that egress allows by name: they are the peers'."""
    for port in ports or ():
        if not isinstance(port.first, str):
            continue
        if peer is None:
            yield Peer(EVERYTHING, "", EVERYTHING, port.first, port.protocol)
        elif isinstance(peer, Peer):
            yield Peer(peer.pods, peer.home, peer.namespaces, port.first, port.protocol)


def _dns_lines(ports: Sequence[Port] | None, peer: Peer, node: IPv4Address) -> Iterable[str]:
    for dns in DNS_PODS:
        if peer.namespaces is None or not peer.namespaces.matches(dns.namespace):
            continue
        if not peer.pods.matches(dns.labels):
            continue
        for protocol, name in sorted(dns.names.items()):
            if ports is None or any(_allows(port, protocol, dns.port, name) for port in ports):
                yield f"ip daddr {node} {protocol} dport {DNS_PORT} return"


def _allows(port: Port, protocol: str, number: int, name: str) -> bool:
    if port.protocol != protocol:
        return False
    if isinstance(port.first, int):
        return port.first <= number <= (port.last or port.first)
    return port.first in {None, name}


Step = str | Sequence[Change]
"""One transaction: nft's commands, or what netlink is told."""


def policy_transactions(table: str, before: Policing, after: Policing) -> list[Step]:
    """Return the transactions that turn one into the other; empty if it is so already.

    In the order of `services.transactions`, and for its reason: what is new comes in before a map
    leads to it, all maps and sets turn at once, and what is old goes when nothing leads to it.
    """
    come = [
        *_new_sets(table, before, after),
        *_new_chains(table, before, after),
    ]
    turn = _turns(before, after)
    go = [
        *(Removal("chain", name) for name in before.chains if name not in after.chains),
        *(Removal("set", name) for name in before.sets if name not in after.sets),
    ]
    steps: list[Step] = ["\n".join((*come, "")) if come else "", turn, go]
    return [step for step in steps if step]


def _new_sets(table: str, before: Policing, after: Policing) -> Iterable[str]:
    for name, elements in after.sets.items():
        if name in before.sets:
            continue
        kind = "ipv4_addr"
        if name.startswith(PEER_PORTS):
            kind = "ipv4_addr . inet_proto . inet_service"
        yield f"add set {table} {name} {{ type {kind}; }}"
        yield f"flush set {table} {name}"
        if elements:
            yield f"add element {table} {name} {{ {', '.join(sorted(elements))} }}"


def _new_chains(table: str, before: Policing, after: Policing) -> Iterable[str]:
    for name, rules in after.chains.items():
        if name in before.chains:
            continue
        yield f"add chain {table} {name}"
        yield f"flush chain {table} {name}"
        for rule in rules:
            yield f"add rule {table} {name} {rule}"


def _turns(before: Policing, after: Policing) -> list[ElementChange]:
    gone: dict[str, list[str]] = {}
    new: dict[tuple[str, str], list[str]] = {}
    for (name, address), chain in before.entries.items():
        if after.entries.get((name, address)) != chain:
            gone.setdefault(name, []).append(address)
    for (name, address), chain in after.entries.items():
        if before.entries.get((name, address)) != chain:
            new.setdefault((name, chain), []).append(address)
    changes = [ElementChange(name, tuple(some), comes=False) for name, some in gone.items()]
    changes += [
        ElementChange(name, tuple(some), comes=True, chain=chain)
        for (name, chain), some in new.items()
    ]
    for name, elements in after.sets.items():
        known = before.sets.get(name, elements)
        for some, comes in ((known - elements, False), (elements - known, True)):
            if some:
                changes.append(ElementChange(name, tuple(sorted(some)), comes))
    return changes
