"""HAProxy's memory as we know it, and the commands that bring it to what routes ask for. No I/O.

Commands are in an order in which no request finds nothing: new servers begin, then the map leads
to them, then old ones end.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from paas.core.router import STARTING
from paas.routes.haproxy import server_commands
from paas.routes.pools import (
    NOWHERE,
    SIZES,
    Place,
    Turn,
    backends_of,
    grown,
    pools_text,
    shape_of,
    size_for,
    size_of,
    turns,
)
from paas.routes.wishes import SERVE, Endpoint, RouteWish

Servers = dict[str, list[Place]]
Table = dict[str, str]


class Memory:
    """Servers by backend, both maps, and which route has which backend.

    Changed by one thread; `uses` may be asked by any.
    """

    def __init__(self, plain_map: Path, secure_map: Path) -> None:
        self._paths = (plain_map, secure_map)
        self._lock = threading.Lock()
        self._servers: Servers = {}
        self._names: dict[int, list[str]] = {}
        self._tables: tuple[Table, Table] = ({}, {})
        self._backends: dict[str, str] = {}
        self._leaving: dict[str, dict[int, set[str]]] = {}
        self.wishes: dict[str, RouteWish] = {}

    def learn(self, servers: Servers, tables: tuple[Table, Table]) -> None:
        """Take over what HAProxy says of itself; the maps tell whose each backend is.

        What is under way goes on, also in workers that know of it alone: those of before a reload.
        """
        with self._lock:
            self._servers = {name: places for name, places in servers.items() if size_of(name)}
            for backend, number, place in self._places():
                if not place.active and place.endpoint.address != NOWHERE.address:
                    self._leave(backend, number, place)  # by an earlier process, perhaps just now
        shape = shape_of(self._servers)
        self._names = {size: backends_of({size: shape[size]}) for size in SIZES}
        self._tables = tables
        self._backends = {}
        taken: set[str] = set()
        for uid, wish in self.wishes.items():
            for table in tables:
                backend = table.get(wish.key, "")
                if backend in self._servers and backend not in taken:
                    self._backends[uid] = backend
                    taken.add(backend)

    def uses(self, addresses: set[str]) -> bool:
        """Say whether requests go to one of the addresses, or may still be under way there."""
        with self._lock:
            if any(
                place.active and place.endpoint.address in addresses
                for _, _, place in self._places()
            ):
                return True
            left = (one for numbers in self._leaving.values() for one in numbers.values())
            return any(addresses & one for one in left)

    def page_of(self, uid: str) -> str | None:
        """Return the page that a route shows; None if it has endpoints or is not served."""
        wish = self.wishes.get(uid)
        return None if wish is None or wish.endpoints else wish.page

    def names(self) -> dict[str, str]:
        """Return `<project>/<route>` by backend."""
        return {
            backend: f"{wish.namespace}/{wish.name}"
            for uid, backend in self._backends.items()
            if (wish := self.wishes.get(uid))
        }

    # -- places that were left -------------------------------------------------------------------

    def leaving(self) -> dict[str, set[int]]:
        """Return the places that were left and in which requests may still be under way."""
        return {backend: set(numbers) for backend, numbers in self._leaving.items()}

    def left(self, backend: str, numbers: Iterable[int]) -> None:
        """Forget places: their last request has ended."""
        with self._lock:
            rest = self._leaving.get(backend, {})
            for number in numbers:
                rest.pop(number, None)
            if not rest:
                self._leaving.pop(backend, None)

    # -- room ------------------------------------------------------------------------------------

    def has_room(self) -> bool:
        """Say whether every route finds a backend now."""
        have, need = self._shape(), self._needed()
        return bool(self._servers) and all(have[size] >= need[size] for size in SIZES)

    def is_placed(self, uid: str) -> bool:
        """Say whether a route has a backend that is big enough, or needs none."""
        wish = self.wishes.get(uid)
        if wish is None or not wish.endpoints:
            return True
        places = self._servers.get(self._backends.get(uid, ""), ())
        return len(places) >= size_for(len(wish.endpoints))

    def is_served(self, uid: str) -> bool:
        """Say whether a route has a backend, be it too small, or needs none."""
        wish = self.wishes.get(uid)
        return wish is None or not wish.endpoints or uid in self._backends

    def shape_wanted(self) -> dict[int, int]:
        """Return the shape that there should be: with room to spare."""
        return grown(self._shape(), self._needed())

    def is_shaped(self) -> bool:
        """Say whether there is room to spare."""
        return self.shape_wanted() == self._shape()

    def _shape(self) -> dict[int, int]:
        return {size: len(self._names.get(size, ())) for size in SIZES}

    def _needed(self) -> dict[int, int]:
        need = dict.fromkeys(SIZES, 0)
        for uid, wish in self.wishes.items():
            wanted = size_for(len(wish.endpoints))
            had = len(self._servers.get(self._backends.get(uid, ""), ()))
            if had:
                need[had] += 1  # also where a bigger one is needed, until requests have moved over
            if wish.endpoints and had < wanted:
                need[wanted] += 1
        return need

    # -- what HAProxy begins with ------------------------------------------------------------------

    def pools(self, shape: dict[int, int]) -> str:
        """Return the pools of a configuration, with the servers of now."""
        return pools_text(shape, self._servers)

    def tables(self) -> tuple[tuple[Path, Table], tuple[Path, Table]]:
        """Return both maps with their files: plain HTTP's and TLS's."""
        return (self._paths[0], self._tables[0]), (self._paths[1], self._tables[1])

    # -- commands ----------------------------------------------------------------------------------

    def commands(self, uid: str, before: RouteWish | None = None) -> list[str]:
        """Return what makes a route be what its wish says; `before` may have another key."""
        wish = self.wishes.get(uid)
        had = self._backends.get(uid, "")
        has = self._choose(uid, wish, had)
        begin, end = self._serve(has, wish.endpoints if wish else ())
        moved = before is not None and (wish is None or wish.key != before.key)
        maps = [*self._unmap(before.key)] if before and moved else []
        if wish is not None:
            maps += self._map(wish, has)
        if had and had != has:
            end += self._serve(had, ())[1]
        return begin + maps + end

    def stale_keys(self) -> set[str]:
        """Return the keys in the maps that no wish explains."""
        keys = {wish.key for wish in self.wishes.values()}
        return {key for table in self._tables for key in table if key not in keys}

    def sweep(self) -> list[str]:
        """Return what takes away all that no wish explains."""
        commands = [line for key in self.stale_keys() for line in self._unmap(key)]
        for backend in set(self._servers) - set(self._backends.values()):
            commands += self._serve(backend, ())[1]
        return commands

    def _choose(self, uid: str, wish: RouteWish | None, had: str) -> str:
        """Return the backend for a route; one that is big enough it keeps while it exists.

        One that is too small it keeps until there is a bigger one.
        """
        if wish is None:
            self._backends.pop(uid, None)
            return ""
        size = size_for(len(wish.endpoints))
        if not wish.endpoints or (had and size_of(had) >= size):
            return had
        if free := self._free(size):
            self._backends[uid] = free
        return free or had

    def _free(self, size: int) -> str:
        """Return a backend that nobody has; nothing where there is none."""
        taken = set(self._backends.values())
        free = [name for name in self._names[size] if name not in taken]
        # one whose last requests are over, if there is such a one
        return next((name for name in free if name not in self._leaving), "".join(free[:1]))

    def _serve(self, backend: str, wanted: Sequence[Endpoint]) -> tuple[list[str], list[str]]:
        """Return what begins and what ends when a backend has these endpoints."""
        begin: list[str] = []
        end: list[str] = []
        places = self._servers.get(backend, [])
        for turn in turns(places, wanted[: len(places)]):
            self._note(backend, turn)
            commands = server_commands(backend, turn.number, turn.place)
            (begin if turn.place.active else end).extend(commands)
        return begin, end

    def _note(self, backend: str, turn: Turn) -> None:
        with self._lock:
            before = self._servers[backend][turn.number - 1]
            self._servers[backend][turn.number - 1] = turn.place
            stays = turn.place.active and turn.place.endpoint.address == before.endpoint.address
            if before.active and not stays:
                self._leave(backend, turn.number, before)

    def _leave(self, backend: str, number: int, place: Place) -> None:
        numbers = self._leaving.setdefault(backend, {})
        numbers.setdefault(number, set()).add(place.endpoint.address)

    def _places(self) -> Iterator[tuple[str, int, Place]]:
        for backend, places in self._servers.items():
            for number, place in enumerate(places, 1):
                yield backend, number, place

    def _map(self, wish: RouteWish, backend: str) -> Iterator[str]:
        own = (backend or STARTING) if wish.endpoints else wish.page
        for (path, table), answer in zip(self.tables(), (wish.plain, wish.secure), strict=True):
            value = own if answer == SERVE else answer
            verb = "set" if wish.key in table else "add"
            if table.get(wish.key) != value:
                table[wish.key] = value
                yield f"{verb} map {path} {wish.key} {value}"

    def _unmap(self, key: str) -> Iterator[str]:
        if any(wish.key == key for wish in self.wishes.values()):
            return
        for path, table in self.tables():
            if table.pop(key, None) is not None:
                yield f"del map {path} {key}"
