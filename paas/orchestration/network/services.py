"""What a Service means to the kernel: pure functions from API objects to chains of our table.

Each port of a service is one chain, found by one lookup in the map `services`. A chain's name
holds a digest of what it does, so that names alone tell what is in the kernel, and a change is
always: add the new chain; point the map at it; delete the old one.
Source: core/v1 Service, discovery.k8s.io/v1 EndpointSlice, KEP-3866, KEP-1669 (terminating).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from paas.core.endpoints import gets_new, is_last_resort
from paas.core.names import label_errors
from paas.core.objects import ApiObject, annotations_of, name_of, namespace_of
from paas.orchestration.network.rules import API_PORT, DNS_PORT, REGISTRY_PORT, SERVICES_MAP
from paas.settings.instance import Instance

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
SUBNET_ANNOTATION = "minato.io/pod-subnet"
PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
PLATFORM = "-"
"""Stands for the namespace in the owner of a platform service; no namespace has this name."""

_DIGEST = 10


@dataclass(frozen=True, slots=True, order=True)
class ServiceAddressPort:
    """The key of the map: what a client connects to. `protocol` is tcp, udp or sctp."""

    address: IPv4Address
    protocol: str
    port: int

    @property
    def text(self) -> str:
        """Return the key as nft spells it."""
        return f"{self.address} . {self.protocol} . {self.port}"


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of one service and the endpoints that get its connections, in order."""

    owner: str
    at: ServiceAddressPort
    endpoints: tuple[tuple[IPv4Address, int], ...]

    @property
    def chain(self) -> str:
        """Return the chain's name: `svc/<namespace>/<name>/<protocol>/<port>/<digest>`."""
        what = repr((str(self.at.address), [(str(ip), port) for ip, port in self.endpoints]))
        digest = hashlib.sha256(what.encode()).hexdigest()[:_DIGEST]
        return f"svc/{self.owner}/{self.at.protocol}/{self.at.port}/{digest}"

    @property
    def rule(self) -> str:
        """Return the chain's only rule: a random choice. Source: KEP-3866 (numgen random)."""
        head = f"meta l4proto {self.at.protocol} dnat ip to"
        if len(self.endpoints) == 1:
            address, port = self.endpoints[0]
            return f"{head} {address}:{port}"
        places = ", ".join(
            f"{place} : {address} . {port}" for place, (address, port) in enumerate(self.endpoints)
        )
        return f"{head} numgen random mod {len(self.endpoints)} map {{ {places} }}"


@dataclass(frozen=True, slots=True)
class ServiceWish:
    """What one service asks of the kernel. `ready` are the addresses it means to send to.

    `ports` may send to others as a last resort: while no endpoint is ready, those that serve
    while they terminate.
    """

    ports: tuple[ServicePort, ...] = ()
    ready: frozenset[str] = frozenset()


def owner_of(chain: str) -> str:
    """Return `<namespace>/<name>` of a chain's service; empty if it is not a service's chain."""
    parts = chain.split("/")
    return "/".join(parts[1:3]) if parts[0] == "svc" else ""


def platform_ports(instance: Instance) -> tuple[ServicePort, ...]:
    """Return the services that exist without objects: DNS, the API and the registry."""
    node = instance.node_address
    dns, api = instance.dns_service_address, instance.api_service_address
    registry = instance.registry_service_address
    return tuple(
        ServicePort(owner, ServiceAddressPort(address, protocol, port), ((node, target),))
        for owner, address, protocol, port, target in (
            (f"{PLATFORM}/dns", dns, "udp", DNS_PORT, DNS_PORT),
            (f"{PLATFORM}/dns", dns, "tcp", DNS_PORT, DNS_PORT),
            (f"{PLATFORM}/api", api, "tcp", 443, API_PORT),
            (f"{PLATFORM}/registry", registry, "tcp", REGISTRY_PORT, REGISTRY_PORT),
        )
    )


def platform_addresses(instance: Instance) -> frozenset[IPv4Address]:
    """Return the service addresses that no object decides about."""
    return frozenset(port.at.address for port in platform_ports(instance))


def subnet_of_namespace(namespace: ApiObject | None) -> IPv4Network | None:
    """Return the project's /24, or None where it has none yet or the annotation is not one."""
    try:
        return IPv4Network(annotations_of(namespace or {}).get(SUBNET_ANNOTATION, ""))
    except ValueError:
        return None


def service_wish(
    service: ApiObject,
    slices: Sequence[ApiObject],
    *,
    subnet: IPv4Network | None,
    instance: Instance,
) -> ServiceWish:
    """Return what a service asks for. An endpoint outside the project's subnet is left out.

    Headless and ExternalName services, and those whose address a platform service has, ask for
    nothing; a port without endpoints neither: what no chain takes is refused.
    """
    address = _cluster_address(service, instance)
    namespace, name = namespace_of(service), name_of(service)
    if address is None or subnet is None or label_errors(namespace) or label_errors(name):
        return ServiceWish()
    owner = f"{namespace}/{name}"
    ports: list[ServicePort] = []
    for port in service["spec"].get("ports") or ():
        at = ServiceAddressPort(address, PROTOCOLS[port.get("protocol", "TCP")], int(port["port"]))
        if endpoints := port_endpoints(slices, port, subnet):
            ports.append(ServicePort(owner, at, endpoints))
    return ServiceWish(tuple(ports), frozenset(_ready_addresses(slices)))


def _cluster_address(service: ApiObject, instance: Instance) -> IPv4Address | None:
    spec = service.get("spec", {})
    if spec.get("type") == "ExternalName":
        return None
    try:
        address = IPv4Address(spec.get("clusterIP") or "")
    except AddressValueError:  # "None" for a headless service, empty while it has no address
        return None
    taken = address in platform_addresses(instance)
    return address if address in instance.service_network and not taken else None


def port_endpoints(
    slices: Iterable[ApiObject], port: Mapping[str, Any], subnet: IPv4Network
) -> tuple[tuple[IPv4Address, int], ...]:
    """Return address and port of those that get a service port's connections, in order."""
    ready: set[tuple[IPv4Address, int]] = set()
    leaving: set[tuple[IPv4Address, int]] = set()
    for one in slices:
        number = _slice_port(one, port)
        if number is None:
            continue
        for endpoint in one.get("endpoints") or ():
            conditions = endpoint.get("conditions") or {}
            found = {(address, number) for address in _addresses(endpoint, subnet)}
            if gets_new(conditions):
                ready |= found
            elif is_last_resort(conditions):
                leaving |= found
    return tuple(sorted(ready or leaving))


def _slice_port(one: ApiObject, port: Mapping[str, Any]) -> int | None:
    for found in one.get("ports") or ():
        same_name = (found.get("name") or "") == (port.get("name") or "")
        if same_name and found.get("protocol", "TCP") == port.get("protocol", "TCP"):
            return int(found["port"]) if found.get("port") else None
    return None


def _addresses(endpoint: Mapping[str, Any], subnet: IPv4Network) -> Iterable[IPv4Address]:
    for text in endpoint.get("addresses") or ():
        try:
            address = IPv4Address(text)
        except AddressValueError:
            continue
        if address in subnet:
            yield address


def _ready_addresses(slices: Iterable[ApiObject]) -> Iterable[str]:
    for one in slices:
        for endpoint in one.get("endpoints") or ():
            if gets_new(endpoint.get("conditions") or {}):
                yield from endpoint.get("addresses") or ()


Chains = Mapping[ServiceAddressPort, str]
"""What the map holds: the chain's name by key."""


def transactions(table: str, current: Chains, wanted: Iterable[ServicePort]) -> list[str]:
    """Return the nft commands that turn `current` into `wanted`; empty if it is so already.

    A packet that is on its way while the kernel turns to a new generation goes on in the old
    one's rules, but finds of sets and maps what the new one holds. So a change takes three
    transactions: new chains come in before the map names them, and old ones, with the maps of
    their endpoints, go when it does not any more.
    """
    ports = {port.at: port for port in wanted}
    come: list[str] = []
    turn: list[str] = []
    go: list[str] = []
    for at, chain in current.items():
        if at not in ports or ports[at].chain != chain:
            turn.append(f"delete element {table} {SERVICES_MAP} {{ {at.text} }}")
            go.append(f"delete chain {table} {chain}")
    for at, port in ports.items():
        if current.get(at) != port.chain:
            turn.append(f"add element {table} {SERVICES_MAP} {{ {at.text} : goto {port.chain} }}")
            come.append(f"add chain {table} {port.chain}")
            come.append(f"flush chain {table} {port.chain}")
            come.append(f"add rule {table} {port.chain} {port.rule}")
    return ["\n".join((*lines, "")) for lines in (come, turn, go) if lines]
