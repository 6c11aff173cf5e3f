"""Who reaches whom: the cases of DESIGN §5, tried with real packets."""

import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address

import pytest

from paas.orchestration.network.links import address_add
from paas.orchestration.network.machine import machine_prepare
from paas.orchestration.network.naming import pod_interface
from paas.orchestration.network.netlink import NetlinkSocket
from paas.orchestration.network.rules import API_PORT, DNS_PORT, REGISTRY_PORT
from tests.orchestration.network.lab import (
    BLUE,
    INSTANCE,
    MACHINE,
    SILENCE_S,
    WAIT_S,
    WORLD,
    Lab,
    ask,
    listening,
)

pytestmark = pytest.mark.netns
NODE = INSTANCE.node_address
REFUSED = "Connection refused"
SILENCE = "TimeoutError"


def test_a_pod_of_another_project_is_refused(lab: Lab) -> None:
    web, stranger = lab.pod("web"), lab.pod("stranger", BLUE)
    web.serve(8080)
    assert stranger.ask(web.address, 8080) == REFUSED


def test_a_datagram_to_another_project_is_refused(lab: Lab) -> None:
    web, stranger = lab.pod("web"), lab.pod("stranger", BLUE)
    web.serve(9000, kind=socket.SOCK_DGRAM)
    assert stranger.ask(web.address, 9000, kind=socket.SOCK_DGRAM) == "No route to host"


@pytest.mark.parametrize("address", [MACHINE, NODE, INSTANCE.pod_network[257]])
def test_the_machine_itself_does_not_answer_a_pod(lab: Lab, address: object) -> None:
    lab.serve("", 22)
    said = lab.pod("web").ask(address, 22, within_s=SILENCE_S)
    assert said in {SILENCE, "No route to host", REFUSED}
    assert ask(str(NODE), 22).startswith("machine")


def test_the_gateway_address_is_nobody(lab: Lab) -> None:
    assert lab.pod("web").ask(INSTANCE.pod_network[3 * 256 + 1], 22) == "No route to host"


@pytest.mark.parametrize(
    ("service", "port", "target"),
    [
        (INSTANCE.api_service_address, 443, API_PORT),
        (INSTANCE.registry_service_address, 5000, REGISTRY_PORT),
        (INSTANCE.dns_service_address, 53, DNS_PORT),
    ],
)
def test_platform_services_answer_every_pod(
    lab: Lab, service: object, port: int, target: int
) -> None:
    lab.serve(NODE, target)
    web, build = lab.pod("web", BLUE), lab.pod("build", egress_only=True)
    assert web.ask(service, port) == f"machine {web.address}"
    assert build.ask(service, port) == f"machine {build.address}"
    assert ask(str(service), port) == f"machine {NODE}"


def test_dns_answers_by_udp(lab: Lab) -> None:
    lab.serve(NODE, DNS_PORT, kind=socket.SOCK_DGRAM)
    web = lab.pod("web")
    answer = web.ask(INSTANCE.dns_service_address, 53, kind=socket.SOCK_DGRAM)
    assert answer == f"machine {web.address}"


def test_an_unknown_service_address_is_refused_at_once(lab: Lab) -> None:
    unknown = INSTANCE.service_network[99]
    assert lab.pod("web").ask(unknown, 80) == REFUSED
    assert ask(str(unknown), 80) == REFUSED


@pytest.mark.parametrize("address", ["169.254.169.254", "10.64.0.1", "172.30.0.1", "127.0.0.2"])
def test_metadata_loopback_and_other_instances_are_out_of_reach(lab: Lab, address: str) -> None:
    lab.world.command("ip", "addr", "add", f"{address}/32", "dev", "lo")
    lab.world.command("ip", "link", "set", "lo", "up")
    lab.world.serve(80)
    assert not lab.pod("web").ask(address, 80, within_s=SILENCE_S).startswith("world")


def test_a_pod_cannot_send_from_another_address(lab: Lab) -> None:
    victim, thief, server = lab.pod("victim"), lab.pod("thief"), lab.pod("server")
    ear = server.run(lambda: listening("", 9000, socket.SOCK_DGRAM))

    def send(source: IPv4Address) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((str(source), 0))
            sock.sendto(b"?", (str(server.address), 9000))

    def steal() -> None:
        with NetlinkSocket() as netlink:
            netlink.apply([address_add(socket.if_nametoindex("eth0"), victim.address)])
        send(victim.address)
        send(thief.address)

    with ear:
        ear.settimeout(WAIT_S)
        thief.run(steal)
        assert ear.recvfrom(100)[1][0] == str(thief.address)
        victim.run(lambda: send(victim.address))
        assert ear.recvfrom(100)[1][0] == str(victim.address)


def test_a_pod_cannot_reach_the_machine_by_ipv6(lab: Lab) -> None:
    web = lab.pod("web")
    theirs, ours = "fd00::2", "fd00::1"
    interface = pod_interface(INSTANCE, web.address)
    assert "inet6" not in web.command("ip", "addr", "show", "dev", "eth0")
    web.command("ip", "addr", "add", f"{theirs}/64", "dev", "eth0", "nodad")
    lab._ip("addr", "add", f"{ours}/64", "dev", interface, "nodad")
    lab.serve6(ours, 22)
    ask6 = partial(ask, ours, 22, family=socket.AF_INET6)
    assert web.run(partial(ask6, within_s=SILENCE_S)) == SILENCE
    assert ask6().startswith("machine")


def test_an_egress_only_pod_reaches_the_world_and_no_pod(lab: Lab) -> None:
    web, build = lab.pod("web"), lab.pod("build", egress_only=True)
    web.serve(8080)
    build.serve(8080)
    lab.world.serve(80)
    assert build.ask(WORLD, 80) == f"world {MACHINE}"
    assert build.ask(web.address, 8080) == REFUSED
    assert web.ask(build.address, 8080) == REFUSED
    assert ask(str(build.address), 8080).startswith("build")


def test_the_world_reaches_neither_pods_nor_services(lab: Lab) -> None:
    web = lab.pod("web")
    web.serve(8080)
    lab.world.command("ip", "route", "add", "10.64.0.0/10", "via", str(MACHINE))
    lab.world.command("ip", "route", "add", "172.30.0.0/16", "via", str(MACHINE))
    lab.serve(NODE, API_PORT)
    places = [(web.address, 8080), (INSTANCE.api_service_address, 443), (NODE, API_PORT)]
    with ThreadPoolExecutor(len(places)) as threads:
        said = threads.map(lambda place: lab.world.ask(*place, within_s=SILENCE_S), places)
        assert set(said) == {SILENCE}


def test_the_machine_does_not_become_a_router_for_its_neighbours(lab: Lab) -> None:
    other = lab.neighbour("other", "192.0.2")
    other.serve(80)
    lab.world.command("ip", "route", "add", "192.0.2.0/24", "via", str(MACHINE))
    lab._ip("route", "add", "203.0.113.0/24", "via", "192.0.2.2")
    uplinks = machine_prepare(INSTANCE)
    assert uplinks.names == uplinks.guarded == ("other", "up0")
    lab.table.prepare()  # nothing guarded: what a router would do
    assert lab.world.ask("192.0.2.2", 80).startswith("other")
    lab.table.prepare(uplinks.guarded)
    assert lab.world.ask("192.0.2.2", 80, within_s=SILENCE_S) == SILENCE
    assert lab.pod("web").ask("192.0.2.2", 80) == "other 192.0.2.1"


def test_interfaces_are_named_by_address(lab: Lab) -> None:
    web = lab.pod("web")
    names = {name for _, name in socket.if_nameindex()}
    assert pod_interface(INSTANCE, web.address) in names
