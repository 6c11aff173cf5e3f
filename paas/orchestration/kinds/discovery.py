"""discovery.k8s.io/v1 EndpointSlice."""

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

from paas.apimachinery.columns import AGE, NAME, UNSET, shortened
from paas.apimachinery.fielderrors import (
    duplicate,
    immutable,
    invalid,
    invalid_all,
    not_supported,
    required,
    too_many,
)
from paas.apimachinery.kinds import Column, Kind
from paas.core.errors import Cause
from paas.core.names import label_errors, qualified_errors, subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import Json, default, ensure, maps, number, text, values
from paas.orchestration.kinds.service_rules import endpoint_ip_errors
from paas.orchestration.podspec.ports import PROTOCOLS, port_number_errors

ADDRESSES_MAX = 100
ENDPOINTS_MAX = 1000
PORTS_MAX = 20000
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")


def _default(obj: ApiObject) -> None:
    for port in maps(obj, "ports"):
        port["name"] = port.get("name") or ""
        default(port, "protocol", "TCP")
    for endpoint in maps(obj, "endpoints"):
        ensure(endpoint, "conditions")


def _validate(obj: ApiObject) -> list[Cause]:
    kind, endpoints, ports = text(obj, "addressType"), maps(obj, "endpoints"), maps(obj, "ports")
    wrong: list[Cause] = []
    if not kind:
        wrong.append(required("addressType"))
    elif kind not in ADDRESS_TYPES:
        wrong.append(not_supported("addressType", kind, ADDRESS_TYPES))
    if len(endpoints) > ENDPOINTS_MAX:
        return [*wrong, too_many("endpoints", len(endpoints), ENDPOINTS_MAX)]
    for position, endpoint in enumerate(endpoints):
        wrong += _endpoint_errors(endpoint, kind, f"endpoints[{position}]")
    if len(ports) > PORTS_MAX:
        return [*wrong, too_many("ports", len(ports), PORTS_MAX)]
    return [*wrong, *_ports_errors(ports)]


def _endpoint_errors(endpoint: Json, kind: str, path: str) -> list[Cause]:
    addresses = values(endpoint, "addresses")
    wrong: list[Cause] = []
    if not addresses:
        wrong.append(required(f"{path}.addresses", "must contain at least 1 address"))
    if len(addresses) > ADDRESSES_MAX:
        wrong.append(too_many(f"{path}.addresses", len(addresses), ADDRESSES_MAX))
    for position, address in enumerate(addresses):
        wrong += _address_errors(str(address), kind, f"{path}.addresses[{position}]")
    if host := text(endpoint, "hostname"):
        wrong += invalid_all(f"{path}.hostname", host, label_errors(host))
    if node := text(endpoint, "nodeName"):
        wrong += invalid_all(f"{path}.nodeName", node, subdomain_errors(node))
    return wrong


def _address_errors(address: str, kind: str, path: str) -> list[Cause]:
    if kind == "FQDN":
        return invalid_all(path, address, subdomain_errors(address))
    parse = IPv6Address if kind == "IPv6" else IPv4Address
    try:
        parse(address)
    except AddressValueError:
        return [invalid(path, address, f"must be a valid {kind or 'IPv4'} address")]
    return endpoint_ip_errors(address, path)


def _ports_errors(ports: list[Json]) -> list[Cause]:
    wrong: list[Cause] = []
    names: set[str] = set()
    for position, port in enumerate(ports):
        at, name, count = f"ports[{position}]", text(port, "name"), number(port, "port")
        wrong += invalid_all(f"{at}.name", name, label_errors(name)) if name else []
        if name in names:
            wrong.append(duplicate(f"{at}.name", name))
        names.add(name)
        if count is not None:
            wrong += invalid_all(f"{at}.port", count, port_number_errors(count))
        if text(port, "protocol") not in PROTOCOLS:
            wrong.append(not_supported(f"{at}.protocol", text(port, "protocol"), PROTOCOLS))
        if application := text(port, "appProtocol"):
            rules = qualified_errors(application)
            wrong += invalid_all(f"{at}.appProtocol", application, rules)
    return wrong


def _validate_update(new: ApiObject, old: ApiObject) -> list[Cause]:
    return immutable("addressType", new.get("addressType"), old.get("addressType"))


def _ports(obj: ApiObject) -> str:
    return shortened((str(_port(port)) for port in maps(obj, "ports")), UNSET)


def _port(port: Json) -> Any:
    return port["port"] if port.get("port") is not None else text(port, "name") or "*"


def _endpoints(obj: ApiObject) -> str:
    found = [
        str(address)
        for endpoint in maps(obj, "endpoints")
        for address in values(endpoint, "addresses")
    ]
    return shortened(found, UNSET)


ENDPOINT_SLICE = Kind(
    group="discovery.k8s.io",
    version="v1",
    kind="EndpointSlice",
    plural="endpointslices",
    name_errors=subdomain_errors,
    schema="io.k8s.api.discovery.v1.EndpointSlice",
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
    columns=(
        NAME,
        Column("AddressType", lambda obj: text(obj, "addressType")),
        Column("Ports", _ports, description="The ports of its endpoints."),
        Column("Endpoints", _endpoints, description="Their addresses."),
        AGE,
    ),
)
KINDS = (ENDPOINT_SLICE,)
