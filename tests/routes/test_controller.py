"""The route controller: the real door, the real HAProxy, and the words in a route's status."""

from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.manager import Manager
from paas.core.actors import platform_actor
from paas.routes.controller import controllers
from paas.routes.hosts import RESOURCE
from tests.routes.lab import B_C, BOUND_S, SHOP, eventually
from tests.routes.objects import (
    deployment_object,
    project_object,
    route_object,
    service_object,
    slice_object,
)

pytestmark = pytest.mark.servers
ROOT = platform_actor("test")
SLICES = "endpointslices.discovery.k8s.io"


@contextmanager
def running(door, lab):
    """Run the controller, as a new process would; yield its router."""
    informers = Informers(door, ROOT)
    events = EventSink(Client(door, ROOT), host="test")
    context = Context(door, informers, events)
    router = lab.router()
    manager = Manager(informers)
    for one in controllers(context, lab.instance, router):
        manager.add(one)
    events.start()
    manager.start()
    try:
        yield router
    finally:
        manager.stop()
        events.stop()


@pytest.fixture
def door(platform_door, networks):
    """Return the door, with the projects `shop` and `b-c`."""
    platform_door.create(ROOT, project_object("shop", f"{SHOP}.0/24"))
    platform_door.create(ROOT, project_object("b-c", f"{B_C}.0/24"))
    return platform_door


@pytest.fixture
def router(door, router_lab):
    with running(door, router_lab) as one:
        yield one


def condition(door, name, namespace="shop"):
    route = door.get(ROOT, RESOURCE, name, namespace)
    ingress = (route.get("status") or {}).get("ingress") or []
    return ingress[0]["conditions"][0] if ingress else None


def hosts(door, name):
    status = door.get(ROOT, RESOURCE, name, "shop").get("status") or {}
    return [one["host"] for one in status.get("ingress") or ()]


def admitted(door, name, namespace="shop"):
    found = eventually(lambda: condition(door, name, namespace))
    return found["status"] == "True"


def answer(lab, host):
    status, _, body = lab.get(host)
    return body.split("\n")[0] if status == 200 else body


def slice_change(door, *endpoints, **named):
    fresh = slice_object(*endpoints, **named)
    stored = door.get(ROOT, SLICES, fresh["metadata"]["name"], fresh["metadata"]["namespace"])
    door.update(ROOT, {**stored, "endpoints": fresh["endpoints"]})


def test_a_route_to_a_service_answers_and_says_so(door, router_lab, router, backends):
    place = backends.start("one", f"{SHOP}.1")
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(place))
    made = door.create(ROOT, route_object())
    eventually(lambda: answer(router_lab, made["spec"]["host"]) == "one")
    assert admitted(door, "web")
    status = door.get(ROOT, RESOURCE, "web", "shop")["status"]["ingress"]
    assert [(one["host"], one["routerName"]) for one in status] == [
        ("web-shop.apps.localhost", "default")
    ]


def test_an_address_of_another_project_gets_nothing(door, router_lab, router, backends):
    theirs = backends.start("theirs", f"{B_C}.1")
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(theirs))
    made = door.create(ROOT, route_object())
    assert admitted(door, "web")
    assert "Nothing is behind this address" in answer(router_lab, made["spec"]["host"])
    slice_change(door, backends.start("mine", f"{SHOP}.1", theirs[1]))
    eventually(lambda: answer(router_lab, made["spec"]["host"]) == "mine")


def test_a_pod_that_is_not_ready_gets_no_request(door, router_lab, router, backends):
    one = backends.start("one", f"{SHOP}.1")
    backends.start("two", f"{SHOP}.2", one[1])
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(one, f"{SHOP}.2"))
    made = door.create(ROOT, route_object())
    eventually(lambda: answer(router_lab, made["spec"]["host"]) == "one")
    slice_change(door, f"{SHOP}.1", (f"{SHOP}.2", one[1]))
    eventually(lambda: not router_lab.haproxy.servers()["app4-0"][0].active)  # after "two" came
    assert {answer(router_lab, made["spec"]["host"]) for _ in range(6)} == {"two"}


def test_a_leaving_pod_is_drained_when_its_last_request_has_ended(
    door, router_lab, router, backends
):
    slow = backends.start("slow", f"{SHOP}.1")
    fast = backends.start("fast", f"{SHOP}.2", slow[1])
    pod = {"status": {"podIPs": [{"ip": f"{SHOP}.1"}]}}
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(slow))
    host = door.create(ROOT, route_object())["spec"]["host"]
    eventually(lambda: answer(router_lab, host) == "slow")
    assert not router.is_drained(pod)
    backends.hold("slow")
    under_way = backends.asking(router_lab.instance.http_port, host)
    eventually(lambda: sum(router_lab.haproxy.busy("app4-0").values()) == 1)
    slice_change(door, f"{SHOP}.1", fast)
    eventually(lambda: not router_lab.haproxy.servers()["app4-0"][0].active)
    assert not router.is_drained(pod)
    assert answer(router_lab, host) == "fast"
    backends.let_go("slow")
    assert under_way.result(BOUND_S).startswith("slow")
    eventually(lambda: router.is_drained(pod))


def test_no_pod_is_drained_before_haproxy_has_been_read(router_lab):
    pod = {"status": {"podIPs": [{"ip": f"{SHOP}.1"}]}}
    router = router_lab.router()
    assert not router.is_drained(pod)
    router_lab.settled(router)
    assert router.is_drained(pod)


def test_the_first_claim_wins_over_all_projects_and_the_next_is_heard_when_it_goes(
    door, router_lab, router, backends
):
    host = "a-b-c.apps.localhost"
    mine = backends.start("mine", f"{SHOP}.1")
    theirs = backends.start("theirs", f"{B_C}.1")
    door.create(ROOT, project_object("c", f"{SHOP}.0/24"))
    for name, namespace, place in (("a-b", "c", mine), ("a", "b-c", theirs)):
        door.create(ROOT, service_object(name, namespace))
        door.create(ROOT, slice_object(place, service=name, namespace=namespace))
        made = door.create(ROOT, route_object(name, namespace, service=name))
        assert made["spec"]["host"] == host
        eventually(lambda: condition(door, name, namespace))  # noqa: B023 -- called at once
    assert (admitted(door, "a-b", "c"), admitted(door, "a", "b-c")) == (True, False)
    refused = condition(door, "a", "b-c")
    assert refused["reason"] == "HostAlreadyClaimed"
    assert refused["message"] == f"a route in another namespace holds {host}"
    assert answer(router_lab, host) == "mine"
    door.delete(ROOT, RESOURCE, "a-b", "c")
    eventually(lambda: admitted(door, "a", "b-c"))
    eventually(lambda: answer(router_lab, host) == "theirs")


def test_another_project_cannot_take_a_path_of_a_host_but_the_owner_can(door, router_lab, router):
    host = "market.apps.localhost"
    door.create(ROOT, route_object("first", host=host))
    assert admitted(door, "first")
    door.create(ROOT, route_object("mine", host=host, path="/mine"))
    door.create(ROOT, route_object("twice", host=host, path="/mine/"))
    door.create(ROOT, route_object("theirs", "b-c", host=host, path="/theirs"))
    assert admitted(door, "mine")
    assert not admitted(door, "twice")
    assert not admitted(door, "theirs", "b-c")
    assert (
        condition(door, "twice")["message"]
        == f"route mine already exposes {host}/mine and is older"
    )


def test_who_changes_its_host_loses_the_old_one_and_keeps_the_new(
    door, router_lab, router, backends
):
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(backends.start("one", f"{SHOP}.1")))
    made = door.create(ROOT, route_object())
    assert admitted(door, "web")
    fresh = door.get(ROOT, RESOURCE, "web", "shop")
    fresh["spec"]["host"] = "market.apps.localhost"
    door.update(ROOT, fresh)
    eventually(lambda: answer(router_lab, "market.apps.localhost") == "one")
    eventually(lambda: "No application" in answer(router_lab, made["spec"]["host"]))
    eventually(lambda: hosts(door, "web") == ["market.apps.localhost"])  # told after it is done


def test_a_wildcard_route_is_refused_with_a_reason(door, router):
    door.create(ROOT, route_object(wildcardPolicy="Subdomain"))
    assert not admitted(door, "web")
    assert condition(door, "web")["reason"] == "RouteNotAdmitted"


def test_the_page_follows_the_state_of_the_application(door, router_lab, router):
    awaiting = {"minato.io/awaits-image": "true"}
    door.create(ROOT, service_object())
    made = door.create(ROOT, deployment_object(annotations=awaiting))
    host = door.create(ROOT, route_object())["spec"]["host"]

    def shows(words):
        return eventually(lambda: words in answer(router_lab, host))

    assert shows("waits for its code")
    made["metadata"]["annotations"] = {}
    made = door.update(ROOT, made)
    assert shows("is starting")
    made["spec"]["replicas"] = 0
    made = door.update(ROOT, made)
    assert shows("is stopped")
    reason = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    made["status"] = {"conditions": [reason]}
    door.update(ROOT, made, subresource="status")
    assert shows("fails to start")
    door.delete(ROOT, "deployments.apps", "web", "shop")
    assert shows("Nothing is behind this address")


def test_a_new_process_finds_everything_as_it_is_and_changes_nothing(door, router_lab, backends):
    place = backends.start("one", f"{SHOP}.1")
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(place))
    with running(door, router_lab):
        host = door.create(ROOT, route_object())["spec"]["host"]
        eventually(lambda: answer(router_lab, host) == "one")
        pid = router_lab.haproxy.pid()
        table = router_lab.haproxy.table
        before = table(router_lab.instance.etc / "router" / "http.map")
    backends.start("two", f"{SHOP}.2", place[1])
    slice_change(door, (f"{SHOP}.2", place[1]))
    door.create(ROOT, route_object("second", service="web"))
    assert answer(router_lab, host) == "one"
    with running(door, router_lab):
        eventually(lambda: answer(router_lab, host) == "two")
        eventually(lambda: answer(router_lab, "second-shop.apps.localhost") == "two")
        after = table(router_lab.instance.etc / "router" / "http.map")
    assert after[f"{host}/"] == before[f"{host}/"]
    assert router_lab.haproxy.pid() == pid


def test_haproxy_starts_alone_with_what_it_was_last_told(door, router_lab, backends):
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(backends.start("one", f"{SHOP}.1")))
    with running(door, router_lab):
        host = door.create(ROOT, route_object())["spec"]["host"]
        eventually(lambda: answer(router_lab, host) == "one")
        written = router_lab.instance.etc / "router" / "http.map"
        eventually(lambda: host in written.read_text())
        eventually(lambda: f"{SHOP}.1" in router_lab.instance.router_config.read_text())
    router_lab.restart()
    assert answer(router_lab, host) == "one"


def test_a_haproxy_that_was_killed_is_told_what_it_has_missed(door, router_lab, router, backends):
    place = backends.start("one", f"{SHOP}.1")
    backends.start("two", f"{SHOP}.2", place[1])
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(place))
    host = door.create(ROOT, route_object())["spec"]["host"]
    eventually(lambda: answer(router_lab, host) == "one")
    router_lab.kill()
    slice_change(door, (f"{SHOP}.2", place[1]))
    router_lab.restart()
    eventually(lambda: answer(router_lab, host) == "two")


def test_a_route_without_room_says_so_and_waits_for_the_router(door, router_lab, router, backends):
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(backends.start("one", f"{SHOP}.1")))
    names = [f"web-{number}" for number in range(32)]
    door.create(ROOT, route_object("first"))
    assert admitted(door, "first")
    frame = router_lab.instance.etc / "router.initial.cfg"
    frame.write_text("nonsense\n" + frame.read_text())
    for name in names:
        door.create(ROOT, route_object(name))

    def without_room():
        found = [condition(door, name) for name in names]
        return all(found) and [one for one in found if one["status"] == "False"]

    (refused,) = eventually(without_room, 40)
    assert refused["reason"] == "NoCapacity"
    assert router.grows_after_s > 1


def test_a_route_is_not_admitted_while_haproxy_is_away(door, router_lab, router, backends):
    door.create(ROOT, service_object())
    door.create(ROOT, slice_object(backends.start("one", f"{SHOP}.1")))
    door.create(ROOT, route_object())
    assert admitted(door, "web")
    router_lab.kill()
    with capture_logs() as logs:
        door.create(ROOT, route_object("late"))
        eventually(lambda: sum(one["event"] == "router_unavailable" for one in logs) > 4)
    assert condition(door, "late") is None
    router_lab.restart()
    assert admitted(door, "late")
