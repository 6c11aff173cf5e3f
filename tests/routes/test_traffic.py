"""No request is lost: constant load while endpoints change and HAProxy is reloaded."""

import asyncio
import socket
import time
import uuid
from dataclasses import replace
from statistics import median

import pytest

from paas.routes.wishes import SERVE, Endpoint, RouteWish
from tests.routes.lab import BOUND_S, eventually, quietly, tls_get

pytestmark = pytest.mark.servers
HOST = "web.apps.localhost"


def wish(*places, uid, host=HOST, certificate=""):
    endpoints = tuple(Endpoint(*place) for place in places)
    return RouteWish(
        uid, "shop", "web", f"{host}/", SERVE, SERVE, endpoints, host=host, certificate=certificate
    )


class Load:
    """Asks again and again over kept connections, on the loop of the backends."""

    def __init__(self, backends, port, clients=16):
        self.done, self.failures = 0, []
        self._stop = False
        self._futures = [
            asyncio.run_coroutine_threadsafe(self._client(port), backends.loop)
            for _ in range(clients)
        ]

    def stop(self):
        self._stop = True
        for future in self._futures:
            future.result(60)

    async def _client(self, port):
        while not self._stop:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                while not self._stop and await self._ask(reader, writer):
                    await asyncio.sleep(0.002)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(repr(error))
            finally:
                writer.close()

    async def _ask(self, reader, writer):
        """Ask once; say whether the connection may be used again."""
        writer.write(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        await reader.readexactly(length)
        if not head.startswith("http/1.1 200"):
            self.failures.append(head)
        self.done += 1
        return "connection: close" not in head


def test_no_request_fails_during_twenty_changes_of_endpoints(router_lab, backends):
    router = router_lab.settled(router_lab.router())
    uid = str(uuid.uuid4())
    name, place = "pod-0", backends.start("pod-0")
    assert router.change(uid, wish(place, uid=uid))
    pid = router_lab.haproxy.pid()
    load = Load(backends, router_lab.instance.http_port)
    for number in range(1, 21):
        eventually(lambda: load.done >= 50 * number)  # noqa: B023 -- called at once
        fresh = backends.start(f"pod-{number}")
        assert router.change(uid, wish(fresh, uid=uid))
        pod = {"status": {"podIPs": [{"ip": "127.0.0.1"}]}}
        assert not router.is_drained(pod)
        eventually(lambda: not router.look_at_leaving())
        backends.stop(name)
        name = f"pod-{number}"
    load.stop()
    assert load.failures == []
    assert load.done > 1000
    assert router_lab.haproxy.pid() == pid


def test_no_request_fails_during_five_reloads(router_lab, backends):
    router = router_lab.settled(router_lab.router())
    uid = str(uuid.uuid4())
    assert router.change(uid, wish(backends.start("one"), uid=uid))
    router.keep()
    load = Load(backends, router_lab.instance.http_port)
    for number in range(1, 6):
        eventually(lambda: load.done >= 100 * number)  # noqa: B023 -- called at once
        router_lab.reload()
    load.stop()
    assert load.failures == []
    assert router_lab.settled(router).is_ready


def test_a_new_endpoint_reaches_the_worker_that_a_reload_replaced(router_lab, backends):
    router = router_lab.settled(router_lab.router())
    uid = str(uuid.uuid4())
    assert router.change(uid, wish(backends.start("one"), uid=uid))
    router.keep()
    with socket.create_connection(("127.0.0.1", router_lab.instance.http_port), 60) as kept:
        kept.settimeout(60)
        request = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        kept.sendall(request)
        assert b"\r\n\r\none\n" in kept.recv(65536)
        before = router_lab.haproxy.pid()
        router_lab.reload()
        router_lab.settled(router)
        eventually(lambda: before in router_lab.workers().old)
        router.keep()
        assert router.change(uid, wish(backends.start("two"), uid=uid))
        kept.sendall(request)
        answer = kept.recv(65536)
    assert b"\r\n\r\ntwo\n" in answer
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("event", ["a reload", "a new process"])
def test_a_request_that_outlives_it_keeps_its_pod(router_lab, backends, event):
    router = router_lab.settled(router_lab.router())
    uid = str(uuid.uuid4())
    pod = {"status": {"podIPs": [{"ip": "127.0.0.2"}]}}
    assert router.change(uid, wish(backends.start("slow", "127.0.0.2"), uid=uid))
    router.keep()
    backends.hold("slow")
    under_way = backends.asking(router_lab.instance.http_port, HOST)
    eventually(lambda: sum(router_lab.haproxy.busy("app4-0").values()) == 1)
    fast = wish(backends.start("fast"), uid=uid)
    assert router.change(uid, fast)
    if event == "a reload":
        router.keep()
        router_lab.reload()
    else:
        router = router_lab.router()
        router.replace_all([fast])
    router_lab.settled(router)
    assert router.look_at_leaving()
    assert not router.is_drained(pod)
    assert not under_way.done()
    backends.let_go("slow")
    assert under_way.result(BOUND_S).startswith("slow")
    eventually(lambda: not router.look_at_leaving())
    assert router.is_drained(pod)


def test_a_websocket_lives_through_changes_and_a_reload(router_lab, backends):
    router = router_lab.settled(router_lab.router())
    uid = str(uuid.uuid4())
    place = backends.start("one")
    assert router.change(uid, wish(place, uid=uid))
    with socket.create_connection(("127.0.0.1", router_lab.instance.http_port), 60) as link:
        link.settimeout(60)
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
        upgrade += "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        link.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n{upgrade}\r\n\r\n".encode())
        assert b"101" in link.recv(4096).split(b"\r\n")[0]
        assert router.change(uid, wish(backends.start("two"), uid=uid))
        router_lab.reload()
        link.sendall(b"still here")
        assert link.recv(4096) == b"still here"


def test_pools_grow_by_a_reload_that_loses_no_route(router_lab, backends):
    router = router_lab.settled(router_lab.router())
    place = backends.start("one")
    routes = [(str(uuid.uuid4()), f"app{number}.apps.localhost") for number in range(70)]
    for uid, host in routes:
        asked = wish(place, uid=uid, host=host)
        eventually(lambda: quietly(lambda: router.change(uid, asked)))  # noqa: B023
    for _, host in routes:
        assert router_lab.get(host)[0] == 200, host


def test_a_reload_that_fails_leaves_everything_serving_and_changing(router_lab, backends):
    router = router_lab.settled(router_lab.router())
    place, other = backends.start("one"), backends.start("two")
    routes = [(str(uuid.uuid4()), f"app{number}.apps.localhost") for number in range(33)]
    for uid, host in routes[:32]:
        assert router.change(uid, wish(place, uid=uid, host=host))
    frame = router_lab.instance.etc / "router.initial.cfg"
    good = frame.read_text()
    frame.write_text("nonsense\n" + good)
    late, late_host = routes[32]
    assert not router.change(late, wish(place, uid=late, host=late_host))
    eventually(lambda: quietly(router.check))
    uid, host = routes[0]
    assert router.change(uid, wish(other, uid=uid, host=host))
    assert router_lab.get(host)[2].startswith("two")
    assert "is starting" in router_lab.get(late_host)[2]
    frame.write_text(good)
    router.keep()  # not again at once: it waits a while after a failure
    fresh = router_lab.router()
    for one, name in routes:
        fresh.change(one, wish(place, uid=one, host=name))
    eventually(lambda: quietly(fresh.check))
    eventually(lambda: router_lab.get(late_host)[0] == 200)


def test_a_thousand_routes_take_new_ones_and_changes_at_once(router_lab, backends):
    router = router_lab.settled(router_lab.router())
    one, two = backends.start("one"), backends.start("two")
    routes = [(str(uuid.uuid4()), f"app{number}.apps.localhost") for number in range(1000)]
    router.replace_all(wish(one, uid=uid, host=host) for uid, host in routes)
    eventually(lambda: quietly(router.check) and router_lab.get(routes[-1][1])[0] == 200, 60)
    router.keep()
    pid = router_lab.haproxy.pid()
    uid = str(uuid.uuid4())
    assert router.change(uid, wish(one, uid=uid))
    assert router_lab.get(HOST)[0] == 200
    took_s = []
    for uid, host in routes[:50]:
        began = time.monotonic()
        assert router.change(uid, wish(two, uid=uid, host=host))
        took_s.append(time.monotonic() - began)
    assert median(took_s) < 0.2  # a machine that is busy for a moment does not count
    assert router_lab.get(routes[0][1])[2].startswith("two")
    assert router_lab.haproxy.pid() == pid


def test_a_pod_that_dies_between_two_looks_costs_no_request(router_lab, backends):
    router = router_lab.settled(router_lab.router())
    uid = str(uuid.uuid4())
    place = backends.start("one")
    gone = ("127.0.0.1", 1)  # nothing listens there
    assert router.change(uid, wish(place, gone, uid=uid))
    answers = [router_lab.get(HOST)[2].split("\n")[0] for _ in range(20)]
    assert set(answers) == {"one"}


# -- TLS ---------------------------------------------------------------------------------------


def test_tls_ends_at_the_router_which_says_who_asked(router_lab, backends):
    router = router_lab.settled(router_lab.router())
    uid = str(uuid.uuid4())
    assert router.change(uid, wish(backends.start("one"), uid=uid))
    _, _, answer = tls_get(router_lab, HOST)
    seen = answer.lower()
    assert "200 ok" in seen
    assert "x-forwarded-for: 192.0.2.7" in seen
    assert "x-forwarded-proto: https" in seen
    assert f"x-forwarded-port: {router_lab.instance.https_port}" in seen
    assert tls_get(router_lab, HOST, alpn=("h2", "http/1.1"))[1] == "h2"


def test_a_route_has_its_own_certificate_without_a_reload(router_lab, backends, own_certificate):
    router = router_lab.settled(router_lab.router())
    uid, host = str(uuid.uuid4()), "www.example.org"
    asked = wish(backends.start("one"), uid=uid, host=host)
    assert router.change(uid, asked)
    wildcard, _, _ = tls_get(router_lab, host)
    first, second = own_certificate(host), own_certificate(host)
    pid = router_lab.haproxy.pid()
    for one in (first, second):
        assert router.change(uid, replace(asked, certificate=one.bundle))
        assert tls_get(router_lab, host)[0] == one.der
        assert tls_get(router_lab, HOST)[0] == wildcard
    assert router.change(uid, asked)
    assert tls_get(router_lab, host)[0] == wildcard
    assert router.change(uid, replace(asked, certificate=first.bundle))
    assert router_lab.haproxy.pid() == pid
    router.keep()
    router_lab.restart()
    assert tls_get(router_lab, host)[0] == first.der
    assert router_lab.settled(router_lab.router()).is_ready
