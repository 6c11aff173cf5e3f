"""What routes ask for and what HAProxy is told: tables, without either."""

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.router import (
    BROKEN,
    BUILDING,
    EMPTY,
    FAILING,
    STARTING,
    STOPPED,
    UNKNOWN,
    WAITING,
)
from paas.routes.claims import decide
from paas.routes.haproxy import parse_busy, parse_servers, parse_workers
from paas.routes.memory import Memory
from paas.routes.pools import NOWHERE, Place, grown, pools_text, size_for, turns
from paas.routes.states import page_for
from paas.routes.wishes import SERVE, Endpoint, RouteWish, route_wish, service_places, weighted
from tests.routes.objects import deployment_object, route_object, service_object, slice_object

NETWORK = IPv4Network("10.64.3.0/24")
UID = "00000000-0000-0000-0000-00000000000{}"


def stored(name, *, namespace="shop", uid=1, created="2026-11-23T10:00:00Z", version=1, **spec):
    spec.setdefault("host", "a.apps.localhost")
    route = route_object(name, namespace, **spec)
    route["metadata"] |= {
        "uid": UID.format(uid),
        "creationTimestamp": created,
        "resourceVersion": str(version),
    }
    return route


@pytest.mark.parametrize(
    ("tls", "plain", "secure"),
    [
        (None, SERVE, UNKNOWN),
        ({"termination": "edge"}, UNKNOWN, SERVE),
        ({"termination": "edge", "insecureEdgeTerminationPolicy": "None"}, UNKNOWN, SERVE),
        ({"termination": "edge", "insecureEdgeTerminationPolicy": "Allow"}, SERVE, SERVE),
        ({"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}, "to-https", SERVE),
    ],
)
def test_tls_and_policy_decide_what_each_port_answers(tls, plain, secure):
    wish = route_wish(stored("web", tls=tls), [])
    assert wish is not None
    assert (wish.plain, wish.secure) == (plain, secure)


@pytest.mark.parametrize(
    "change", [{"host": "a b"}, {"host": "a;b"}, {"path": "/a b"}, {"path": "/a\nset"}]
)
def test_what_the_door_should_have_refused_does_not_reach_haproxy_either(change):
    assert route_wish(stored("web", **change), []) is None


def test_each_service_gets_its_share_however_many_pods_it_has():
    many = [(f"10.64.3.{n}", 80) for n in range(1, 5)]
    found = weighted([(75, many), (25, [("10.64.3.9", 80)]), (0, [("10.64.3.10", 80)])])
    shares = {one.address: one.weight for one in found}
    assert "10.64.3.10" not in shares
    assert sum(shares[a] for a, _ in many) == pytest.approx(3 * shares["10.64.3.9"], rel=0.02)
    assert max(shares.values()) == 256


@pytest.mark.parametrize(
    ("wanted", "found"), [("http", 8080), (8080, 8080), (None, 8080), ("metrics", 9000), ("x", 0)]
)
def test_a_port_is_found_by_name_or_number(wanted, found):
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "metrics", "port": 9000, "protocol": "TCP"},
        {"name": "http", "port": 8080, "protocol": "TCP"},
    ]
    one = slice_object(("10.64.3.7", 8080), ports=ports)
    places = service_places(service_object(), [one], wanted=wanted, subnet=NETWORK)
    assert places == ([("10.64.3.7", found)] if found else [])


@pytest.mark.parametrize(
    ("conditions", "gets"),
    [
        ({}, True),
        ({"ready": True, "serving": False, "terminating": False}, True),
        ({"ready": False, "serving": True, "terminating": True}, False),
        ({"ready": True, "serving": True, "terminating": True}, False),
    ],
)
def test_a_terminating_pod_gets_no_request_though_its_service_publishes_it(conditions, gets):
    one = slice_object(("10.64.3.7", 8080))
    one["endpoints"][0]["conditions"] = conditions
    places = service_places(service_object(), [one], wanted=None, subnet=NETWORK)
    assert bool(places) == gets


def test_only_ready_addresses_inside_the_project_are_used():
    one = slice_object(("10.64.3.7", 80), "10.64.3.8", ("10.64.4.1", 80), ("127.0.0.1", 80))
    assert service_places(service_object(), [one], wanted=None, subnet=NETWORK) == [
        ("10.64.3.7", 80)
    ]
    assert service_places(service_object(), [one], wanted=None, subnet=None) == []


def test_the_oldest_route_has_the_host_and_others_of_the_second_stand_in_order():
    first = stored("first", uid=9, version=10)
    second = stored("second", uid=1, version=11)
    older = stored("older", uid=5, namespace="b-c", created="2026-11-23T09:59:59Z", version=12)
    assert [uid for uid, why in decide([second, first], {}).items() if why is None] == [
        UID.format(9)
    ]
    decisions = decide([second, first, older], {})
    assert decisions[UID.format(5)] is None
    refused = decisions[UID.format(9)]
    assert refused is not None
    assert "another namespace" in refused.message


def test_who_holds_a_host_keeps_it_against_an_older_route():
    holder = stored("holder", uid=2)
    older = stored("older", uid=1, created="2026-11-23T09:00:00Z")
    assert decide([older, holder], {"": UID.format(2)})[UID.format(1)] is not None
    holder["status"] = {
        "ingress": [
            {"host": "a.apps.localhost", "conditions": [{"type": "Admitted", "status": "True"}]}
        ]
    }
    assert decide([older, holder], {})[UID.format(2)] is None


endpoints = st.builds(
    Endpoint,
    st.integers(1, 9).map(lambda number: f"10.64.3.{number}"),
    st.sampled_from((80, 8080)),
    st.integers(1, 256),
)


@given(st.lists(st.lists(endpoints, max_size=8, unique_by=lambda one: (one.address, one.port))))
def test_turns_always_end_with_exactly_what_is_wanted(history):
    places = [Place()] * 8
    for wanted in history:
        before = list(places)
        for turn in turns(places, wanted):
            places[turn.number - 1] = turn.place
        assert sorted(one.endpoint for one in places if one.active) == sorted(wanted)
        for number, place in enumerate(before):
            at = (place.endpoint.address, place.endpoint.port)
            if place.active and at in {(one.address, one.port) for one in wanted}:
                now = places[number].endpoint
                assert (now.address, now.port) == at, "who is in stays where it is"


def test_an_address_whose_place_was_taken_at_once_is_still_in_use():
    route = RouteWish("uid", "shop", "web", "web/", SERVE, SERVE, (Endpoint("10.0.0.1", 80),))
    memory = Memory(Path("plain"), Path("secure"))
    memory.learn({"app4-0": [Place()]}, ({}, {}))
    for address in ("10.0.0.1", "10.0.0.2"):
        memory.wishes["uid"] = replace(route, endpoints=(Endpoint(address, 80),))
        memory.commands("uid")
    assert memory.uses({"10.0.0.1"})
    memory.left("app4-0", [1])
    assert [memory.uses({address}) for address in ("10.0.0.1", "10.0.0.2")] == [False, True]


def test_new_servers_begin_before_old_ones_end():
    old, new = Endpoint("10.64.3.1", 80, 256), Endpoint("10.64.3.2", 80, 256)
    found = turns([Place(old, active=True), Place(), Place(), Place()], [new])
    assert [(turn.number, turn.place.active) for turn in found] == [(2, True), (1, False)]


def test_pools_double_when_three_quarters_are_taken():
    first = grown({}, {4: 24})
    assert first == {4: 32, 16: 8, 64: 2, 256: 0}
    assert grown(first, {4: 25})[4] == 64
    assert grown(first, {256: 1})[256] == 2
    assert grown({4: 64, 16: 8, 64: 2, 256: 0}, {})[4] == 64, "pools never shrink"


@pytest.mark.parametrize(("count", "size"), [(0, 4), (4, 4), (5, 16), (64, 64), (999, 256)])
def test_a_backend_is_as_big_as_needed(count, size):
    assert size_for(count) == size


def test_the_configuration_has_the_servers_of_now():
    one = Place(Endpoint("10.64.3.1", 8080, 128), active=True)
    left = Place(Endpoint("10.64.3.2", 8080, 128))
    text = pools_text({4: 1}, {"app4-0": [left, one, Place(NOWHERE), Place(NOWHERE)]})
    assert text == (
        "\nbackend app4-0\n"
        "  server s1 192.0.2.1:1 disabled\n"
        "  server s2 10.64.3.1:8080 weight 128\n"
        "  server-template s 3-4 192.0.2.1:1 disabled\n"
    )


def waiting_pod(reason="ContainerCreating"):
    state = {"waiting": {"reason": reason}}
    return {
        "metadata": {"name": "web-1", "labels": {"app": "web"}},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "web", "state": state}]},
    }


AWAITING = {"minato.io/awaits-image": "true"}


@pytest.mark.parametrize(
    ("deployments", "pods", "page"),
    [
        ([], [], EMPTY),
        ([deployment_object()], [], STARTING),
        ([deployment_object(replicas=0)], [], STOPPED),
        ([deployment_object(annotations=AWAITING)], [], WAITING),
        ([deployment_object()], [waiting_pod()], STARTING),
        ([deployment_object()], [waiting_pod("CrashLoopBackOff")], FAILING),
        ([deployment_object()], [waiting_pod("ImagePullBackOff")], FAILING),
        ([deployment_object("other")], [], EMPTY),
    ],
)
def test_a_page_says_why_nothing_answers(deployments, pods, page):
    found = page_for(service_object(), deployments=deployments, pods=pods, builds=[])
    assert found == page


@pytest.mark.parametrize(
    ("phases", "page"),
    [
        ([], WAITING),
        (["New"], BUILDING),
        (["Pending"], BUILDING),
        (["Running"], BUILDING),
        (["Complete"], STARTING),
        (["Failed"], BROKEN),
        (["Error"], BROKEN),
        (["Cancelled"], WAITING),
        (["Failed", "Running"], BUILDING),
        (["Complete", "Failed"], BROKEN),
    ],
)
def test_before_the_first_image_the_newest_build_says_why_nothing_answers(phases, page):
    deployment = deployment_object(annotations=AWAITING)
    deployment["metadata"]["labels"] = {"app.kubernetes.io/instance": "web"}
    builds = [build_object(phase, minute) for minute, phase in enumerate(phases)]
    builds.append(build_object("Running", 30, app="other"))

    found = page_for(service_object(), deployments=[deployment], pods=[], builds=builds)

    assert found == page


def build_object(phase, minute, *, app="web"):
    metadata = {
        "labels": {"app.kubernetes.io/instance": app},
        "creationTimestamp": f"2026-11-23T10:{minute:02}:00Z",
    }
    return {"metadata": metadata, "status": {"phase": phase}}


def test_no_service_or_one_that_selects_nothing_is_empty():
    assert page_for(None, deployments=[], pods=[], builds=[]) == EMPTY


def test_the_masters_list_tells_old_workers_from_the_new_one():
    text = (
        "#<PID> <type> <reloads> <uptime> <version>\n"
        "10 master 2 [failed: 1] 0d00h00m01s 2.6.12\n# workers\n"
        "12 worker 0 0d00h00m00s 2.6.12\n# old workers\n11 worker 1 0d00h00m00s 2.6.12\n"
        "# programs\n\n"
    )
    found = parse_workers(text)
    assert (found.current, found.old, found.reloads, found.failed) == (12, (11,), 2, 1)


def test_servers_are_read_by_the_names_of_columns():
    head = "be_name srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_port"
    text = f"1\n# {head}\napp4-0 s1 10.64.3.1 2 4 128 80\napp4-0 s2 192.0.2.1 0 5 1 1\n\n"
    assert parse_servers(text) == {
        "app4-0": [Place(Endpoint("10.64.3.1", 80, 128), active=True), Place(NOWHERE)]
    }


def test_connections_in_use_are_counted_by_place():
    text = "# bkname/svname bkid/svid addr port - purge_delay used_cur\n"
    text += "app4-0/s1 4/1 10.64.3.1 80 - 5000 3\napp4-0/s2 4/2 192.0.2.1 1 - 5000 0\n\n"
    assert parse_busy(text) == {1: 3, 2: 0}
