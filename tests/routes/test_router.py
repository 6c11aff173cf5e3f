"""The router with real HAProxy: what reaches whom, without a reload."""

import contextlib
import socket
import threading
import uuid

import pytest

from paas.core.router import FAILING, REDIRECT, STARTING, UNKNOWN
from paas.routes.wishes import SERVE, Endpoint, RouteWish

pytestmark = pytest.mark.servers


def wish(host="web.apps.localhost", *endpoints, path="", **more):
    return RouteWish(
        uid=more.pop("uid", str(uuid.uuid4())),
        namespace="shop",
        name="web",
        key=f"{host}{path}/",
        plain=more.pop("plain", SERVE),
        secure=more.pop("secure", SERVE),
        endpoints=tuple(Endpoint(*one) for one in endpoints),
        host=host,
        **more,
    )


@pytest.fixture
def router(router_lab):
    return router_lab.settled(router_lab.router())


def test_a_route_leads_to_its_endpoint_without_a_reload(router_lab, router, backends):
    pid = router_lab.haproxy.pid()
    asked = wish("web.apps.localhost", backends.start("one"))
    assert router.change(asked.uid, asked)
    status, _, body = router_lab.get("WEB.apps.localhost.:8080", "/x?y=1")
    assert (status, body.splitlines()[0]) == (200, "one")
    assert "GET /x?y=1 HTTP/1.1" in body
    assert router_lab.haproxy.pid() == pid


def test_a_request_finds_nothing_where_no_route_is(router_lab, router):
    status, headers, body = router_lab.get("nobody.apps.localhost")
    assert status == 503
    assert "No application has this address" in body
    assert headers["cache-control"] == "no-store"


def test_the_longest_path_wins_and_a_longer_word_is_another_path(router_lab, router, backends):
    shop = wish("web.apps.localhost", backends.start("shop"), path="/shop")
    deep = wish("web.apps.localhost", backends.start("deep"), path="/shop/cart")
    for one in (shop, deep):
        assert router.change(one.uid, one)
    found = {
        path: router_lab.get("web.apps.localhost", path)
        for path in ("/shop", "/shop/x", "/shop/cart?a=/", "/shop/cart/1", "/shopping", "/")
    }
    assert {
        path: body.split("\n")[0] for path, (_, _, body) in found.items() if _is_ok(found[path])
    } == {
        "/shop": "shop",
        "/shop/x": "shop",
        "/shop/cart?a=/": "deep",
        "/shop/cart/1": "deep",
    }
    assert [found[path][0] for path in ("/shopping", "/")] == [503, 503]


def _is_ok(answer):
    return answer[0] == 200


def test_endpoints_come_and_go_and_a_page_says_why_there_is_none(router_lab, router, backends):
    uid = str(uuid.uuid4())
    one, two = backends.start("one"), backends.start("two")

    def names():
        return {router_lab.get("web.apps.localhost")[2].split("\n")[0] for _ in range(8)}

    assert router.change(uid, wish("web.apps.localhost", one, two, uid=uid))
    assert names() == {"one", "two"}
    assert router.change(uid, wish("web.apps.localhost", two, uid=uid))
    assert names() == {"two"}
    assert router.change(uid, wish("web.apps.localhost", uid=uid, page=FAILING))
    assert "fails to start" in router_lab.get("web.apps.localhost")[2]
    assert router.change(uid, wish("web.apps.localhost", uid=uid, page=STARTING))
    assert "is starting" in router_lab.get("web.apps.localhost")[2]
    assert router.change(uid, wish("web.apps.localhost", one, uid=uid))
    assert names() == {"one"}
    assert router.change(uid, None)
    assert "No application has this address" in router_lab.get("web.apps.localhost")[2]


def test_a_route_that_outgrows_its_backend_moves_to_a_bigger_one(router_lab, router, backends):
    uid = str(uuid.uuid4())
    places = [backends.start(str(number)) for number in range(9)]
    for count in (2, 9, 1):
        assert router.change(uid, wish("web.apps.localhost", *places[:count], uid=uid))
        seen = {router_lab.get("web.apps.localhost")[2].split("\n")[0] for _ in range(3 * count)}
        assert seen == {str(number) for number in range(count)}
    pid = router_lab.haproxy.pid()
    assert router_lab.haproxy.pid() == pid


def test_what_plain_http_gets_is_the_routes_choice(router_lab, router, backends):
    place = backends.start("one")
    closed, redirected = (
        wish("closed.apps.localhost", place, plain=UNKNOWN),
        wish("moved.apps.localhost", place, plain=REDIRECT),
    )
    for one in (closed, redirected):
        assert router.change(one.uid, one)
    assert router_lab.get("closed.apps.localhost")[0] == 503
    status, headers, _ = router_lab.get("moved.apps.localhost", "/a?b=c")
    port = router_lab.instance.https_port
    assert (status, headers["location"]) == (302, f"https://moved.apps.localhost:{port}/a?b=c")


def test_the_client_cannot_say_who_it_is(router_lab, router, backends):
    asked = wish("web.apps.localhost", backends.start("one"))
    assert router.change(asked.uid, asked)
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X_Forwarded_For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/6.6.6.6",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
        "Proxy": "http://6.6.6.6",
    }
    _, _, body = router_lab.get("web.apps.localhost", headers=forged)
    seen = [line.split(": ") for line in body.lower().splitlines() if "forward" in line]
    assert "6.6.6.6" not in body
    assert sorted(seen) == [
        ["x-forwarded-for", "127.0.0.1"],
        ["x-forwarded-host", "web.apps.localhost"],
        ["x-forwarded-port", str(router_lab.instance.http_port)],
        ["x-forwarded-proto", "http"],
    ]


def test_a_host_of_the_platform_is_sent_to_https(router_lab, router):
    console = router_lab.instance.console_host
    status, headers, _ = router_lab.get(console, "/x")
    assert (status, headers["location"].split(":")[0]) == (308, "https")


def test_an_application_that_breaks_off_is_named_not_the_router(router_lab, router):
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def break_off():
            with contextlib.suppress(OSError):  # closed at the end of the test
                while True:
                    with rude.accept()[0] as link:
                        link.recv(65536)

        threading.Thread(target=break_off, daemon=True).start()
        asked = wish("web.apps.localhost", rude.getsockname())
        assert router.change(asked.uid, asked)
        status, headers, body = router_lab.get("web.apps.localhost")
    assert status == 502
    assert "The application broke off" in body
    assert headers["cache-control"] == "no-store"
