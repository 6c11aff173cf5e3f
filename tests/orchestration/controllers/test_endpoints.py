"""A Service's endpoints are its own ready pods, and no terminating one."""

from typing import Any

import pytest

from paas.orchestration.controllers.endpoints.addresses import addresses_of
from paas.orchestration.controllers.endpoints.controller import ServiceEndpoints
from paas.orchestration.controllers.endpoints.legacy import endpoints_of
from paas.orchestration.controllers.endpoints.slices import SIZE, plan_slices
from tests.orchestration.controllers.world import World


def service(*, ports=None, **spec):
    ports = [{"port": 80, "targetPort": 8080}] if ports is None else ports
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "uid": "s-1", "labels": {"team": "a"}},
        "spec": {"selector": {"app": "web"}, "clusterIP": "172.30.0.20", "ports": ports, **spec},
    }


def pod(
    number=1,
    *,
    ready=True,
    deleting=False,
    phase="Running",
    ip=None,
    ports=(),
    namespace="shop",
    **spec,
):
    made: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"web-{number:04d}",
            "namespace": namespace,
            "uid": f"p-{number}",
            "labels": {"app": "web"},
        },
        "spec": {"nodeName": "node", "containers": [{"name": "c", "ports": list(ports)}], **spec},
        "status": {
            "phase": phase,
            "podIP": f"10.64.{number // 250}.{number % 250}" if ip is None else ip,
            "conditions": [{"type": "Ready", "status": str(ready)}],
        },
    }
    if deleting:
        made["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return made


@pytest.mark.parametrize(
    ("given", "more", "expected"),
    [
        (pod(), {}, (True, True, False)),
        (pod(ready=False), {}, (False, False, False)),
        (pod(deleting=True), {}, (False, True, True)),
        (pod(deleting=True, ready=False), {}, (False, False, True)),
        (pod(ready=False), {"publishNotReadyAddresses": True}, (True, False, False)),
        (pod(deleting=True), {"publishNotReadyAddresses": True}, (True, True, True)),
    ],
    ids=[
        "ready",
        "not ready",
        "terminating",
        "terminating, not ready",
        "published",
        "published, terminating",
    ],
)
def test_conditions(given, more, expected):
    (address,) = addresses_of(service(**more), [given])
    assert (address.ready, address.serving, address.terminating) == expected


@pytest.mark.parametrize("given", [pod(phase="Succeeded"), pod(phase="Failed"), pod(ip="")])
def test_a_finished_pod_or_one_without_address_has_no_endpoint(given):
    assert addresses_of(service(), [given]) == []


def test_named_target_ports_are_looked_up_on_each_pod():
    ports = [{"name": "http", "port": 80, "targetPort": "web"}]
    old = pod(1, ports=[{"name": "web", "containerPort": 8080}])
    new = pod(2, ports=[{"name": "web", "containerPort": 9090, "protocol": "TCP"}])
    wrong = pod(3, ports=[{"name": "web", "containerPort": 53, "protocol": "UDP"}])
    found = [address.ports for address in addresses_of(service(ports=ports), [old, new, wrong])]
    assert found == [(("http", 8080, "TCP", ""),), (("http", 9090, "TCP", ""),), ()]
    changes = plan_slices(service(ports=ports), addresses_of(service(ports=ports), [old, new]), [])
    assert [one["ports"][0]["port"] for one in changes.create] == [8080, 9090]


def test_a_sidecar_offers_its_ports_too():
    ports = [{"port": 80, "targetPort": "metrics"}]
    sidecar = {
        "name": "s",
        "restartPolicy": "Always",
        "ports": [{"name": "metrics", "containerPort": 9000}],
    }
    (address,) = addresses_of(service(ports=ports), [pod(initContainers=[sidecar])])
    assert address.ports == (("", 9000, "TCP", ""),)


def test_a_pods_hostname_is_told_where_its_subdomain_is_the_service():
    (named,) = addresses_of(service(), [pod(hostname="db-0", subdomain="web")])
    (other,) = addresses_of(service(), [pod(hostname="db-0", subdomain="elsewhere")])
    assert (named.hostname, other.hostname) == ("db-0", "")


def test_a_slice_carries_labels_owner_and_references():
    changes = plan_slices(service(), addresses_of(service(), [pod()]), [])
    (made,) = changes.create
    assert made["metadata"]["generateName"] == "web-"
    assert made["metadata"]["labels"] == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert made["metadata"]["ownerReferences"][0]["uid"] == "s-1"
    assert made["addressType"] == "IPv4"
    assert made["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
    (endpoint,) = made["endpoints"]
    assert endpoint == {
        "addresses": ["10.64.0.1"],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "targetRef": {"kind": "Pod", "namespace": "shop", "name": "web-0001", "uid": "p-1"},
        "nodeName": "node",
    }


def test_a_headless_service_is_marked_and_may_have_no_ports():
    headless = service(clusterIP="None", ports=[])
    (made,) = plan_slices(headless, addresses_of(headless, [pod()]), []).create
    assert made["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    assert made["ports"] == []
    assert len(made["endpoints"]) == 1


def test_a_service_without_pods_keeps_one_empty_slice():
    (made,) = plan_slices(service(), [], []).create
    assert made["endpoints"] == []
    named = {**made, "metadata": {**made["metadata"], "name": "web-x"}}
    again = plan_slices(service(), [], [named])
    assert (again.create, again.update, again.delete) == ([], [], [])


def with_names(slices):
    return [
        {**one, "metadata": {**one["metadata"], "name": f"web-{number}"}}
        for number, one in enumerate(slices)
    ]


def test_slices_hold_at_most_100_and_change_as_little_as_possible():
    pods = [pod(number) for number in range(1, 251)]
    made = with_names(plan_slices(service(), addresses_of(service(), pods), []).create)
    assert [len(one["endpoints"]) for one in made] == [SIZE, SIZE, 50]
    fewer = [one for one in pods if one["metadata"]["name"] != "web-0150"]
    changes = plan_slices(service(), addresses_of(service(), fewer), made)
    assert [one["metadata"]["name"] for one in changes.update] == ["web-1"]
    assert (changes.create, changes.delete) == ([], [])
    more = [*pods, pod(300)]
    changes = plan_slices(service(), addresses_of(service(), more), made)
    assert [one["metadata"]["name"] for one in changes.update] == ["web-2"]


def test_a_slice_that_becomes_empty_is_deleted_while_others_remain():
    pods = [pod(number) for number in range(1, 102)]
    made = with_names(plan_slices(service(), addresses_of(service(), pods), []).create)
    changes = plan_slices(service(), addresses_of(service(), pods[:100]), made)
    assert [one["metadata"]["name"] for one in changes.delete] == ["web-1"]
    assert changes.update == []


def test_legacy_endpoints_tell_ready_from_not_ready_and_leave_terminating_out():
    pods = [pod(1), pod(2, ready=False), pod(3, deleting=True)]
    made = endpoints_of(service(), addresses_of(service(), pods))
    (subset,) = made["subsets"]
    assert [one["ip"] for one in subset["addresses"]] == ["10.64.0.1"]
    assert [one["ip"] for one in subset["notReadyAddresses"]] == ["10.64.0.2"]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_legacy_endpoints_are_truncated_at_1000():
    made = endpoints_of(service(), addresses_of(service(), [pod(n) for n in range(1, 1101)]))
    assert len(made["subsets"][0]["addresses"]) == 1000
    assert made["metadata"]["annotations"] == {"endpoints.kubernetes.io/over-capacity": "truncated"}


# -- against a door --------------------------------------------------------------------------


@pytest.fixture
def world():
    resources = ("services", "endpoints", "endpointslices.discovery.k8s.io")
    made = World(lambda context: [ServiceEndpoints(context).controller()], resources=resources)
    made.start()
    yield made
    made.close()


def ready_ips(world):
    return sorted(
        endpoint["addresses"][0]
        for one in world.seen.all("endpointslices.discovery.k8s.io")
        for endpoint in one["endpoints"]
        if endpoint["conditions"]["ready"]
    )


def legacy_ips(world):
    found = world.seen.get("endpoints", "web") or {}
    return sorted(
        address["ip"]
        for subset in found.get("subsets") or ()
        for address in subset.get("addresses") or ()
    )


def both(world):
    return ready_ips(world), legacy_ips(world)


def test_endpoints_follow_pods(world):
    world.apply(service())
    one = world.apply(pod(1))
    assert world.seen.wait(lambda: both(world) == (["10.64.0.1"], ["10.64.0.1"]))
    world.apply(pod(2, ready=False))
    two = world.door.get(None, "pods", "web-0002", "shop")
    status = {**two["status"], "conditions": [{"type": "Ready", "status": "True"}]}
    world.door.update(None, {**two, "status": status}, subresource="status")
    assert world.seen.wait(lambda: both(world)[0] == ["10.64.0.1", "10.64.0.2"])
    world.door.delete(None, "pods", one["metadata"]["name"], "shop")
    assert world.seen.wait(lambda: both(world) == (["10.64.0.2"], ["10.64.0.2"]))
    assert world.seen.get("pods", "web-0001") is not None


def test_a_pod_of_another_namespace_is_never_behind_a_service(world):
    world.apply(pod(1, namespace="elsewhere"))
    world.apply(pod(2))
    world.apply(service())
    assert world.seen.wait(lambda: both(world) == (["10.64.0.2"], ["10.64.0.2"]))


def test_a_service_without_selector_is_left_to_its_user(world):
    world.apply(service(selector=None))
    other = service()
    other["metadata"]["name"] = "other"
    world.apply(other)
    assert world.seen.wait(lambda: world.seen.get("endpoints", "other"))
    assert world.seen.get("endpoints", "web") is None


def test_a_slice_that_somebody_deletes_comes_back(world):
    world.apply(service())
    world.apply(pod(1))
    assert world.seen.wait(lambda: ready_ips(world) == ["10.64.0.1"])
    (one,) = world.seen.all("endpointslices.discovery.k8s.io")
    name = one["metadata"]["name"]
    world.door.delete(None, "endpointslices.discovery.k8s.io", name, "shop")
    assert world.seen.wait(
        lambda: (
            [
                again["metadata"]["uid"] != one["metadata"]["uid"]
                for again in world.seen.all("endpointslices.discovery.k8s.io")
            ]
            == [True]
        )
    )


def test_the_endpoints_of_a_deleted_service_go(world):
    world.apply(service())
    assert world.seen.wait(lambda: world.seen.get("endpoints", "web"))
    world.door.delete(None, "services", "web", "shop")
    assert world.seen.wait(lambda: world.seen.get("endpoints", "web") is None)


def test_settled_endpoints_are_not_written_again(world):
    world.apply(service())
    world.apply(pod(1))
    assert world.seen.wait(lambda: both(world) == (["10.64.0.1"], ["10.64.0.1"]))
    before = len(world.door.writes)
    world.change("services", "web", {"metadata": {"annotations": {"note": "x"}}})
    other = service()
    other["metadata"]["name"] = "other"
    world.apply(other)
    assert world.seen.wait(lambda: world.seen.get("endpoints", "other"))
    names = [one.name for one in world.door.writes[before:]]
    assert [name for name in names if name.startswith("web")] == ["web"]
