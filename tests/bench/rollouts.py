"""Requests that fail while roll-outs happen.

Twenty roll-outs of a Deployment with two replicas under 500 requests/s of constant load, whose
server exits at once on SIGTERM, in the middle of whatever it does: failed requests, counted over
all.
Through the applications' router where the platform serves Routes, and through the Service's
address. A failure is a connection refused or broken, no answer within 5 s, or any status but 200; a
kept connection that the server closed between two requests is opened anew, as every client does.
The bare tool is a hand-written HAProxy that answers by itself, reloaded under the same load.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from tests.bench import workloads
from tests.bench.bench import Bench, await_true
from tests.bench.haproxy import Backend, hand_written
from tests.bench.routing import (
    answer_of,
    offers_routes,
    route,
    route_host,
    route_post,
    router_address,
)
from tests.bench.rows import Budget, Row, not_measured, percentile, row_of
from tests.bench.steady import Outcome, SteadyLoad
from tests.bench.workloads import DEPLOYMENTS, PORT

PER_S = 500
NAME = "web"
REPLICAS = 2
NONE_FAILED = Budget(figure_max=0)
_LEAD_S = 1.0
_SERVICES = "/api/v1/namespaces/{}/services"


@dataclass(frozen=True, slots=True)
class _Way:
    """How the requests go in."""

    what: str
    address: str
    port: int
    host: str


def measure(bench: Bench) -> list[Row]:
    """Return the figures of roll-outs."""
    workloads.web_image_make(bench)
    namespace = bench.stack.enter_context(bench.namespace("rollouts"))
    wish = workloads.deployment(NAME, replicas=REPLICAS, GREETING="0")
    bench.admin.post(DEPLOYMENTS.format(namespace), wish)
    made = bench.admin.post(_SERVICES.format(namespace), workloads.service(NAME, selects=NAME))
    workloads.await_rolled_out(bench.admin, namespace, NAME)
    rows = _through(bench, namespace, _Way("Service", made["spec"]["clusterIP"], PORT, NAME))
    if not offers_routes(bench.admin):
        return [*rows, not_measured("failed through the Route", "the platform serves no Route")]
    route_post(bench.admin, namespace, route(NAME, NAME))
    host, (address, port) = route_host(bench, namespace, NAME), router_address(bench)
    await_true(lambda: answer_of(address, port, host)[0] == HTTPStatus.OK, "the Route answers")
    rows += _through(bench, namespace, _Way("Route", address, port, host))
    return [*rows, _reload(bench)]


def _through(bench: Bench, namespace: str, way: _Way) -> list[Row]:
    count = bench.pick(20, 2)
    place = f"{DEPLOYMENTS.format(namespace)}/{NAME}"

    def roll(turn: int) -> None:
        bench.say(f"roll-out {turn + 1} of {count} through the {way.what} …")
        env = [{"name": "GREETING", "value": f"{way.what}-{turn + 1}"}]
        spec = {"containers": [{"name": "web", "env": env}]}
        template = {"spec": {"template": {"spec": spec}}}
        bench.admin.patch(place, template, kind="strategic-merge-patch")
        workloads.await_rolled_out(bench.admin, namespace, NAME)

    began = time.perf_counter()
    outcome = _under_load(way, lambda: _repeat(roll, count))
    each_s = (time.perf_counter() - began - 2 * _LEAD_S) / count
    note = f"{outcome.failed} of {outcome.sent} requests in {count} roll-outs of {each_s:.1f} s"
    if outcome.failures:
        note += f"; first: {'; '.join(outcome.failures)}"
    p99 = percentile(outcome.delays_ms, 0.99)
    return [
        row_of(
            f"failed through the {way.what}", [outcome.failed], "", budget=NONE_FAILED, note=note
        ),
        row_of(f"answer through the {way.what}, p99", [p99], "ms"),
    ]


def _under_load(way: _Way, do: Callable[[], object]) -> Outcome:
    load = SteadyLoad(way.address, way.port, way.host, per_s=PER_S)
    load.start()
    try:
        time.sleep(_LEAD_S)
        do()
        time.sleep(_LEAD_S)
    finally:
        load.stop()
    return load.outcome


def _repeat(do: Callable[[int], None], count: int) -> None:
    for turn in range(count):
        do(turn)


def _reload(bench: Bench) -> Row:
    """Reload a hand-written HAProxy five times under the same load."""
    with hand_written([Backend("web", "web", (("127.0.0.1", 0),))]) as proxy:
        await_true(proxy.answers, "the hand-written HAProxy answers")
        count = bench.pick(5, 2)
        way = _Way("proxy", "127.0.0.1", proxy.port, "web")
        outcome = _under_load(way, lambda: _repeat(lambda _: proxy.reload(), count))
    note = f"{outcome.failed} of {outcome.sent} requests in {count} reloads"
    return row_of("failed at HAProxy's own reload", [outcome.failed], "", note=note)
