"""The pools of HAProxy: backends with places for servers, made before anybody needs them. Pure.

A route takes a backend that is big enough and lets it go when the route goes; endpoints take
places in it. Both are runtime commands. HAProxy is reloaded only when a pool runs out, and pools
double then: a thousand routes cost five reloads in all, and no WebSocket is cut for a new one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from paas.routes.wishes import Endpoint

NOWHERE = Endpoint("192.0.2.1", 1, 1)
"""The address of a place that nobody has: of a network that exists in documents only."""

FIRST: dict[int, int] = {4: 32, 16: 8, 64: 2, 256: 0}
"""How many backends of how many places there are at first."""

SIZES = tuple(FIRST)
_NAME = re.compile(r"app([0-9]+)-([0-9]+)")

Shape = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A place for a server. `active` ones get requests."""

    endpoint: Endpoint = NOWHERE
    active: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of one place, counted from 1 as HAProxy's servers are."""

    number: int
    place: Place


def backend_name(size: int, number: int) -> str:
    """Return `app4-17`, the eighteenth backend of four places."""
    return f"app{size}-{number}"


def size_of(backend: str) -> int:
    """Return how many places a backend has; 0 for one that is not of a pool."""
    found = _NAME.fullmatch(backend)
    return int(found[1]) if found else 0


def shape_of(backends: Iterable[str]) -> dict[int, int]:
    """Return the shape that has all of these backends."""
    shape = dict.fromkeys(SIZES, 0)
    for backend in backends:
        if found := _NAME.fullmatch(backend):
            size, number = int(found[1]), int(found[2])
            shape[size] = max(shape.get(size, 0), number + 1)
    return shape


def backends_of(shape: Shape) -> list[str]:
    """Return the names of all backends."""
    return [backend_name(size, number) for size in SIZES for number in range(shape.get(size, 0))]


def size_for(endpoints: int) -> int:
    """Return the size of backend that so many endpoints need; the largest for too many."""
    return next((size for size in SIZES if size >= endpoints), SIZES[-1])


def grown(shape: Shape, wanted: Mapping[int, int]) -> dict[int, int]:
    """Return a shape that has room for `wanted` backends of each size, with a quarter to spare.

    Pools only grow, by doubling, so that every worker knows every backend of an older one.
    """
    bigger = {}
    for size in SIZES:
        count = max(shape.get(size, 0), FIRST[size])
        need = wanted.get(size, 0)
        while need and count * 3 < need * 4:
            count = max(count * 2, 1)
        bigger[size] = count
    return bigger


def turns(places: Sequence[Place], wanted: Iterable[Endpoint]) -> list[Turn]:
    """Return the changes by which the wanted endpoints, and only they, are active.

    Who is in stays where it is. New ones come before old ones go. A place left last is taken
    last, because its last requests may still be under way: HAProxy finishes them either way.
    """
    waiting = {(one.address, one.port): one for one in wanted}
    begin: list[Turn] = []
    end: list[Turn] = []
    free: list[int] = []
    for number, place in enumerate(places, 1):
        endpoint = waiting.pop((place.endpoint.address, place.endpoint.port), None)
        if endpoint is None:
            if place.active:
                end.append(Turn(number, Place(place.endpoint)))
            else:
                free.append(number)
        elif place != (new := Place(endpoint, active=True)):
            begin.append(Turn(number, new))
    free.sort(key=lambda number: places[number - 1].endpoint != NOWHERE)
    free += [turn.number for turn in end]
    for number, endpoint in zip(free, waiting.values(), strict=False):
        begin.append(Turn(number, Place(endpoint, active=True)))
    taken = {turn.number for turn in begin}
    return begin + [turn for turn in end if turn.number not in taken]


def pools_text(shape: Shape, servers: Mapping[str, Sequence[Place]]) -> str:
    """Return the backends as HAProxy reads them, with the servers that are active now."""
    return "".join(
        f"\nbackend {name}\n{_servers(servers.get(name, ()), size_of(name))}"
        for name in backends_of(shape)
    )


def _servers(places: Sequence[Place], size: int) -> str:
    last = max((n for n, place in enumerate(places, 1) if place.active), default=0)
    lines = [_server(number, place) for number, place in enumerate(places[:last], 1)]
    if last < size:
        lines.append(
            f"  server-template s {last + 1}-{size} {NOWHERE.address}:{NOWHERE.port} disabled\n"
        )
    return "".join(lines)


def _server(number: int, place: Place) -> str:
    at = place.endpoint if place.active else NOWHERE
    state = f"weight {at.weight}" if place.active else "disabled"
    return f"  server s{number} {at.address}:{at.port} {state}\n"
