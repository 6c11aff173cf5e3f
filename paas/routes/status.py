"""What a route's status says. Pure. Source: route.openshift.io/v1 RouteIngress."""

from datetime import datetime
from typing import Any

from paas.core.objects import ApiObject, timestamp
from paas.core.shape import maps, text
from paas.routes.claims import Refusal, host_of
from paas.routes.kinds import admission_of

ROUTER = "default"


def canonical_host(domain: str) -> str:
    """Return the router's own name: what a CNAME of another host points to."""
    return f"router-{ROUTER}.{domain}"


def status_of(
    route: ApiObject, refusal: Refusal | None, *, domain: str, now: datetime
) -> dict[str, Any]:
    """Return the status; the time of the last change stays while nothing has changed."""
    condition = {"type": "Admitted", "status": "True" if refusal is None else "False"}
    if refusal is not None:
        condition |= {"reason": refusal.reason, "message": refusal.message}
    before = _before(route)
    since = before.pop("lastTransitionTime", "")
    condition["lastTransitionTime"] = since if before == condition else timestamp(now)
    ingress = {
        "host": host_of(route),
        "routerName": ROUTER,
        "routerCanonicalHostname": canonical_host(domain),
        "wildcardPolicy": "None",
        "conditions": [condition],
    }
    others = [one for one in maps(route, "status", "ingress") if text(one, "routerName") != ROUTER]
    return {"ingress": [ingress, *others]}


def _before(route: ApiObject) -> dict[str, Any]:
    for one in maps(route, "status", "ingress"):
        if text(one, "routerName") == ROUTER and text(one, "host") == host_of(route):
            return dict(admission_of(one))
    return {}
