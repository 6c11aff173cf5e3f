"""GET of one object and lists, with many clients, against a bare ASGI function.

GET of one ConfigMap of 1 kB with 16 clients and lists of objects of 1.3 kB, as a project's editor
(RBAC and audit on): straight to gunicorn (a second one with the same command, on a port) and
through the edge (TLS), by wrk; against a bare ASGI function with the same queries on the same
database under uvicorn with two processes. Rounds of the three take turns.
"""

import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

from tests.bench.bench import Api, Bench
from tests.bench.load import Load, wrk
from tests.bench.rows import Budget, Row, row_of
from tests.bench.servers import bare_api, second_web

CLIENTS, LIST_CLIENTS = 16, 4
USER = "bench-editor"
MAPS = "/api/v1/namespaces/{}/configmaps"
_SEEDERS = 8


def measure(bench: Bench) -> list[Row]:
    """Return the figures of reads."""
    short = bench.stack.enter_context(bench.namespace("reads"))
    long = bench.stack.enter_context(bench.namespace("reads-long"))
    token = editor(bench, short, long)
    few, many = bench.pick(500, 100), bench.pick(5000, 500)
    bench.say(f"{few} and {many} ConfigMaps …")
    seed(bench.admin, short, few, size_bytes=1000)
    seed(bench.admin, long, many, size_bytes=1000)
    places = _Places(bench, token)
    bench.say(f"GET with {CLIENTS} clients …")
    rows = _gets(places, short)
    bench.say(f"lists of {few} with {LIST_CLIENTS} clients, then of {many} …")
    return rows + _lists(places, short, few) + _long_list(places, long, many)


def editor(bench: Bench, *namespaces: str) -> str:
    """Make a person who may edit the namespaces; return a token of theirs."""
    bench.user(USER)
    group = "rbac.authorization.k8s.io"
    for namespace in namespaces:
        wish = {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "bench-editor"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "edit"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": USER}],
        }
        bench.admin.post(f"/apis/{group}/v1/namespaces/{namespace}/rolebindings", wish)
    return bench.token(USER)


def seed(api: Api, namespace: str, count: int, *, size_bytes: int) -> None:
    """Create ConfigMaps `map-0` …, with a few clients at a time."""

    def one(number: int) -> None:
        wish = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"map-{number:05}", "labels": {"bench": str(number % 10)}},
            "data": {"value": "x" * size_bytes},
        }
        api.post(MAPS.format(namespace), wish)

    with ThreadPoolExecutor(_SEEDERS) as pool:
        list(pool.map(one, range(count)))


class _Places:
    """The three servers that are asked the same, and how."""

    def __init__(self, bench: Bench, token: str) -> None:
        instance = bench.instance
        self.bare = bench.stack.enter_context(bare_api(instance))
        self.straight = bench.stack.enter_context(second_web(instance))
        self.edge = f"https://{instance.api_host}:{instance.https_port}"
        self.headers = {"Authorization": f"Bearer {token}", "X-Minato-Site": "api"}
        self.ca_file = str(instance.ca_file)
        self.seconds, self.rounds = bench.pick(6, 2), bench.pick(3, 1)

    def rounds_of(
        self, path: str, bare_path: str, *, clients: int
    ) -> tuple[list[Load], list[Load], list[Load]]:
        """Ask bare, straight and edge in turn; return the loads of each."""
        found: tuple[list[Load], list[Load], list[Load]] = ([], [], [])
        asked = ((self.bare + bare_path), (self.straight + path), (self.edge + path))
        for url in asked:  # connections, prepared statements, the token's owner
            wrk(url, self.headers, clients=clients, seconds=1)
        for _ in range(self.rounds):
            for url, loads in zip(asked, found, strict=True):
                loads.append(wrk(url, self.headers, clients=clients, seconds=self.seconds))
        return found


def _gets(places: _Places, namespace: str) -> list[Row]:
    path = f"{MAPS.format(namespace)}/map-00007"
    bare, straight, edge = places.rounds_of(
        path, f"/configmaps/{namespace}/map-00007", clients=CLIENTS
    )
    against = [load.per_s for load in bare]
    budget, slowest = Budget(ratio_min=0.5), Budget(figure_max=14)
    p99 = [load.p99_ms for load in bare]
    return [
        row_of("GET straight", _rates(straight), "/s", against=against, budget=budget),
        row_of("GET straight, p99", _p99(straight), "ms", against=p99, budget=slowest),
        row_of("GET through the edge", _rates(edge), "/s", against=against, budget=budget),
        row_of("GET through the edge, p99", _p99(edge), "ms", against=p99, budget=slowest),
    ]


def _lists(places: _Places, namespace: str, count: int) -> list[Row]:
    path = MAPS.format(namespace)
    bare, straight, edge = places.rounds_of(path, f"/configmaps/{namespace}/", clients=LIST_CLIENTS)
    against, budget = [load.per_s for load in bare], Budget(ratio_min=0.5)
    what = f"list of {count}"
    return [
        row_of(f"{what} straight", _rates(straight), "/s", against=against, budget=budget),
        row_of(f"{what} through the edge", _rates(edge), "/s", against=against, budget=budget),
    ]


def _long_list(places: _Places, namespace: str, count: int) -> list[Row]:
    path = MAPS.format(namespace)
    ask = partial(_time_ms, places)
    bare = ask(f"{places.bare}/configmaps/{namespace}/")
    straight = ask(places.straight + path)
    edge = ask(places.edge + path)
    budget = Budget(figure_max=60)
    what = f"one list of {count}"
    return [
        row_of(f"{what} straight", straight, "ms", against=bare, budget=budget),
        row_of(f"{what} through the edge", edge, "ms", against=bare, budget=budget),
    ]


def _time_ms(places: _Places, url: str) -> list[float]:
    """Ask one at a time; return each answer's milliseconds, first byte sent to last received."""
    place = urlsplit(url)
    context = ssl.create_default_context(cafile=places.ca_file)
    host, port = place.hostname or "", place.port
    connection = (
        HTTPSConnection(host, port, context=context, timeout=30)
        if place.scheme == "https"
        else HTTPConnection(host, port, timeout=30)
    )
    found = [_one_ms(connection, place.path, places.headers) for _ in range(4 + 7 * places.rounds)]
    connection.close()
    return found[4:]


def _one_ms(connection: HTTPConnection, path: str, headers: Mapping[str, str]) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    return (time.perf_counter() - began) * 1000


def _rates(loads: list[Load]) -> list[float]:
    return [load.per_s for load in loads]


def _p99(loads: list[Load]) -> list[float]:
    return [load.p99_ms for load in loads]
