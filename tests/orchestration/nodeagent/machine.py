"""The lab on real podman and real interfaces, in an instance of its own."""

import copy
from ipaddress import IPv4Network

from paas.orchestration.network.machine import machine_prepare
from paas.orchestration.network.pods import NetlinkPodNetwork
from tests.fixtures.podman import SHELL_IMAGE
from tests.orchestration.nodeagent.pods import NAMESPACE, container


def namespace(instance):
    """Return the namespace of pods, with a subnet of the instance's own network."""
    made = copy.deepcopy(NAMESPACE)
    subnet = IPv4Network((int(instance.pod_network[0]) + (3 << 8), 24))
    made["metadata"]["annotations"]["minato.io/pod-subnet"] = str(subnet)
    return made


def shell(script, name="web", **fields):
    """Return a container that runs a shell script."""
    return container(name, SHELL_IMAGE, command=["sh", "-c", script], **fields)


def network_up(instance):
    """Prepare this machine for pods of the tests; return their network."""
    machine_prepare(instance)
    network = NetlinkPodNetwork(instance)
    network.adopt()
    return network
