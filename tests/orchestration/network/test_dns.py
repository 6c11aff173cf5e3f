"""Cluster DNS: a real unbound with the platform's own configuration, asked by pods."""

from dataclasses import replace

import pytest

from paas.orchestration.network.dns import CHECK, LOOK_AGAIN_S, ClusterDns
from paas.orchestration.network.errors import DnsUnavailableError
from paas.orchestration.network.proxy import service_key
from paas.orchestration.network.unbound import Unbound
from tests.orchestration.network.lab import INSTANCE, RED
from tests.orchestration.network.names import (
    BASE,
    NODE,
    NXDOMAIN,
    PTR,
    SRV,
    TXT,
    UnboundServer,
    resolve,
)
from tests.orchestration.network.objects import Cluster, endpoint, endpoint_slice, port, service

pytestmark = pytest.mark.netns


@pytest.fixture
def instance(tmp_path):
    return replace(INSTANCE, home=tmp_path)


@pytest.fixture
def server(lab, instance):
    made = UnboundServer(instance)
    yield made
    made.kill()


@pytest.fixture
def cluster(lab):
    made = Cluster()
    yield made
    made.close()


@pytest.fixture
def unbound(instance):
    return Unbound(instance.dns_control_socket, (NODE, 53))


@pytest.fixture
def dns(server, instance, cluster, unbound):
    made = ClusterDns(instance, unbound, cluster.reader)
    assert made.reconcile(CHECK) == LOOK_AGAIN_S
    return made


def settle(dns, name="web"):
    assert dns.reconcile(service_key("red", name)) is None


def test_a_pod_finds_a_service_by_name_port_and_address(lab, cluster, dns):
    cluster.put(service(address="172.30.209.5", ports=[port(80, name="http")]))
    settle(dns)
    client = lab.pod("client")
    assert client.run(lambda: resolve(f"web.red.{BASE}")) == {"172.30.209.5"}
    srv = client.run(lambda: resolve(f"_http._tcp.web.red.{BASE}", SRV))
    assert srv == {f"web.red.{BASE}:80"}
    reverse = client.run(lambda: resolve("5.209.30.172.in-addr.arpa", PTR))
    assert reverse == {f"web.red.{BASE}"}


def test_the_platforms_own_services_have_names_from_the_start(dns):
    api, registry = INSTANCE.api_service_address, INSTANCE.registry_service_address
    assert resolve(f"kubernetes.default.{BASE}") == {str(api)}
    assert resolve(f"_https._tcp.kubernetes.default.{BASE}", SRV) == {
        f"kubernetes.default.{BASE}:443"
    }
    assert resolve(f"image-registry.openshift-image-registry.{BASE}") == {str(registry)}
    assert resolve("dns-version.cluster.local", TXT) == {"1.1.0"}


def test_a_headless_service_has_an_address_for_each_ready_endpoint(cluster, dns):
    ports = [{"name": "db", "port": 5432, "protocol": "TCP"}]
    ready = endpoint(RED[7], hostname="db-0")
    nameless, unready = endpoint(RED[8]), endpoint(RED[9], ready=False, hostname="db-2")
    outside = endpoint(NODE, hostname="db-3")
    cluster.put(service("db", "None", ports=[port(5432, 5432, name="db")]))
    cluster.put(endpoint_slice(ready, nameless, unready, outside, owner="db", ports=ports))
    settle(dns, "db")
    assert resolve(f"db.red.{BASE}") == {str(RED[7]), str(RED[8])}
    assert resolve(f"db-0.db.red.{BASE}") == {str(RED[7])}
    assert resolve(f"db-2.db.red.{BASE}") == NXDOMAIN
    dashed = str(RED[8]).replace(".", "-")
    assert resolve(f"_db._tcp.db.red.{BASE}", SRV) == {
        f"db-0.db.red.{BASE}:5432",
        f"{dashed}.db.red.{BASE}:5432",
    }
    pointer = RED[7].reverse_pointer
    assert resolve(pointer, PTR) == {f"db-0.db.red.{BASE}"}


def test_names_change_and_go_with_their_service(cluster, dns):
    wanted = service()
    cluster.put(wanted)
    settle(dns)
    cluster.put(service(ports=[port(80, name="http")]))
    settle(dns)
    assert resolve(f"_http._tcp.web.red.{BASE}", SRV) == {f"web.red.{BASE}:80"}
    cluster.remove(wanted)
    settle(dns)
    assert resolve(f"web.red.{BASE}") == NXDOMAIN
    assert resolve(f"_http._tcp.web.red.{BASE}", SRV) == NXDOMAIN


def test_a_restarted_unbound_is_fed_again(cluster, dns, server, unbound):
    cluster.put(service())
    settle(dns)
    server.kill()
    with pytest.raises(DnsUnavailableError):
        dns.reconcile(CHECK)
    server.start()
    assert resolve(f"web.red.{BASE}") == NXDOMAIN
    dns.reconcile(CHECK)
    assert resolve(f"web.red.{BASE}") == {"172.30.209.5"}


def test_a_change_while_unbound_is_down_is_there_afterwards(cluster, dns, server):
    server.kill()
    cluster.put(service())
    with pytest.raises(DnsUnavailableError):
        settle(dns)
    server.start()
    dns.reconcile(CHECK)
    assert resolve(f"web.red.{BASE}") == {"172.30.209.5"}


def test_a_new_process_removes_what_has_gone_and_leaves_the_rest(cluster, dns, instance, unbound):
    gone = service("gone", "172.30.209.6")
    cluster.put(service(), gone)
    settle(dns)
    settle(dns, "gone")
    cluster.remove(gone)
    ClusterDns(instance, unbound, cluster.reader).reconcile(CHECK)
    assert resolve(f"web.red.{BASE}") == {"172.30.209.5"}
    assert resolve(f"gone.red.{BASE}") == NXDOMAIN


def test_odd_names_do_not_hold_up_others(cluster, dns):
    long = "p" * 63
    cluster.put(service("odd", "172.30.209.9", ports=[port(1, name=long), port(2, name="ok")]))
    settle(dns, "odd")
    assert resolve(f"odd.red.{BASE}") == {"172.30.209.9"}
    assert resolve(f"_ok._tcp.odd.red.{BASE}", SRV) == {f"odd.red.{BASE}:2"}


def test_an_unknown_name_of_the_cluster_does_not_leave_it(dns):
    assert resolve(f"nobody.red.{BASE}") == NXDOMAIN
