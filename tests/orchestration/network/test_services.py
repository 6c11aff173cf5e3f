"""Services answer: real packets through the real table, wishes from a fake door."""

import socket
import threading

import pytest

from paas.orchestration.network.nftables import Nftables
from paas.orchestration.network.proxy import ServiceProxy, service_key
from paas.orchestration.network.table import ServiceTable
from paas.settings.instance import Instance
from tests.orchestration.network.lab import BLUE, INSTANCE, RED, WAIT_S, ask
from tests.orchestration.network.objects import (
    Cluster,
    endpoint,
    endpoint_slice,
    namespace,
    port,
    service,
)

pytestmark = pytest.mark.netns
VIP = INSTANCE.service_network[0x105]
NODE = INSTANCE.node_address
REFUSED = "Connection refused"


@pytest.fixture
def cluster(lab):
    made = Cluster()
    yield made
    made.close()


@pytest.fixture
def proxy(lab, cluster):
    return ServiceProxy(INSTANCE, lab.table, cluster.reader)


def settle(proxy, name="web", project="red"):
    assert proxy.reconcile(service_key(project, name)) is None


def web(*endpoints, **more):
    return [service(address=VIP, **more), endpoint_slice(*endpoints)]


def test_a_service_answers_pods_and_the_machine(lab, cluster, proxy):
    server, client = lab.pod("server"), lab.pod("client")
    server.serve(8080)
    cluster.put(*web(endpoint(server.address)))
    settle(proxy)
    assert client.ask(VIP, 80) == f"server {client.address}"
    assert ask(str(VIP), 80) == f"server {NODE}"


def test_a_service_spreads_connections_over_all_ready_endpoints(lab, cluster, proxy):
    pods = [lab.pod(f"pod{number}") for number in range(3)]
    for pod in pods:
        pod.serve(8080)
    cluster.put(*web(*(endpoint(pod.address) for pod in pods)))
    settle(proxy)
    assert {ask(str(VIP), 80).split()[0] for _ in range(60)} == {"pod0", "pod1", "pod2"}


def test_a_pod_reaches_itself_through_its_service(lab, cluster, proxy):
    server = lab.pod("server")
    server.serve(8080)
    cluster.put(*web(endpoint(server.address)))
    settle(proxy)
    assert server.ask(VIP, 80) == f"server {NODE}"
    assert server.ask(server.address, 8080) == f"server {server.address}"


def test_a_pod_reaches_itself_beside_another_instance(lab, cluster, proxy):
    server = lab.pod("server")
    server.serve(8080)
    cluster.put(*web(endpoint(server.address)))
    settle(proxy)
    # it comes last: of chains with one priority, the kernel asks the newest first
    ServiceTable(Instance(number=12), lab.nftables).prepare()
    assert server.ask(VIP, 80) == f"server {NODE}"


def test_another_project_is_refused_as_if_nobody_served(lab, cluster, proxy):
    server, stranger = lab.pod("server"), lab.pod("stranger", BLUE)
    server.serve(8080)
    cluster.put(*web(endpoint(server.address)))
    settle(proxy)
    assert stranger.ask(VIP, 80) == REFUSED


def test_an_egress_only_pod_does_not_reach_its_projects_services(lab, cluster, proxy):
    server, build = lab.pod("server"), lab.pod("build", egress_only=True)
    server.serve(8080)
    cluster.put(*web(endpoint(server.address)))
    settle(proxy)
    assert build.ask(VIP, 80) == REFUSED


def test_without_endpoints_a_connection_is_refused_at_once(lab, cluster, proxy):
    client = lab.pod("client")
    cluster.put(*web(endpoint(RED[77], ready=False)))
    settle(proxy)
    assert client.ask(VIP, 80) == REFUSED
    assert ask(str(VIP), 80) == REFUSED
    assert client.ask(VIP, 80, kind=socket.SOCK_DGRAM) == REFUSED


def test_a_terminating_endpoint_serves_only_as_long_as_no_other_is_ready(lab, cluster, proxy):
    old, new = lab.pod("old"), lab.pod("new")
    for pod in (old, new):
        pod.serve(8080)
    leaving = endpoint(old.address, ready=False, serving=True, terminating=True)
    cluster.put(*web(leaving))
    settle(proxy)
    assert ask(str(VIP), 80).startswith("old")
    assert not proxy.sends_to(str(old.address))
    cluster.put(endpoint_slice(leaving, endpoint(new.address)))
    settle(proxy)
    assert {ask(str(VIP), 80).split()[0] for _ in range(20)} == {"new"}
    assert proxy.sends_to(str(new.address))
    pod = {"status": {"podIPs": [{"ip": str(old.address)}]}}
    assert proxy.is_drained(pod)
    assert not proxy.is_drained({"status": {"podIPs": [{"ip": str(new.address)}]}})


def test_a_new_process_lets_no_pod_be_stopped_before_it_knows_who_sends_there(lab, cluster, proxy):
    server = lab.pod("server")
    server.serve(8080)
    cluster.put(*web(endpoint(server.address, ready=False, terminating=True)))
    pod = {"status": {"podIPs": [{"ip": str(server.address)}]}}
    assert not proxy.is_drained(pod)
    settle(proxy)
    assert proxy.is_drained(pod)


def test_an_endpoint_outside_the_projects_subnet_gets_nothing(lab, cluster, proxy):
    server = lab.pod("server", BLUE)
    server.serve(8080)
    cluster.put(*web(endpoint(server.address), endpoint(NODE)))
    settle(proxy)
    assert ask(str(VIP), 80) == REFUSED


def test_several_ports_and_protocols_lead_to_their_own_targets(lab, cluster, proxy):
    server, client = lab.pod("server"), lab.pod("client")
    server.serve(8443, name="tls")
    server.serve(5353, kind=socket.SOCK_DGRAM, name="dns")
    ports = [port(443, "tls", name="tls"), port(53, 5353, "UDP", name="dns")]
    targets = [
        {"name": "tls", "port": 8443, "protocol": "TCP"},
        {"name": "dns", "port": 5353, "protocol": "UDP"},
    ]
    cluster.put(service(address=VIP, ports=ports))
    cluster.put(endpoint_slice(endpoint(server.address), ports=targets))
    settle(proxy)
    assert client.ask(VIP, 443).startswith("tls")
    assert client.ask(VIP, 53, kind=socket.SOCK_DGRAM).startswith("dns")
    assert client.ask(VIP, 53) == REFUSED


def test_a_removed_udp_endpoint_is_forgotten_by_clients_that_go_on_sending(lab, cluster, proxy):
    old, new, client = lab.pod("old"), lab.pod("new"), lab.pod("client")
    targets = [{"name": "", "port": 5353, "protocol": "UDP"}]
    for pod in (old, new):
        pod.serve(5353, kind=socket.SOCK_DGRAM)
    cluster.put(service(address=VIP, ports=[port(53, 5353, "UDP")]))
    cluster.put(endpoint_slice(endpoint(old.address), ports=targets))
    settle(proxy)
    with client.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.settimeout(WAIT_S)
        sock.connect((str(VIP), 53))
        sock.send(b"?")
        assert sock.recv(100).startswith(b"old")
        cluster.put(endpoint_slice(endpoint(new.address), ports=targets))
        settle(proxy)
        sock.send(b"?")
        assert sock.recv(100).startswith(b"new")


def test_a_deleted_service_is_gone(lab, cluster, proxy):
    server = lab.pod("server")
    server.serve(8080)
    wanted = service(address=VIP)
    cluster.put(wanted, endpoint_slice(endpoint(server.address)))
    settle(proxy)
    cluster.remove(wanted)
    settle(proxy)
    assert ask(str(VIP), 80) == REFUSED
    assert lab.table.owners() == frozenset()


def test_headless_and_platform_addresses_make_no_rules(lab, cluster, proxy):
    server = lab.pod("server")
    server.serve(8080)
    cluster.put(service("none", "None"), endpoint_slice(endpoint(server.address), owner="none"))
    thief = service("thief", INSTANCE.dns_service_address, ports=[port(53)])
    cluster.put(thief, endpoint_slice(endpoint(server.address), owner="thief"))
    settle(proxy)
    assert lab.table.owners() == frozenset()
    assert ask(str(INSTANCE.dns_service_address), 53) == REFUSED


def test_a_project_that_gets_its_subnet_later_is_served_then(lab, cluster, proxy):
    server = lab.pod("server", BLUE)
    server.serve(8080)
    cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "blue"}})
    cluster.put(service(address=VIP, project="blue"))
    cluster.put(endpoint_slice(endpoint(server.address), project="blue"))
    settle(proxy, project="blue")
    assert ask(str(VIP), 80) == REFUSED
    cluster.put(namespace("blue", BLUE))
    settle(proxy, project="blue")
    assert ask(str(VIP), 80).startswith("server")


def test_a_new_process_adopts_the_rules_and_open_connections_go_on(lab, cluster, proxy):
    server, client = lab.pod("server"), lab.pod("client")
    listener = server.run(lambda: socket.create_server(("", 8080)))
    gone = service("gone", INSTANCE.service_network[0x106])
    cluster.put(*web(endpoint(server.address)))
    cluster.put(gone, endpoint_slice(endpoint(server.address), owner="gone"))
    settle(proxy)
    with listener, client.run(lambda: socket.create_connection((str(VIP), 80), WAIT_S)) as sock:
        accepted, _ = listener.accept()
        cluster.remove(gone)
        before = set(lab.table._current.values())
        successor = ServiceTable(INSTANCE, Nftables())
        successor.prepare(lab.uplinks.guarded)
        assert set(successor._current.values()) == before
        settle(ServiceProxy(INSTANCE, successor, cluster.reader))
        assert successor.owners() == {"red/web"}
        with accepted:
            sock.sendall(b"still here")
            assert accepted.recv(100) == b"still here"
    successor.close()
    assert ask(str(INSTANCE.service_network[0x106]), 80) == REFUSED


def test_no_connection_fails_while_rules_are_made_anew_and_endpoints_change(lab, cluster, proxy):
    pods = [lab.pod(f"pod{number}") for number in range(3)]
    for pod in pods:
        pod.serve(8080)
    cluster.put(*web(*(endpoint(pod.address) for pod in pods)))
    settle(proxy)
    answers: list[str] = []
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            answers.append(ask(str(VIP), 80))

    caller = threading.Thread(target=call)
    caller.start()
    for number in range(600):
        if number % 20 == 0:
            lab.table.prepare(lab.uplinks.guarded)
        chosen = [pod for place, pod in enumerate(pods) if place != number % 3]
        cluster.put(endpoint_slice(*(endpoint(pod.address) for pod in chosen)))
        settle(proxy)
    stop.set()
    caller.join()
    assert answers
    odd = [one for one in answers if not one.startswith("pod")]
    assert not odd, (odd, len(answers))


def test_a_flushed_ruleset_is_noticed_and_mended(lab, cluster, proxy):
    server, stranger = lab.pod("server"), lab.pod("stranger", BLUE)
    server.serve(8080)
    cluster.put(*web(endpoint(server.address)))
    settle(proxy)
    assert lab.table.is_untouched()
    vandal = Nftables()
    vandal.run("flush ruleset\n")
    vandal.close()
    assert not lab.table.is_untouched()
    lab.table.prepare(lab.uplinks.guarded)
    proxy.resync()
    assert lab.table.is_untouched()
    assert ask(str(VIP), 80).startswith("server")
    assert stranger.ask(server.address, 8080) == REFUSED
