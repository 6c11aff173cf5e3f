"""Pods wired by netlink, in real namespaces."""

import json
import os
import socket
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from paas.core.errors import RetryLaterError, TerminalError
from paas.orchestration.network.naming import pod_interface
from paas.orchestration.network.pods import NetlinkPodNetwork
from tests.orchestration.network.lab import BLUE, INSTANCE, MACHINE, RED, WORLD, Lab, ask

pytestmark = pytest.mark.netns


def test_pods_of_one_project_reach_one_another_and_see_the_true_address(lab: Lab) -> None:
    web, client = lab.pod("web"), lab.pod("client")
    web.serve(8080)
    assert client.ask(web.address, 8080) == f"web {client.address}"


def test_the_machine_reaches_a_pod_from_its_own_address_of_the_pod_network(lab: Lab) -> None:
    web = lab.pod("web")
    web.serve(8080)
    assert ask(str(web.address), 8080) == f"web {INSTANCE.node_address}"


def test_a_pod_listens_on_a_low_port_and_has_its_loopback(lab: Lab) -> None:
    web = lab.pod("web")
    web.serve(80)
    assert web.ask("127.0.0.1", 80) == "web 127.0.0.1"
    assert "0" in web.command("cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start")


def test_a_pod_reaches_the_world_under_the_machines_address(lab: Lab) -> None:
    lab.world.serve(80)
    assert lab.pod("web").ask(WORLD, 80) == f"world {MACHINE}"


def test_a_pod_brings_the_machine_no_address(lab: Lab) -> None:
    """A browser on the same machine aborts its requests when one comes (ERR_NETWORK_CHANGED)."""
    before = _addresses()
    name = pod_interface(INSTANCE, lab.pod("web").address)
    assert not [one for one in _addresses() if one[0] == name]
    assert _addresses(own=False) == {one for one in before if one[2] != "link"}
    details = subprocess.run(["ip", "-d", "link", "show", name], capture_output=True, check=True)
    assert b"addrgenmode none" in details.stdout or not Path("/proc/sys/net/ipv6").exists()


def _addresses(*, own: bool = True) -> set[tuple[str, str, str]]:
    """Return (interface, address, scope); without those that the kernel itself makes, if told.

    It makes those for a link some time after that came up: the lab's uplink, for one.
    """
    said = subprocess.run(["ip", "-json", "addr"], capture_output=True, check=True).stdout
    found = {
        (link["ifname"], one["local"], one["scope"])
        for link in json.loads(said)
        for one in link["addr_info"]
    }
    return found if own else {one for one in found if one[2] != "link"}


def test_attaching_the_same_process_again_keeps_everything(lab: Lab) -> None:
    web = lab.pod("web")
    web.serve(8080)
    before = web.command("ip", "link", "show", "eth0")
    again = lab.network.attach(pod_uid="web", namespace="red", pid=web.pid, subnet=RED)
    assert again.ip == str(web.address)
    assert web.command("ip", "link", "show", "eth0") == before
    assert ask(str(web.address), 8080).startswith("web")


def test_a_new_sandbox_of_a_pod_keeps_the_address(lab: Lab) -> None:
    lab.pod("web")
    second = lab.pod("web")
    second.serve(8080)
    assert lab.network.addresses() == {"web": str(second.address)}
    assert ask(str(second.address), 8080).startswith("web")


def test_a_detached_pod_is_unreachable_at_once_and_its_address_rests(lab: Lab) -> None:
    web = lab.pod("web")
    lab.network.detach("web")
    lab.network.detach("web")
    assert ask(str(web.address), 8080) == "No route to host"
    assert lab.network.addresses() == {}
    assert lab.pod("next").address != web.address


def test_addresses_are_never_given_twice_until_the_subnet_is_full(lab: Lab) -> None:
    tiny = IPv4Network((RED.network_address, 29))
    given = {lab.pod(f"pod{number}", tiny).address for number in range(5)}
    assert len(given) == 5
    with pytest.raises(RetryLaterError, match="no free pod address"):
        lab.pod("one-too-many", tiny)


def test_another_process_adopts_what_is_wired(lab: Lab) -> None:
    first, second = lab.pod("first"), lab.pod("second", BLUE)
    successor = NetlinkPodNetwork(INSTANCE)
    successor.adopt()
    assert successor.addresses() == {"first": str(first.address), "second": str(second.address)}
    successor.detach("first")
    lab.network = successor
    assert lab.pod("third").address not in {first.address, second.address}


def test_a_half_made_interface_is_removed_on_adoption(lab: Lab) -> None:
    lab._ip("link", "add", "mndp00305", "type", "bridge")
    NetlinkPodNetwork(INSTANCE).adopt()
    assert not any(name == "mndp00305" for _, name in socket.if_nameindex())


def test_a_process_without_a_namespace_of_its_own_is_refused(lab: Lab) -> None:
    with pytest.raises(TerminalError, match="no network namespace of its own"):
        lab.network.attach(pod_uid="x", namespace="red", pid=os.getpid(), subnet=RED)


def test_a_process_that_has_ended_is_tried_again_later(lab: Lab) -> None:
    with pytest.raises(RetryLaterError, match="has ended"):
        lab.network.attach(pod_uid="x", namespace="red", pid=2**22 - 1, subnet=RED)
