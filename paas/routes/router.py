"""Keeps HAProxy at what the routes ask for, over its sockets and by its files.

One thread changes it (the route controller's); the node agent asks `is_drained` from others.
The truth is HAProxy's own memory: it is read when we start, after a reload, and whenever another
worker answers or a command was refused. Old workers, which finish what they have begun and may
be asked once more over connections that were kept, send on to the new one what has changed since.
"""

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import structlog

from paas.core.objects import ApiObject
from paas.core.router import ONWARD_PLAIN, ONWARD_SECURE
from paas.routes.errors import RouterError
from paas.routes.files import RouterFiles
from paas.routes.haproxy import HaproxySocket, Workers
from paas.routes.memory import Memory
from paas.routes.owncertificates import OwnCertificates
from paas.routes.wishes import RouteWish

log = structlog.get_logger(__name__)

RELOAD_MAX_S = 30.0
GROW_AGAIN_S = 30.0
LOST_AFTER_S = 0.3


class Router:
    """One HAProxy. Methods raise RouterError while it does not answer."""

    def __init__(self, files: RouterFiles, haproxy: HaproxySocket) -> None:
        self._files = files
        self._haproxy = haproxy
        self._memory = Memory(files.plain_map, files.secure_map)
        self._certificates = OwnCertificates(files, haproxy)
        self._worker = 0
        self._old: tuple[int, ...] = ()
        self._known = False
        self._was_compared = False
        self._reload_until: float | None = None
        self._is_short = False
        self._before = Workers(0, (), 0, 0)
        self._asked_at = 0.0
        self._grow_after = 0.0
        self._dirty = True

    @property
    def is_ready(self) -> bool:
        """Say whether HAProxy's memory is known and no reload is under way or due."""
        due = self._is_short and not self._grow_after
        return self._known and self._reload_until is None and not due

    @property
    def grows_after_s(self) -> float:
        """Return for how long no reload is begun because the last one failed."""
        return max(0.0, self._grow_after - time.monotonic())

    def is_drained(self, pod: ApiObject) -> bool:
        """Say whether no request goes to a pod, nor is still under way there. From memory.

        While HAProxy has not been read yet nobody knows; who asks has a limit to its patience.
        """
        given = (pod.get("status") or {}).get("podIPs") or ()
        unsure = self._reload_until is not None or not self._was_compared
        return not unsure and not self._memory.uses({one["ip"] for one in given})

    def page_of(self, uid: str) -> str | None:
        """Return the page that a route shows; None if it has endpoints or is not served."""
        return self._memory.page_of(uid)

    def is_served(self, uid: str) -> bool:
        """Say whether a route's requests find a backend, or are to find none."""
        return self._memory.is_served(uid)

    def host_of(self, uid: str) -> str:
        """Return the host under which a route is served; nothing where it is not."""
        wish = self._memory.wishes.get(uid)
        return wish.host if wish else ""

    def backends(self) -> dict[str, str]:
        """Return `<project>/<route>` by the name that it has in HAProxy's counters."""
        return self._memory.names()

    def replace_all(self, wishes: Iterable[RouteWish]) -> None:
        """Take over all wishes at once; `check` brings them to HAProxy."""
        self._memory.wishes = {wish.uid: wish for wish in wishes}
        self._known = False

    def change(self, uid: str, wish: RouteWish | None) -> bool:
        """Make one route so; say whether it is. If not, pools are growing: ask again soon."""
        before = self._memory.wishes.get(uid)
        if wish == before and self.is_ready and self._memory.is_placed(uid):
            return True
        self.check()
        self._remember(uid, wish)
        self._known = False  # until all of it is done
        self._tell(self._memory.commands(uid, before), _keys(wish, before))
        self._certificates.follow(self._memory.wishes)
        self._known = True
        if self._memory.is_placed(uid):
            return True
        self._is_short = True
        self._grow()
        return False

    def check(self) -> bool:
        """Compare HAProxy with the wishes if it may have forgotten; say whether all is calm."""
        pid = self._haproxy.pid()
        if self._reload_until is not None and pid == self._worker:
            self._await_reload()
        if pid != self._worker or not self._known:
            self._compare(pid)
        if self._is_short:
            self._grow()
        return self.is_ready

    def keep(self) -> None:
        """Do what can wait: forget old workers, write files, make room to spare."""
        if not self.check():
            return
        self._old = self._old_workers()
        if not self._memory.is_shaped():
            self._grow()
        elif self._dirty:
            self._write()

    def look_at_leaving(self) -> bool:
        """Count what is under way in places that were left; say whether there is any."""
        for backend, numbers in self._memory.leaving().items():
            busy = Counter(self._haproxy.busy(backend))
            try:
                for worker in self._old:
                    busy.update(self._haproxy.busy(backend, worker=worker))
            except RouterError:  # the master begins anew: nobody knows what old workers do
                return True
            self._memory.left(backend, (n for n in numbers if not busy[n]))
        return bool(self._memory.leaving())

    def _remember(self, uid: str, wish: RouteWish | None) -> None:
        if wish is None:
            self._memory.wishes.pop(uid, None)
        else:
            self._memory.wishes[uid] = wish

    def _compare(self, pid: int) -> None:
        paths = [path for path, _ in self._memory.tables()]
        tables = self._haproxy.table(paths[0]), self._haproxy.table(paths[1])
        self._memory.learn(self._haproxy.servers(), tables)
        replaced = {self._worker} - {0, pid}  # whoever asked for the reload
        if self._reload_until is not None and pid != self._worker:
            log.info("router_reloaded", worker=pid)
            self._reload_until, self._grow_after = None, 0.0
        self._worker, self._dirty = pid, True
        self._old = tuple({*self._old_workers(), *replaced} - {pid})
        commands: list[str] = []
        keys: set[str] = set()
        for uid, wish in self._memory.wishes.items():
            if changes := self._memory.commands(uid):
                commands += changes
                keys.add(wish.key)
        stale = self._memory.stale_keys()
        commands += self._memory.sweep()
        self._tell(commands, keys | stale)
        self._certificates.compare(self._memory.wishes)
        self._known = self._was_compared = True
        count = len(self._memory.wishes)
        log.info("router_compared", routes=count, changes=len(commands), worker=pid)
        self._is_short = not self._memory.has_room()

    def _old_workers(self) -> tuple[int, ...]:
        """Return who finishes what it has begun; as we last knew while the master restarts."""
        with suppress(RouterError):
            return self._haproxy.workers().old
        return self._old

    def _tell(self, commands: list[str], keys: Iterable[str]) -> None:
        """Tell HAProxy what has changed, and its old workers that something has."""
        if not commands:
            return
        self._dirty = True
        self._haproxy.tell(commands)
        (plain, _), (secure, _) = self._memory.tables()
        for worker in self._old:
            with suppress(RouterError):  # it has ended
                self._haproxy.divert(worker, plain, keys, ONWARD_PLAIN)
                self._haproxy.divert(worker, secure, keys, ONWARD_SECURE)

    def _grow(self) -> None:
        """Begin a reload into bigger pools; `check` sees its end. All goes on meanwhile."""
        if self._reload_until is not None or time.monotonic() < self._grow_after:
            return
        self._write()
        with suppress(RouterError):  # it is away for a moment after each reload: `check` asks again
            self._before = self._haproxy.workers()
            self._haproxy.reload()
            self._asked_at = time.monotonic()
            self._reload_until = self._asked_at + RELOAD_MAX_S
            log.info("router_reload_begun", shape=self._memory.shape_wanted())

    def _await_reload(self) -> None:
        """Give a reload up that failed: the worker of now goes on, with the pools that it has."""
        now, failed = time.monotonic(), False
        with suppress(RouterError):  # the master's socket is away while it begins anew
            workers = self._haproxy.workers()
            failed = workers.failed > self._before.failed
            lost = workers.reloads == self._before.reloads
            if lost and now > self._asked_at + LOST_AFTER_S:
                self._haproxy.reload()
                self._asked_at = now
        if failed or now > (self._reload_until or 0.0):
            self._reload_until = None
            self._grow_after = now + GROW_AGAIN_S
            log.error("router_reload_failed", again_s=GROW_AGAIN_S)

    def _write(self) -> None:
        """Write what HAProxy would begin with. Pools first: a map may name only what is there."""
        self._files.pools_write(self._memory.pools(self._memory.shape_wanted()))
        for path, table in self._memory.tables():
            self._files.map_write(path, table)
        self._files.names_write(self._memory.names())
        self._dirty = False


def _keys(*wishes: RouteWish | None) -> set[str]:
    return {wish.key for wish in wishes if wish}
