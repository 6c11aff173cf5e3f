"""Interface names, MAC addresses and groups: computed from the address, so never double.

The kernel refuses a second interface of one name; since a pod's interface is named by its
address, no address can be in use twice, whatever we believe.
"""

from ipaddress import IPv4Address, IPv4Network

from paas.settings.instance import Instance

HOST_MAC = bytes.fromhex("0a5800000001")
"""Every pod sees the machine under this one MAC address."""

EGRESS_ONLY_GROUP = 0x6D6E01
"""The interface group of pods that may reach the world, but no pod and no service."""

_PROJECT_PREFIX = 24


def pod_prefix(instance: Instance) -> str:
    """Return how the names of all pods' interfaces begin: `mn0p`."""
    return f"{instance.bridge_prefix}p"


def node_interface(instance: Instance) -> str:
    """Return the name of the interface that has the machine's own address: `mn0node`."""
    return f"{instance.bridge_prefix}node"


def pod_interface(instance: Instance, address: IPv4Address) -> str:
    """Return the name of the machine's end of a pod's pair: `mn0p00304` for 10.64.3.4."""
    offset = int(address) - int(instance.pod_network.network_address)
    return f"{pod_prefix(instance)}{offset:05x}"


def address_of_interface(instance: Instance, name: str) -> IPv4Address | None:
    """Return the address in an interface's name; None if it is not a pod's of this instance."""
    digits = name.removeprefix(pod_prefix(instance))
    if digits == name:
        return None
    try:
        return instance.pod_network[int(digits, 16)]
    except (ValueError, IndexError):
        return None


def pod_mac(address: IPv4Address) -> bytes:
    """Return the MAC address of a pod's eth0: 0a:58 and its IPv4 address."""
    return b"\x0a\x58" + address.packed


def subnet_of(address: IPv4Address) -> IPv4Network:
    """Return the project's /24 that an address lies in."""
    return IPv4Network((address, _PROJECT_PREFIX), strict=False)
