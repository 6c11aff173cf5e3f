"""Which names a Service has: pure functions from API objects to resource records.

Source: Kubernetes DNS-Based Service Discovery, version 1.1.0. Records are spelled as unbound
prints them: `name.<TAB>ttl<TAB>IN<TAB>type<TAB>data`, so that what it holds can be compared.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from paas.core.endpoints import is_ready
from paas.core.names import label_errors
from paas.core.objects import ApiObject, name_of, namespace_of
from paas.orchestration.network.services import PLATFORM, PROTOCOLS, platform_ports
from paas.settings.instance import Instance

DOMAIN = "cluster.local."
FED_NAME = f"minato-fed.{DOMAIN}"
"""Exists exactly while unbound holds what it was fed: a restart of unbound forgets it."""

FED_RECORD = f'{FED_NAME}\t0\tIN\tTXT\t"1"'

_TTL_S = 5
_KINDS = frozenset({"A", "PTR", "SRV", "TXT"})
_REVERSE = ".in-addr.arpa."
_PORT_NAME_MAX = 62  # with its underscore a label of RFC 1035, which ends at 63
_SCHEMA_VERSION = "1.1.0"

Records = dict[str, frozenset[str]]
"""Name (with its final dot) → its records."""

_PLATFORM_SERVICES = {
    f"{PLATFORM}/api": ("kubernetes.default", "https"),
    f"{PLATFORM}/dns": ("kube-dns.kube-system", "dns"),
    f"{PLATFORM}/registry": ("image-registry.openshift-image-registry", "5000-tcp"),
}


def service_records(
    service: ApiObject, slices: Sequence[ApiObject], *, subnet: IPv4Network | None
) -> Records:
    """Return the names of one service; none for ExternalName and for odd names."""
    spec = service.get("spec", {})
    parts = (name_of(service), namespace_of(service))
    if spec.get("type") == "ExternalName" or any(label_errors(one) for one in parts):
        return {}
    base = f"{parts[0]}.{parts[1]}.svc.{DOMAIN}"
    address = spec.get("clusterIP") or ""
    if address == "None":
        return _headless(base, slices, subnet)
    try:
        IPv4Address(address)
    except AddressValueError:
        return {}
    return _with_address(base, address, spec.get("ports") or ())


def platform_records(instance: Instance) -> Records:
    """Return the names of the services that exist without objects, and the schema's version."""
    found = [(f"dns-version.{DOMAIN}", "TXT", f'"{_SCHEMA_VERSION}"')]
    for port in platform_ports(instance):
        name, port_name = _PLATFORM_SERVICES[port.owner]
        base = f"{name}.svc.{DOMAIN}"
        address, protocol = str(port.at.address), port.at.protocol
        if protocol == "tcp" and port_name == "dns":
            port_name = "dns-tcp"
        named = {"name": port_name, "protocol": protocol.upper(), "port": port.at.port}
        found += [(base, "A", address), (reverse_name(address), "PTR", base)]
        found.append(_srv(base, named, base))
    return _gathered(found)


def merged(several: Iterable[Records]) -> Records:
    """Return the union, name by name."""
    result: Records = {}
    for records in several:
        for name, lines in records.items():
            result[name] = result.get(name, frozenset()) | lines
    return result


def parse_records(text: str, instance: Instance) -> Records:
    """Return what unbound's `list_local_data` prints, without what it has by itself."""
    result: dict[str, set[str]] = {}
    for line in text.splitlines():
        fields = line.split(maxsplit=4)
        if len(fields) == 5 and fields[3] in _KINDS and _is_ours(fields[0], instance):  # noqa: PLR2004 -- RFC 1035
            result.setdefault(fields[0], set()).add("\t".join(fields))
    return {name: frozenset(lines) for name, lines in result.items()}


def _is_ours(name: str, instance: Instance) -> bool:
    if name.endswith(_REVERSE):
        digits = name.removesuffix(_REVERSE).split(".")
        try:
            address = IPv4Address(".".join(reversed(digits)))
        except AddressValueError:
            return False
        return address in instance.service_network or address in instance.pod_network
    return name.endswith(f".{DOMAIN}")


def reverse_name(address: str) -> str:
    """Return the name under which an address is looked up."""
    return f"{IPv4Address(address).reverse_pointer}."


def _with_address(base: str, address: str, ports: Iterable[Mapping[str, Any]]) -> Records:
    found = [(base, "A", address), (reverse_name(address), "PTR", base)]
    found += [_srv(base, port, base) for port in ports if _is_named(port)]
    return _gathered(found)


def _headless(base: str, slices: Iterable[ApiObject], subnet: IPv4Network | None) -> Records:
    found: list[tuple[str, str, str]] = []
    for one in slices:
        for endpoint in one.get("endpoints") or ():
            if is_ready(endpoint.get("conditions") or {}):
                found += _endpoint(base, endpoint, one.get("ports") or (), subnet)
    return _gathered(found)


def _endpoint(
    base: str,
    endpoint: Mapping[str, Any],
    ports: Iterable[Mapping[str, Any]],
    subnet: IPv4Network | None,
) -> Iterable[tuple[str, str, str]]:
    for address in endpoint.get("addresses") or ():
        if subnet is None or not _is_inside(address, subnet):
            continue
        hostname = endpoint.get("hostname") or ""
        named = bool(hostname) and not label_errors(hostname)
        host = f"{hostname if named else address.replace('.', '-')}.{base}"
        yield base, "A", address
        yield host, "A", address
        if named:
            yield reverse_name(address), "PTR", host
        yield from (_srv(base, port, host) for port in ports if _is_named(port))


def _is_inside(address: str, subnet: IPv4Network) -> bool:
    try:
        return IPv4Address(address) in subnet
    except AddressValueError:
        return False


def _is_named(port: Mapping[str, Any]) -> bool:
    name = port.get("name") or ""
    wrong = not port.get("port") or len(name) > _PORT_NAME_MAX or label_errors(name)
    return not wrong


def _srv(base: str, port: Mapping[str, Any], host: str) -> tuple[str, str, str]:
    protocol = PROTOCOLS[port.get("protocol", "TCP")]
    return f"_{port['name']}._{protocol}.{base}", "SRV", f"0 100 {int(port['port'])} {host}"


def _gathered(found: Iterable[tuple[str, str, str]]) -> Records:
    result: dict[str, set[str]] = {}
    for name, kind, data in found:
        result.setdefault(name, set()).add(f"{name}\t{_TTL_S}\tIN\t{kind}\t{data}")
    return {name: frozenset(lines) for name, lines in result.items()}
