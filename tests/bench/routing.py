"""Routes: their objects, their hosts, and where the applications' router listens."""

import contextlib
import http.client
from typing import Any

from deploy import layout
from tests.bench.bench import Api, Bench

GROUP = "/apis/route.openshift.io/v1"
ROUTES = GROUP + "/namespaces/{}/routes"


def offers_routes(api: Api) -> bool:
    """Say whether the platform serves Routes."""
    return api.find(GROUP) is not None


def route(name: str, service: str) -> dict[str, Any]:
    """Return a Route by plain HTTP to a Service's `http` port."""
    return {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {"name": name},
        "spec": {
            "to": {"kind": "Service", "name": service, "weight": 100},
            "port": {"targetPort": "http"},
        },
    }


def route_post(api: Api, namespace: str, wish: dict[str, Any]) -> None:
    """Create a Route."""
    api.post(ROUTES.format(namespace), wish)


def route_host(bench: Bench, namespace: str, name: str) -> str:
    """Return the host that a Route without one gets."""
    return f"{name}-{namespace}.{bench.instance.apps_domain}"


def router_address(bench: Bench) -> tuple[str, int]:
    """Return where the router takes plain HTTP on this machine."""
    return layout.loopback(bench.instance), bench.instance.http_port


def answer_of(address: str, port: int, host: str) -> tuple[int, str]:
    """Ask once on a connection of its own; return status and body, (0, "") where it broke."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    return 0, ""
