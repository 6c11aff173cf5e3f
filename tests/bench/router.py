"""Requests through the router, and how soon it follows a change.

The applications' router: requests/s of 64 clients by plain HTTP to two web pods, against a hand-
written haproxy.cfg with the same servers, first with one Route and then with 1000; and at 1000
Routes, how long a new Route takes to be served (from the answered POST to the first 200), and how
long a changed endpoint (from the answered PATCH of an EndpointSlice to the first answer of the
other pod). Rounds of ours and the bare tool's take turns.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.bench import workloads
from tests.bench.bench import Bench, await_true
from tests.bench.haproxy import Backend, Proxy, hand_written
from tests.bench.load import wrk
from tests.bench.routing import (
    answer_of,
    offers_routes,
    route,
    route_host,
    route_post,
    router_address,
)
from tests.bench.rows import Budget, Row, not_measured, percentile, row_of
from tests.bench.workloads import PODS, PORT, container, pod, service

CLIENTS = 64
SERVICES = "/api/v1/namespaces/{}/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
BY_HAND = "by-hand"
_CREATORS = 8


def measure(bench: Bench) -> list[Row]:
    """Return the figures of the router."""
    if not offers_routes(bench.admin):
        return [not_measured("router requests/s", "the platform serves no Route")]
    workloads.web_image_make(bench)
    namespace = bench.stack.enter_context(bench.namespace("router"))
    servers = _pods(bench, namespace)
    bench.admin.post(SERVICES.format(namespace), service("web", selects="web"))
    few, many = 1, bench.pick(1000, 50)
    rows = [_rate(bench, namespace, servers, few, first=0, budget=Budget(ratio_min=0.9))]
    rows.append(_rate(bench, namespace, servers, many, first=few, budget=Budget(ratio_min=0.85)))
    return [*rows, _new_routes(bench, namespace), _endpoint_changes(bench, namespace)]


def _pods(bench: Bench, namespace: str) -> list[tuple[str, int]]:
    """Start two web pods that say their names; return their addresses."""
    for name in ("web-a", "web-b"):
        wish = pod(name, container(env={"GREETING": name}))
        wish["metadata"]["labels"] = {"app": "web"}
        bench.admin.post(PODS.format(namespace), wish)
    workloads.await_ready(bench.admin, namespace, 2)
    found = bench.admin.get(PODS.format(namespace))["items"]
    return [(one["status"]["podIP"], PORT) for one in found]


def _rate(
    bench: Bench,
    namespace: str,
    servers: Sequence[tuple[str, int]],
    count: int,
    *,
    first: int,
    budget: Budget,
) -> Row:
    bench.say(f"{count} Routes …")
    names = [f"r{number}" for number in range(count)]
    _routes(bench, namespace, names[first:])
    last = names[-1]
    _await_served(bench, namespace, last)
    host = route_host(bench, namespace, last)
    hosts = [route_host(bench, namespace, name) for name in names]
    backends = [Backend(name, one, tuple(servers)) for name, one in zip(names, hosts, strict=True)]
    ours: list[float] = []
    bare: list[float] = []
    with hand_written(backends) as proxy:
        for turn in range(bench.pick(3, 1)):
            bench.say(f"requests through {count} Routes, round {turn + 1} …")
            bare.append(_requests(bench, _port_of(proxy), host))
            ours.append(_requests(bench, router_address(bench), host))
    return row_of(
        f"requests, {count} Route{'s' if count > 1 else ''}",
        ours,
        "/s",
        against=bare,
        budget=budget,
    )


def _port_of(proxy: Proxy) -> tuple[str, int]:
    return "127.0.0.1", proxy.port


def _requests(bench: Bench, place: tuple[str, int], host: str) -> float:
    url = f"http://{place[0]}:{place[1]}/"
    return wrk(url, {"Host": host}, clients=CLIENTS, seconds=bench.pick(6, 2)).per_s


def _routes(bench: Bench, namespace: str, names: Sequence[str]) -> None:
    with ThreadPoolExecutor(_CREATORS) as pool:
        list(pool.map(lambda name: route_post(bench.admin, namespace, route(name, "web")), names))


def _await_served(bench: Bench, namespace: str, name: str) -> float:
    host, place = route_host(bench, namespace, name), router_address(bench)
    return await_true(lambda: answer_of(*place, host)[0] == 200, f"{host} is served")


def _new_routes(bench: Bench, namespace: str) -> Row:
    count = bench.pick(30, 5)
    bench.say(f"{count} new Routes, one after the other …")
    found = []
    for number in range(count):
        route_post(bench.admin, namespace, route(f"new-{number}", "web"))
        found.append(_await_served(bench, namespace, f"new-{number}") * 1000)
    return _p99("new Route takes effect", found, 1000)


def _p99(what: str, found: list[float], most_ms: float) -> Row:
    note = f"p50 {percentile(found, 0.5):.0f} ms, {len(found)} times"
    budget = Budget(figure_max=most_ms)
    return row_of(f"{what}, p99", [percentile(found, 0.99)], "ms", budget=budget, note=note)


def _endpoint_changes(bench: Bench, namespace: str) -> Row:
    api, place = bench.admin, router_address(bench)
    pods = {one["metadata"]["name"]: one for one in api.get(PODS.format(namespace))["items"]}
    api.post(SERVICES.format(namespace), service(BY_HAND, selects=None))
    api.post(SLICES.format(namespace), _slice(pods["web-a"]))
    route_post(api, namespace, route(BY_HAND, BY_HAND))
    host = route_host(bench, namespace, BY_HAND)
    await_true(lambda: answer_of(*place, host) == (200, "web-a"), f"{host} is served")
    count = bench.pick(100, 10)
    bench.say(f"{count} changes of an endpoint …")
    found = []
    for number in range(count):
        name = ("web-b", "web-a")[number % 2]
        changed = {"endpoints": _slice(pods[name])["endpoints"]}
        api.patch(f"{SLICES.format(namespace)}/{BY_HAND}", changed)
        wanted = (200, name)
        found.append(_until_ms(place, host, wanted))
    return _p99("endpoint change takes effect", found, 100)


def _until_ms(place: tuple[str, int], host: str, wanted: tuple[int, str]) -> float:
    began = time.perf_counter()
    while answer_of(*place, host) != wanted:
        if time.perf_counter() - began > 30:
            await_true(lambda: answer_of(*place, host) == wanted, f"{host} answers {wanted}")
        time.sleep(0.001)
    return (time.perf_counter() - began) * 1000


def _slice(pod_object: dict[str, Any]) -> dict[str, Any]:
    """Return an EndpointSlice written by hand, with one pod in it."""
    data = pod_object["metadata"]
    target = {key: data[key] for key in ("name", "namespace", "uid")}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": BY_HAND, "labels": {"kubernetes.io/service-name": BY_HAND}},
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [pod_object["status"]["podIP"]],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "targetRef": {"kind": "Pod", **target},
            }
        ],
        "ports": [{"name": "http", "port": PORT, "protocol": "TCP"}],
    }
