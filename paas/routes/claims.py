"""Which route has a host: the first claim wins, over all projects. Pure.

One project owns a host; inside it, one route owns a host with a path. Who has been admitted keeps
what it has; among the others the oldest is first. Source: OpenShift's router, HostAlreadyClaimed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from paas.core.objects import ApiObject, annotations_of, name_of, namespace_of, uid_of
from paas.core.shape import maps, text
from paas.core.wellknown import PATH_TYPE
from paas.routes.kinds import admission_of

CLAIMED = "HostAlreadyClaimed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a route is not admitted."""

    reason: str
    message: str


def host_of(route: ApiObject) -> str:
    """Return the host."""
    return text(route, "spec", "host")


def path_of(route: ApiObject) -> str:
    """Return the path in the form in which paths are compared: `/shop`, or nothing for all."""
    return text(route, "spec", "path").rstrip("/")


def place_of(route: ApiObject) -> str:
    """Return where a route is in the router's maps, which is what it claims.

    `host/shop/` for a path and all below it, `host/shop/?` for the very path: that is another
    claim. The frame looks up `host/path/?` and takes the longest of the keys that it begins with.
    """
    if annotations_of(route).get(PATH_TYPE) == "Exact":
        return f"{host_of(route)}{text(route, 'spec', 'path') or '/'}/?"
    return f"{host_of(route)}{path_of(route)}/"


def decide(routes: Iterable[ApiObject], holders: Mapping[str, str]) -> dict[str, Refusal | None]:
    """Decide about all routes of one host: by uid, None for those that are admitted.

    `holders` are the uids that hold a place of this host now, by place: what this process decided
    last, which may be newer than the routes' status.
    """
    held = set(holders.values())
    order = sorted(routes, key=lambda route: _rank(route, held))
    decisions: dict[str, Refusal | None] = {}
    winners: dict[str, ApiObject] = {}
    for route in order:
        decisions[uid_of(route)] = _refusal(route, order[0], winners.get(place_of(route)))
        if decisions[uid_of(route)] is None:
            winners[place_of(route)] = route
    return decisions


def _rank(route: ApiObject, held: set[str]) -> tuple[bool, bool, str, int, str]:
    created = text(route, "metadata", "creationTimestamp")
    version = int(text(route, "metadata", "resourceVersion") or 0)  # of the same second: in order
    uid = uid_of(route)
    return (uid not in held, not was_admitted(route), created, version, uid)


def was_admitted(route: ApiObject) -> bool:
    """Say whether its status says that it has the host that it asks for."""
    return any(
        text(one, "host") == host_of(route) and admission_of(one).get("status") == "True"
        for one in maps(route, "status", "ingress")
    )


def _refusal(route: ApiObject, first: ApiObject, winner: ApiObject | None) -> Refusal | None:
    if namespace_of(route) != namespace_of(first):
        return Refusal(CLAIMED, f"a route in another namespace holds {host_of(route)}")
    if winner is not None:
        where = host_of(route) + path_of(route)
        return Refusal(CLAIMED, f"route {name_of(winner)} already exposes {where} and is older")
    return None
