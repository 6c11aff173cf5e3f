"""Networks in CIDR notation, as the API writes them."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network
_SHAPE = re.compile(r"[0-9A-Fa-f:.]+/\d{1,3}")


def network_of(text: str) -> Network | None:
    """Return the network, bits of a host in it masked; None where it is no CIDR notation."""
    if not _SHAPE.fullmatch(text):
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
