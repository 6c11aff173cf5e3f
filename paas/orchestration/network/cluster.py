"""The whole network of one node, put together: for the process that runs the controllers."""

from dataclasses import dataclass

import structlog

from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.engine.informers import Informers
from paas.core.objects import ObjectKey
from paas.orchestration.network.dns import ClusterDns
from paas.orchestration.network.machine import machine_prepare
from paas.orchestration.network.nftables import Nftables
from paas.orchestration.network.pods import NetlinkPodNetwork
from paas.orchestration.network.policing import NetworkPolicing
from paas.orchestration.network.proxy import ServiceProxy, ServiceReader
from paas.orchestration.network.rules import DNS_PORT
from paas.orchestration.network.table import ServiceTable
from paas.orchestration.network.unbound import Unbound
from paas.settings.instance import Instance

log = structlog.get_logger(__name__)

LOOK_AGAIN_S = 2.0
_MACHINE = ObjectKey("machine", "", "network")


@dataclass(frozen=True, slots=True)
class ClusterNetwork:
    """What the node agent and the manager get: `pods` is the PodNetwork, ready to be used."""

    instance: Instance
    pods: NetlinkPodNetwork
    proxy: ServiceProxy
    policing: NetworkPolicing
    dns: ClusterDns
    table: ServiceTable

    def controllers(self) -> list[Controller]:
        """Return the declarations to add to the manager."""
        watch = Controller(name="network-keeper", reconcile=self._keep, first_keys=(_MACHINE,))
        ours = (self.proxy, self.policing, self.dns)
        return [*(one.controller() for one in ours), watch]

    def close(self) -> None:
        """Let go of the kernel, after the manager has stopped; everything stays as it is."""
        self.table.close()

    def _keep(self, _: ObjectKey) -> float:
        """Mend what somebody else broke: a firewall service that flushed every table."""
        if not self.table.is_untouched():
            self.table.prepare(machine_prepare(self.instance).guarded)
            self.policing.resync()
            self.proxy.resync()
            log.info("network_rules_checked")
        return LOOK_AGAIN_S


def network_open(instance: Instance, informers: Informers) -> ClusterNetwork:
    """Prepare the machine and adopt what an earlier process left; running pods notice nothing.

    Call it before the informers start. Raises NetlinkError or NftablesError if the kernel lacks
    something.
    """
    uplinks = machine_prepare(instance)
    table = ServiceTable(instance, Nftables())
    table.prepare(uplinks.guarded)
    pods = NetlinkPodNetwork(instance, mtu=uplinks.mtu)
    pods.adopt()
    reader = ServiceReader(informers)
    unbound = Unbound(instance.dns_control_socket, (str(instance.node_address), DNS_PORT))
    proxy = ServiceProxy(instance, table, reader)
    policing = NetworkPolicing(instance, table, informers, pods.find)
    pods.before_wiring = policing.admit
    dns = ClusterDns(instance, unbound, reader)
    return ClusterNetwork(instance, pods, proxy, policing, dns, table)
