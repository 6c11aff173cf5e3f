"""What services, names and addresses are made of, without a kernel."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from paas.core.errors import RetryLaterError
from paas.orchestration.network.addresses import AddressPool
from paas.orchestration.network.naming import address_of_interface, pod_interface
from paas.orchestration.network.records import parse_records, platform_records, service_records
from paas.orchestration.network.services import (
    owner_of,
    platform_ports,
    service_wish,
    transactions,
)
from paas.orchestration.network.unbound import batches
from paas.settings.instance import Instance
from tests.orchestration.network.objects import endpoint, endpoint_slice, service

INSTANCE = Instance(number=0)
SUBNET = IPv4Network("10.64.3.0/24")
TABLE = "inet minato0"


def wish(*endpoints, subnet=SUBNET, **more):
    ours = service(address="172.30.1.5", **more)
    return service_wish(ours, [endpoint_slice(*endpoints)], subnet=subnet, instance=INSTANCE)


def test_a_wish_does_not_depend_on_the_order_of_endpoints():
    one, two = endpoint("10.64.3.2"), endpoint("10.64.3.3")
    assert wish(one, two) == wish(two, one)
    assert wish(one, two).ports[0].rule == (
        "meta l4proto tcp dnat ip to numgen random mod 2 "
        "map { 0 : 10.64.3.2 . 8080, 1 : 10.64.3.3 . 8080 }"
    )


@pytest.mark.parametrize("name", ["We;b", "a/b", "-", "x" * 64])
def test_a_name_that_is_no_label_never_reaches_the_kernel(name):
    assert wish(endpoint("10.64.3.2"), name=name).ports == ()


@pytest.mark.parametrize("address", ["8.8.8.8", "172.30.16.5", "172.30.0.10", "", "None"])
def test_an_address_that_is_not_ours_to_serve_makes_no_wish(address):
    ours = service(address=address)
    slices = [endpoint_slice(endpoint("10.64.3.2"))]
    assert service_wish(ours, slices, subnet=SUBNET, instance=INSTANCE).ports == ()


def test_a_project_without_a_subnet_has_no_endpoints():
    assert wish(endpoint("10.64.3.2"), subnet=None).ports == ()


def test_a_terminating_pod_that_its_service_publishes_leaves_when_another_is_there():
    leaving = endpoint("10.64.3.2", ready=True, serving=False, terminating=True)
    alone, both = wish(leaving), wish(leaving, endpoint("10.64.3.3"))
    assert [place for place, _ in alone.ports[0].endpoints] == [IPv4Address("10.64.3.2")]
    assert [place for place, _ in both.ports[0].endpoints] == [IPv4Address("10.64.3.3")]
    assert (alone.ready, both.ready) == (frozenset(), frozenset({"10.64.3.3"}))


def test_a_change_touches_only_what_differs_and_never_a_chain_in_use():
    old, new = wish(endpoint("10.64.3.2")).ports, wish(endpoint("10.64.3.3")).ports
    current = {port.at: port.chain for port in (*platform_ports(INSTANCE), *old)}
    assert transactions(TABLE, current, [*platform_ports(INSTANCE), *old]) == []
    steps = transactions(TABLE, current, [*platform_ports(INSTANCE), *new])
    assert [[line.split()[:2] for line in lines.splitlines()] for lines in steps] == [
        [["add", "chain"], ["flush", "chain"], ["add", "rule"]],
        [["delete", "element"], ["add", "element"]],
        [["delete", "chain"]],
    ]
    assert {owner_of(chain) for chain in current.values()} == {
        "-/api",
        "-/dns",
        "-/registry",
        "red/web",
    }


def test_interface_names_fit_and_are_read_back():
    far = Instance(number=15)
    name = pod_interface(far, far.pod_network[-2])
    assert len(name) <= 15
    assert address_of_interface(far, name) == far.pod_network[-2]
    for other in ("eth0", "mn1p00302", "mn0node", "mn0pxyz", "mn0pfffff"):
        assert address_of_interface(INSTANCE, other) is None


def test_an_address_rests_longest_after_it_was_given_back():
    pool = AddressPool()
    small = IPv4Network("10.64.3.0/29")
    first = pool.take(small, "first")
    pool.give_back("first")
    later = [pool.take(small, f"pod{number}") for number in range(5)]
    assert later[-1] == first
    assert len(set(later)) == 5
    with pytest.raises(RetryLaterError):
        pool.take(small, "one-too-many")


def test_records_are_read_back_as_they_were_fed_and_others_are_left_alone():
    ours = platform_records(INSTANCE)
    text = "\n".join(line.replace("\t", " ") for lines in ours.values() for line in lines)
    foreign = "\nlocalhost. 10800 IN A 127.0.0.1\n1.0.0.127.in-addr.arpa. 10800 IN PTR localhost."
    soa = "\ncluster.local. 10800 IN SOA localhost. nobody.invalid. 1 3600 1200 604800 10800"
    assert parse_records(text + foreign + soa, INSTANCE) == ours


def test_a_name_that_is_no_label_gets_no_record():
    assert service_records(service(name="a.b"), [], subnet=SUBNET) == {}


def test_batches_fit_one_write_and_lose_nothing():
    lines = [f"{number}".zfill(500) for number in range(1000)]
    groups = list(batches(lines))
    assert [line for group in groups for line in group] == lines
    assert all(sum(len(line) + 1 for line in group) < 1 << 16 for group in groups)
    assert list(batches([])) == []
