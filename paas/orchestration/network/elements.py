"""Elements of sets and maps that come and go, and chains and sets that go, by netlink.

libnftables reads every set of every table before it adds an element: 5 ms with a thousand services,
and 16 ms before it deletes a set. The kernel needs but the names.
Source: linux/netfilter/nf_tables.h, nfnetlink.h.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from socket import IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP
from typing import Final, Literal

from paas.orchestration.network.netlink import CREATE, Request, attribute, nested, text

BEGIN: Final = Request(0x10, struct.pack("!BBH", 0, 0, 10))
END: Final = Request(0x11, struct.pack("!BBH", 0, 0, 10))
_REMOVALS = {"chain": ((10 << 8) | 5, 3), "set": ((10 << 8) | 11, 2)}
_TABLE = 1
_NEW, _DELETE = (10 << 8) | 12, (10 << 8) | 14
_INET = struct.pack("!BBH", 1, 0, 0)
_LIST_TABLE, _LIST_SET, _LIST_ELEMENTS, _LIST_ELEMENT = 1, 2, 3, 1
_KEY, _DATA, _DATA_VALUE, _DATA_VERDICT = 1, 2, 1, 2
_VERDICT_CODE, _VERDICT_CHAIN, _JUMP = 1, 2, -3
_NUMBERS = {"tcp": IPPROTO_TCP, "udp": IPPROTO_UDP, "sctp": IPPROTO_SCTP}
_MESSAGE = 200  # elements; an attribute has 64 KiB at most


@dataclass(frozen=True, slots=True)
class ElementChange:
    """Elements that come to a set, or leave it, as nft spells them: `10.64.3.2 . tcp . 80`.

    In a map each element leads to `chain`.
    """

    name: str
    elements: tuple[str, ...]
    comes: bool
    chain: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """A chain with its rules, or a set with its elements, that nothing leads to any more."""

    kind: Literal["chain", "set"]
    name: str


Change = ElementChange | Removal


def change_requests(table: str, changes: Iterable[Change]) -> list[Request]:
    """Return the messages of a transaction, without its begin and end. `table` is of inet."""
    name = table.removeprefix("inet ")
    requests: list[Request] = []
    for change in changes:
        if isinstance(change, Removal):
            requests.append(_removal(name, change))
            continue
        for first in range(0, len(change.elements), _MESSAGE):
            requests.append(_request(name, change, change.elements[first : first + _MESSAGE]))
    return requests


def _removal(table: str, change: Removal) -> Request:
    kind, attribute_kind = _REMOVALS[change.kind]
    body = _INET + text(_TABLE, table) + text(attribute_kind, change.name)
    return Request(kind, body, 0, f"delete {change.kind} {change.name}")


def _request(table: str, change: ElementChange, elements: Sequence[str]) -> Request:
    listed = [nested(_LIST_ELEMENT, *_element(one, change)) for one in elements]
    body = (
        _INET,
        text(_LIST_TABLE, table),
        text(_LIST_SET, change.name),
        nested(_LIST_ELEMENTS, *listed),
    )
    flags = CREATE if change.comes else 0
    what = f"{'add to' if change.comes else 'delete from'} {change.name}"
    return Request(_NEW if change.comes else _DELETE, b"".join(body), flags, what)


def _element(element: str, change: ElementChange) -> Iterable[bytes]:
    yield nested(_KEY, attribute(_DATA_VALUE, _key(element)))
    if change.comes and change.chain:
        code = attribute(_VERDICT_CODE, struct.pack("!i", _JUMP))
        verdict = nested(_DATA_VERDICT, code, text(_VERDICT_CHAIN, change.chain))
        yield nested(_DATA, verdict)


def _key(element: str) -> bytes:
    """Return the registers: each part of a key is padded to four bytes."""
    address, *rest = element.split(" . ")
    packed = IPv4Address(address).packed
    if rest:
        protocol, port = rest
        packed += struct.pack("!BxxxHxx", _NUMBERS[protocol], int(port))
    return packed
