"""The few rtnetlink requests that wire a machine and its pods: links, addresses, routes.

Pure: each function returns the request, `netlink.NetlinkSocket` sends it.
Source: rtnetlink(7), linux/if_link.h, linux/rtnetlink.h.
"""

import errno
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from socket import AF_INET, AF_INET6
from sys import byteorder

from paas.orchestration.network.netlink import (
    CREATE,
    EXCLUSIVE,
    REPLACE,
    Answer,
    Request,
    attribute,
    nested,
    parse_attributes,
    text,
    u8,
    u32,
)

NEWLINK, DELLINK, GETLINK, SETLINK = 16, 17, 18, 19
NEWADDR, NEWROUTE, GETROUTE, NEWNEIGH = 20, 24, 26, 28
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINKINFO = 1, 3, 4, 18
_IFLA_IFALIAS, _IFLA_AF_SPEC, _IFLA_GROUP, _IFLA_NET_NS_FD = 20, 26, 27, 28
_IFLA_OPERSTATE, _OPERSTATE_UP = 16, b"\x06"
_INFO_KIND, _INFO_DATA, _VETH_INFO_PEER = 1, 2, 1
_INET_CONF, _INET6_ADDR_GEN_MODE, _ADDR_GEN_NONE = 1, 8, 1
_CONF_FORWARDING, _CONF_ACCEPT_REDIRECTS, _CONF_SEND_REDIRECTS = 1, 4, 6
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC = 1, 4, 5, 7
_NDA_DST, _NDA_LLADDR, _NUD_PERMANENT = 1, 2, 0x80
_IFF_UP, _RTNH_ONLINK = 0x1, 0x4
_TABLE_MAIN, _PROTOCOL_STATIC = 254, 4
_SCOPE_UNIVERSE, _SCOPE_LINK = 0, 253
UNICAST, UNREACHABLE = 1, 7
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
ANY_LINK = _LINK.pack(0, 0, 0, 0, 0)
ANY_IPV4_ROUTE = _ROUTE.pack(AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
NO_SUCH_LINK = frozenset({errno.ENODEV})


@dataclass(frozen=True, slots=True)
class Veth:
    """A pair: `name` here, `eth0` in the namespace that `namespace_fd` is open on."""

    name: str
    mac: bytes
    peer_mac: bytes
    namespace_fd: int
    mtu: int
    group: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """An interface as the kernel describes it."""

    index: int
    name: str
    alias: str
    mac: bytes
    mtu: int
    is_up: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the main table; `gateway` is None for what is reached directly."""

    destination: IPv4Network
    link_index: int
    gateway: IPv4Address | None


def veth_add(veth: Veth) -> Request:
    """Make both ends in one step; EEXIST if there is an interface of that name."""
    peer = (
        _LINK.pack(0, 0, 0, 0, 0)
        + text(_IFLA_IFNAME, "eth0")
        + attribute(_IFLA_ADDRESS, veth.peer_mac)
        + u32(_IFLA_MTU, veth.mtu)
        + u32(_IFLA_NET_NS_FD, veth.namespace_fd)
    )
    data = nested(_INFO_DATA, attribute(_VETH_INFO_PEER, peer))
    body = (
        ANY_LINK
        + text(_IFLA_IFNAME, veth.name)
        + attribute(_IFLA_ADDRESS, veth.mac)
        + u32(_IFLA_MTU, veth.mtu)
        + u32(_IFLA_GROUP, veth.group)
        + nested(_IFLA_LINKINFO, text(_INFO_KIND, "veth"), data)
    )
    return Request(NEWLINK, body, CREATE | EXCLUSIVE, f"create {veth.name}")


def bridge_add(name: str, mac: bytes) -> Request:
    """Make an interface that leads nowhere (a bridge without ports), to carry an address.

    A dummy would be the usual choice, but some kernels are built without it.
    """
    body = (
        ANY_LINK
        + text(_IFLA_IFNAME, name)
        + attribute(_IFLA_ADDRESS, mac)
        + nested(_IFLA_LINKINFO, text(_INFO_KIND, "bridge"))
    )
    return Request(NEWLINK, body, CREATE | EXCLUSIVE, f"create {name}", frozenset({errno.EEXIST}))


def link_shape(name: str, *, alias: str = "", ipv6: bool, forwarding: bool = False) -> Request:
    """Name the owner of an interface, and settle what it does before it is up.

    No IPv6 address of its own, no ICMP redirects; `ipv6` says whether the kernel has IPv6.
    """
    conf = nested(
        _INET_CONF,
        u32(_CONF_FORWARDING, int(forwarding)),
        u32(_CONF_ACCEPT_REDIRECTS, 0),
        u32(_CONF_SEND_REDIRECTS, 0),
    )
    families = [nested(AF_INET, conf)]
    if ipv6:
        families.append(nested(AF_INET6, u8(_INET6_ADDR_GEN_MODE, _ADDR_GEN_NONE)))
    body = ANY_LINK + text(_IFLA_IFNAME, name) + nested(_IFLA_AF_SPEC, *families)
    if alias:
        body += attribute(_IFLA_IFALIAS, alias.encode())
    return Request(SETLINK, body, what=f"set up {name}")


def link_up(name: str) -> Request:
    """Switch an interface on."""
    body = _LINK.pack(0, 0, 0, _IFF_UP, _IFF_UP) + text(_IFLA_IFNAME, name)
    return Request(SETLINK, body, what=f"switch on {name}")


def link_named(name: str) -> bytes:
    """Return the body of a GETLINK for one interface."""
    return ANY_LINK + text(_IFLA_IFNAME, name)


def link_delete(name: str) -> Request:
    """Remove an interface, and with it its peer and routes; one that is gone is no error."""
    return Request(
        DELLINK, ANY_LINK + text(_IFLA_IFNAME, name), what=f"delete {name}", harmless=NO_SUCH_LINK
    )


def address_add(index: int, address: IPv4Address) -> Request:
    """Give an interface an address of its own, without a network around it."""
    body = _ADDRESS.pack(AF_INET, 32, 0, _SCOPE_UNIVERSE, index)
    body += attribute(_IFA_LOCAL, address.packed) + attribute(_IFA_ADDRESS, address.packed)
    return Request(NEWADDR, body, CREATE | REPLACE, f"add address {address}")


def route_direct(network: IPv4Network, index: int, source: IPv4Address) -> Request:
    """Reach a network through an interface; the machine's own packets carry `source`."""
    return _route(
        network,
        UNICAST,
        _SCOPE_LINK,
        u32(_RTA_OIF, index),
        attribute(_RTA_PREFSRC, source.packed),
    )


def route_unreachable(network: IPv4Network) -> Request:
    """Refuse what no nearer route leads to, so that it never leaves the machine."""
    return _route(network, UNREACHABLE, _SCOPE_UNIVERSE)


def route_default(gateway: IPv4Address, index: int) -> Request:
    """Send everything to `gateway`, which need not be in a network of the interface."""
    return _route(
        IPv4Network("0.0.0.0/0"),
        UNICAST,
        _SCOPE_UNIVERSE,
        u32(_RTA_OIF, index),
        attribute(_RTA_GATEWAY, gateway.packed),
        flags=_RTNH_ONLINK,
    )


def _route(
    network: IPv4Network, kind: int, scope: int, *attributes: bytes, flags: int = 0
) -> Request:
    head = (AF_INET, network.prefixlen, 0, 0, _TABLE_MAIN, _PROTOCOL_STATIC, scope, kind, flags)
    body = _ROUTE.pack(*head) + b"".join(attributes)
    if network.prefixlen:
        body += attribute(_RTA_DST, network.network_address.packed)
    return Request(NEWROUTE, body, CREATE | REPLACE, f"add route {network}")


def neighbour_add(index: int, address: IPv4Address, mac: bytes) -> Request:
    """Say once and for all which MAC has an address, so that nobody asks and nobody lies."""
    body = _NEIGHBOUR.pack(AF_INET, index, _NUD_PERMANENT, 0, 0)
    body += attribute(_NDA_DST, address.packed) + attribute(_NDA_LLADDR, mac)
    return Request(NEWNEIGH, body, CREATE | REPLACE, f"add neighbour {address}")


def parse_links(answers: Iterable[Answer]) -> Iterator[Link]:
    """Yield the interfaces of a dump of GETLINK."""
    for answer in answers:
        index = _LINK.unpack_from(answer.body)[2]
        found = parse_attributes(answer.body[_LINK.size :])
        yield Link(
            index=index,
            name=_string(found.get(_IFLA_IFNAME, b"")),
            alias=_string(found.get(_IFLA_IFALIAS, b"")),
            mac=found.get(_IFLA_ADDRESS, b""),
            mtu=int.from_bytes(found.get(_IFLA_MTU, b""), byteorder),
            is_up=found.get(_IFLA_OPERSTATE) == _OPERSTATE_UP,
        )


def parse_routes(answers: Iterable[Answer]) -> Iterator[Route]:
    """Yield the unicast routes of the main table from a dump of GETROUTE."""
    for answer in answers:
        fields = _ROUTE.unpack_from(answer.body)
        family, length, table, kind = fields[0], fields[1], fields[4], fields[7]
        if (family, table, kind) != (AF_INET, _TABLE_MAIN, UNICAST):
            continue
        found = parse_attributes(answer.body[_ROUTE.size :])
        gateway = found.get(_RTA_GATEWAY)
        yield Route(
            IPv4Network((found.get(_RTA_DST, b"\0\0\0\0"), length)),
            int.from_bytes(found.get(_RTA_OIF, b""), byteorder),
            IPv4Address(gateway) if gateway else None,
        )


def _string(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")
