"""What one admitted route asks of HAProxy. Pure, from API objects to addresses and weights.

Endpoints outside the project's own subnet are left out: nobody's route leads to another's pods.
Source: route.openshift.io/v1 (weights), OpenShift's router (ports by name or number).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from paas.core.endpoints import gets_new
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject, name_of, namespace_of, uid_of
from paas.core.router import EMPTY, REDIRECT, UNKNOWN
from paas.core.shape import maps, submap, text
from paas.routes.certificates import certificate_bundle, with_secret
from paas.routes.claims import host_of, path_of, place_of
from paas.routes.rules import PATH

WEIGHT_MOST = 256
_PORT_MAX = 65535
_UID = re.compile(r"[0-9a-f-]{36}")
SERVE = ""
"""Stands for the route's own backend where a table names backends."""


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One address that answers, with its share (1 to 256)."""

    address: str
    port: int
    weight: int = WEIGHT_MOST


@dataclass(frozen=True, slots=True)
class RouteWish:
    """One route: `key` is where it is in the maps, `host/path/` (or `host/path/?`).

    `plain` and `secure` say what each port answers: SERVE, the name of one of the frame's
    backends, or UNKNOWN for nothing. `page` is what is shown while there is no endpoint.
    """

    uid: str
    namespace: str
    name: str
    key: str
    plain: str
    secure: str
    endpoints: tuple[Endpoint, ...] = ()
    page: str = EMPTY
    host: str = ""
    certificate: str = ""


def targets_of(route: ApiObject) -> list[tuple[str, int]]:
    """Return the services with their weights, those of weight 0 too."""
    every = [submap(route, "spec", "to"), *maps(route, "spec", "alternateBackends")]
    found = ((text(one, "name"), one.get("weight", 100)) for one in every)
    return [(name, weight) for name, weight in found if name and isinstance(weight, int)]


def route_wish(
    route: ApiObject,
    shares: Sequence[tuple[int, Sequence[tuple[str, int]]]],
    *,
    page: str = EMPTY,
    secret: ApiObject | None = None,
) -> RouteWish | None:
    """Return what the route asks for; None if it has a name that must not reach HAProxy.

    `shares` are the weight and the addresses of each service, `secret` has the certificate of a
    route that names one.
    """
    if not is_servable(route):
        return None
    tls = submap(route, "spec", "tls")
    policy = text(tls, "insecureEdgeTerminationPolicy")
    insecure = {"Allow": SERVE, "Redirect": REDIRECT}.get(policy, UNKNOWN)
    return RouteWish(
        uid=uid_of(route),
        namespace=namespace_of(route),
        name=name_of(route),
        key=place_of(route),
        plain=insecure if tls else SERVE,
        secure=SERVE if tls else UNKNOWN,
        endpoints=weighted(shares),
        page=page,
        host=host_of(route),
        certificate=certificate_bundle(with_secret(tls, secret)),
    )


def is_servable(route: ApiObject) -> bool:
    """Say whether uid, host and path are what their patterns say, whoever wrote them."""
    host, path = host_of(route), path_of(route)
    if not host or subdomain_errors(host) or not _UID.fullmatch(uid_of(route)):
        return False
    return not path or PATH.fullmatch(path) is not None


def weighted(shares: Sequence[tuple[int, Sequence[tuple[str, int]]]]) -> tuple[Endpoint, ...]:
    """Return the endpoints so that each service gets its share, however many pods it has.

    Source: OpenShift's router: a service's weight is divided among its endpoints, and all are
    scaled so that the largest is 256.
    """
    each = [
        (place, weight / len(places)) for weight, places in shares if weight for place in places
    ]
    most = max((weight for _, weight in each), default=0.0)
    found = {
        place: Endpoint(*place, max(1, round(weight * WEIGHT_MOST / most)))
        for place, weight in each
    }
    return tuple(sorted(found.values()))


def service_places(
    service: ApiObject | None,
    slices: Iterable[ApiObject],
    *,
    wanted: str | int | None,
    subnet: IPv4Network | None,
) -> list[tuple[str, int]]:
    """Return address and port of each endpoint that gets a service's requests, in order.

    `wanted` is the route's port: the name or number of a port of the endpoints; without it the
    service's first port is meant.
    """
    if service is None or subnet is None or submap(service, "spec").get("type") == "ExternalName":
        return []
    name = _first_port(service) if wanted is None else None
    found = {
        (address, port)
        for one in slices
        if one.get("addressType") == "IPv4" and (port := _port(one, wanted, name))
        for endpoint in maps(one, "endpoints")
        if gets_new(submap(endpoint, "conditions"))
        for address in _inside(endpoint, subnet)
    }
    return sorted(found)


def _first_port(service: ApiObject) -> str:
    ports = [one for one in maps(service, "spec", "ports") if _is_tcp(one)]
    return text(ports[0], "name") if ports else ""


def _is_tcp(port: Mapping[str, Any]) -> bool:
    return bool(port.get("protocol", "TCP") == "TCP")


def _port(one: ApiObject, wanted: str | int | None, name: str | None) -> int:
    for port in maps(one, "ports"):
        number = port.get("port")
        if not _is_tcp(port) or not isinstance(number, int) or not 0 < number <= _PORT_MAX:
            continue
        called = text(port, "name")
        names = {name} if wanted is None else {str(wanted)}
        if called in names or str(number) in names - {name}:
            return number
    return 0


def _inside(endpoint: Mapping[str, Any], subnet: IPv4Network) -> Iterable[str]:
    for given in endpoint.get("addresses") or ():
        try:
            address = IPv4Address(given)
        except AddressValueError:
            continue
        if address in subnet:
            yield str(address)
