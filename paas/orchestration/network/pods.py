"""Wires pods: a pair of interfaces for each, one end in the pod, routed by the machine.

There is no bridge. Each pod has a /32 and a route to its gateway over a pair of its own, and the
machine has one route to each pod. So every packet between pods passes the forward hook whether
br_netfilter is loaded or not, no pod can speak ARP or Ethernet with another, a pod that is gone
is "unreachable" at once, and a source address is honest exactly if the route back to it leads
through the interface it came from. What is wired can be read back from the kernel alone: the
interface's name is the address, its alias begins with the pod's uid.
"""

import errno
import socket
import threading
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import structlog

from paas.orchestration.network import links
from paas.orchestration.network.addresses import AddressPool, gateway_of
from paas.orchestration.network.errors import NetlinkError
from paas.orchestration.network.namespaces import namespace_open, namespace_run
from paas.orchestration.network.naming import (
    EGRESS_ONLY_GROUP,
    HOST_MAC,
    address_of_interface,
    pod_interface,
    pod_mac,
    subnet_of,
)
from paas.orchestration.network.netlink import NetlinkSocket
from paas.orchestration.nodeagent.ports import PodAddress
from paas.settings.instance import Instance

log = structlog.get_logger(__name__)

_CARRIER_LOOKS, _CARRIER_PAUSE_S = 100, 0.005
_SYSCTLS = {
    "net/ipv4/ip_unprivileged_port_start": "0",  # root in the pod is nobody here
    "net/ipv4/ping_group_range": "0 2147483647",
}


class NetlinkPodNetwork:
    """The PodNetwork of the node agent, by rtnetlink. `mtu` is that of the way to the world.

    `before_wiring` gets namespace and uid of a pod that has its address and nothing else yet.
    """

    before_wiring: Callable[[str, str], None] = staticmethod(lambda _namespace, _pod_uid: None)

    def __init__(self, instance: Instance, *, mtu: int = 1500) -> None:
        self._instance = instance
        self._mtu = mtu
        self._ipv6 = Path("/proc/sys/net/ipv6").exists()
        self._lock = threading.Lock()
        self._pool = AddressPool()

    def adopt(self) -> None:
        """Take over what an earlier process wired, and remove what it left half done.

        Call it once, before the first `attach`.
        """
        with NetlinkSocket() as netlink, self._lock:
            found = links.parse_links(netlink.dump(links.GETLINK, links.ANY_LINK))
            for link in sorted(found, key=lambda one: one.index):
                address = address_of_interface(self._instance, link.name)
                if address is None:
                    continue
                if link.alias:
                    self._pool.adopt(subnet_of(address), link.alias.split(" ")[0], address)
                else:
                    log.info("half_made_interface_removed", interface=link.name)
                    netlink.apply([links.link_delete(link.name)])

    def attach(
        self,
        *,
        pod_uid: str,
        namespace: str,
        pid: int,
        subnet: IPv4Network,
        egress_only: bool = False,
    ) -> PodAddress:
        """Wire the network namespace of process `pid`; return the address.

        Raises RetryLaterError when the subnet is full or the process has ended, NetlinkError, and
        what `before_wiring` raises.
        """
        with namespace_open(pid) as descriptor:
            with self._lock:
                address = self._pool.take(subnet, pod_uid)
            self.before_wiring(namespace, pod_uid)
            veth = links.Veth(
                name=pod_interface(self._instance, address),
                mac=HOST_MAC,
                peer_mac=pod_mac(address),
                namespace_fd=descriptor,
                mtu=self._mtu,
                group=EGRESS_ONLY_GROUP if egress_only else 0,
            )
            with NetlinkSocket() as netlink:
                self._make(netlink, veth, alias=f"{pod_uid} {namespace}")
                self._route(netlink, veth, address)
                namespace_run(descriptor, lambda: self._inside(address, gateway_of(subnet)))
                _await_carrier(netlink, veth.name)
        return PodAddress(str(address))

    def detach(self, pod_uid: str) -> None:
        """Take the pod's interface and address away; nothing happens if it has none."""
        with self._lock:
            address = self._pool.find(pod_uid)
        if address is None:
            return
        with NetlinkSocket() as netlink:
            netlink.apply([links.link_delete(pod_interface(self._instance, address))])
        with self._lock:
            self._pool.give_back(pod_uid)

    def find(self, pod_uid: str) -> IPv4Address | None:
        """Return the pod's address, if it has one."""
        with self._lock:
            return self._pool.find(pod_uid)

    def addresses(self) -> Mapping[str, str]:
        """Return pod uid → address of all that are attached, also by an earlier process."""
        with self._lock:
            return self._pool.all()

    def _make(self, netlink: NetlinkSocket, veth: links.Veth, *, alias: str) -> None:
        made = [
            links.veth_add(veth),
            links.link_shape(veth.name, alias=alias, ipv6=self._ipv6, forwarding=True),
            links.link_up(veth.name),
        ]
        try:
            netlink.apply(made)
        except NetlinkError as error:
            if error.code != errno.EEXIST:
                raise
            if not namespace_run(veth.namespace_fd, lambda: _has_mac("eth0", veth.peer_mac)):
                netlink.apply([links.link_delete(veth.name), *made])

    def _route(self, netlink: NetlinkSocket, veth: links.Veth, address: IPv4Address) -> None:
        index = socket.if_nametoindex(veth.name)
        netlink.apply(
            [
                links.neighbour_add(index, address, veth.peer_mac),
                links.route_direct(IPv4Network(address), index, self._instance.node_address),
            ]
        )

    def _inside(self, address: IPv4Address, gateway: IPv4Address) -> None:
        for name, value in _SYSCTLS.items():
            Path("/proc/sys", name).write_text(value)
        with NetlinkSocket() as netlink:
            netlink.apply(
                [
                    links.link_up("lo"),
                    links.link_shape("eth0", ipv6=self._ipv6),
                    links.link_up("eth0"),
                ]
            )
            index = socket.if_nametoindex("eth0")
            netlink.apply(
                [
                    links.address_add(index, address),
                    links.neighbour_add(index, gateway, HOST_MAC),
                    links.route_default(gateway, index),
                ]
            )
            _await_carrier(netlink, "eth0")


def _await_carrier(netlink: NetlinkSocket, name: str) -> None:
    """Wait until an interface sends what it is given.

    The kernel notices a carrier in a work queue of its own and drops packets until then; a lost
    first SYN costs a second. To ask for one interface makes kernels from 6.8 on notice at once.
    """
    for _ in range(_CARRIER_LOOKS):
        (link,) = links.parse_links(netlink.get(links.GETLINK, links.link_named(name)))
        if link.is_up:
            return
        time.sleep(_CARRIER_PAUSE_S)
    log.warning("interface_without_carrier", interface=name)


def _has_mac(name: str, mac: bytes) -> bool:
    with NetlinkSocket() as netlink:
        found = links.parse_links(netlink.dump(links.GETLINK, links.ANY_LINK))
        return any(link.name == name and link.mac == mac for link in found)
