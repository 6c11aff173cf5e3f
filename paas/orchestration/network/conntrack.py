"""Forgets UDP connections to endpoints that are gone.

A client that goes on sending keeps its entry alive, and would be led to the old endpoint for ever;
TCP ends by itself. Source: nfnetlink_conntrack.h; kube-proxy's pkg/proxy/conntrack.
"""

import errno
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from socket import AF_INET, IPPROTO_UDP

from paas.orchestration.network.netlink import (
    NETFILTER,
    Answer,
    NetlinkSocket,
    Request,
    attribute,
    parse_attributes,
)

_GET, _DELETE = (1 << 8) | 1, (1 << 8) | 2  # subsystem ctnetlink
_HEAD = struct.Struct("=BBH")
_ANY_IPV4 = _HEAD.pack(AF_INET, 0, 0)
_TUPLE_ORIGINAL, _TUPLE_REPLY, _ID, _ZONE = 1, 2, 12, 18
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_IP_SOURCE, _IP_DESTINATION = 1, 2
_PROTO_NUMBER, _PROTO_SOURCE_PORT, _PROTO_DESTINATION_PORT = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Flow:
    """A translated UDP connection: what the client called, and who answers."""

    called: tuple[IPv4Address, int]
    answering: tuple[IPv4Address, int]
    handle: bytes


Pair = tuple[IPv4Address, int, IPv4Address, int]
"""Service address and port, endpoint address and port."""


def udp_forget(is_stale: Callable[[Pair], bool]) -> int:
    """Delete the entries of the translated connections that are stale; return how many."""
    with NetlinkSocket(NETFILTER) as netlink:
        flows = list(_flows(netlink.dump(_GET, _ANY_IPV4)))
        requests = [
            Request(
                _DELETE,
                _ANY_IPV4 + flow.handle,
                what="forget a UDP connection",
                harmless=frozenset({errno.ENOENT}),
            )
            for flow in flows
            if is_stale((*flow.called, *flow.answering))
        ]
        if requests:
            netlink.apply(requests)
    return len(requests)


def _flows(answers: Iterable[Answer]) -> Iterator[Flow]:
    for answer in answers:
        found = parse_attributes(answer.body[_HEAD.size :])
        called = _end(found[_TUPLE_ORIGINAL], _IP_DESTINATION, _PROTO_DESTINATION_PORT)
        answering = _end(found[_TUPLE_REPLY], _IP_SOURCE, _PROTO_SOURCE_PORT)
        if called is None or answering is None or called == answering:
            continue
        handle = attribute(_TUPLE_ORIGINAL | 0x8000, found[_TUPLE_ORIGINAL])
        handle += attribute(_ID, found[_ID])
        if _ZONE in found:
            handle += attribute(_ZONE, found[_ZONE])
        yield Flow(called, answering, handle)


def _end(data: bytes, ip_kind: int, port_kind: int) -> tuple[IPv4Address, int] | None:
    found = parse_attributes(data)
    protocol = parse_attributes(found[_TUPLE_PROTO])
    if protocol[_PROTO_NUMBER][0] != IPPROTO_UDP:
        return None
    address = IPv4Address(parse_attributes(found[_TUPLE_IP])[ip_kind])
    return address, int.from_bytes(protocol[port_kind], "big")
