"""What the machine itself needs before pods: its own address, two routes, forwarding.

Nothing is switched on for the whole machine: pods' interfaces forward, and so do the interfaces
that lead out, because answers come back through them.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from socket import if_nametoindex

from paas.orchestration.network import links
from paas.orchestration.network.naming import HOST_MAC, node_interface
from paas.orchestration.network.netlink import NetlinkSocket
from paas.settings.instance import Instance

_DEFAULT_MTU = 1500
_SYSCTL = Path("/proc/sys/net")


@dataclass(frozen=True, slots=True)
class Uplinks:
    """The interfaces that lead out of the machine. `mtu` is the smallest of theirs.

    `guarded` are those between which nothing is forwarded: all, unless the administrator has
    made the machine a router.
    """

    names: tuple[str, ...]
    mtu: int
    guarded: tuple[str, ...]


def machine_prepare(instance: Instance) -> Uplinks:
    """Give the machine its address on the pod network and its routes; safe to repeat.

    Service addresses are routed to an interface that leads nowhere: what no rule translates never
    leaves the machine, and neither does what is meant for a pod that does not exist.
    """
    name = node_interface(instance)
    with NetlinkSocket() as netlink:
        netlink.apply([links.bridge_add(name, HOST_MAC), links.link_up(name)])
        index = if_nametoindex(name)
        netlink.apply(
            [
                links.address_add(index, instance.node_address),
                links.route_unreachable(instance.pod_network),
                links.route_direct(instance.service_network, index, instance.node_address),
            ]
        )
        uplinks = _uplinks(netlink)
    for name in uplinks.names:
        _write(f"ipv4/conf/{name}/forwarding", "1")
    return uplinks


def _uplinks(netlink: NetlinkSocket) -> Uplinks:
    routes = links.parse_routes(netlink.dump(links.GETROUTE, links.ANY_IPV4_ROUTE))
    outward = {route.link_index for route in routes if route.gateway or _is_default(route)}
    found = links.parse_links(netlink.dump(links.GETLINK, links.ANY_LINK))
    chosen = [link for link in found if link.index in outward]
    names = tuple(sorted(link.name for link in chosen))
    mtu = min((link.mtu for link in chosen), default=_DEFAULT_MTU)
    router = (_SYSCTL / "ipv4/ip_forward").read_text().strip() == "1"
    return Uplinks(names, mtu, () if router else names)


def _is_default(route: links.Route) -> bool:
    return route.destination == IPv4Network("0.0.0.0/0")


def _write(name: str, value: str) -> None:
    path = _SYSCTL / name
    if path.read_text().strip() != value:
        path.write_text(value)
