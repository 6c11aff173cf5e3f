"""Get, list and watch on the event loop: the door's asynchronous half, authorised here.

What is stored comes as the text that is served; kinds with a backend of their own and Scale go
through the door's synchronous half in a thread.
"""

from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

import orjson

from paas.apimachinery.audit import entry_of
from paas.apimachinery.door import Door
from paas.apimachinery.hub import Change, Subscription
from paas.apimachinery.kinds import Kind
from paas.apimachinery.options import Event, ListOptions, ObjectList, WatchOptions
from paas.apimachinery.rbac import Attributes, attributes
from paas.apimachinery.reads import Reads
from paas.apimachinery.selectable import check_selectable
from paas.apimachinery.store import AuditEntry, Page
from paas.apimachinery.watching import END, lost
from paas.apimachinery.words import denied_on
from paas.apiserver.paths import Target
from paas.apiserver.threads import DoorThreads
from paas.core.actors import Actor
from paas.core.errors import BadRequestError, ForbiddenError
from paas.core.numbers import parse_whole
from paas.core.selectors import FieldSelector

Put = Callable[[Event], None]
"""Takes an event, from any thread."""

_WHOLE = frozenset({"", "status"})


class OpenWatch(Protocol):
    """An open watch."""

    def close(self) -> None:
        """End it, from any thread."""

    def settled(self) -> int:
        """Return a version up to which everything has been put."""


class Reader(Protocol):
    """What the HTTP half asks of the door without blocking."""

    async def open(self) -> None:
        """Begin, on the running event loop."""

    async def close(self) -> None:
        """End."""

    async def authorize(self, actor: Actor, target: Target, verb: str) -> None:
        """Raise ForbiddenError unless the actor may."""

    async def authorize_watch(self, actor: Actor, target: Target, options: WatchOptions) -> None:
        """Raise ForbiddenError unless the actor may watch what the options select."""

    async def authorize_path(self, actor: Actor, verb: str, path: str) -> None:
        """Raise ForbiddenError unless the actor may, on a path that names no resource."""

    async def authorize_impersonation(self, actor: Actor, rights: Sequence[Attributes]) -> None:
        """Raise ForbiddenError unless the actor has every right that acting as another takes."""

    async def get(self, actor: Actor, target: Target) -> str:
        """Return one object's JSON. Raises NotFoundError, ForbiddenError."""

    async def list(self, actor: Actor, target: Target, options: ListOptions) -> Page:
        """Return a page whose text is the items' JSON joined by commas."""

    async def watch(
        self, actor: Actor, target: Target, options: WatchOptions, *, initial: bool, put: Put
    ) -> OpenWatch:
        """Send `put` what is there (`initial`), and then every change.

        Raises ExpiredError where the log no longer reaches back to the resourceVersion.
        """


class DoorReader:
    """The real one."""

    def __init__(self, door: Door, threads: DoorThreads) -> None:
        self._door = door
        self._threads = threads
        self._reads: Reads | None = None

    async def open(self) -> None:
        """Begin, on the running event loop."""
        self._reads = self._door.reads()
        await self._reads.open()

    async def close(self) -> None:
        """End."""
        if self._reads is not None:
            await self._reads.close()

    @property
    def reads(self) -> Reads:
        """Return the connections of this event loop."""
        assert self._reads is not None, "open() comes first"  # noqa: S101 -- a programmer's error
        return self._reads

    async def authorize(self, actor: Actor, target: Target, verb: str) -> None:
        """Raise ForbiddenError unless the actor may. A yes from memory costs no thread."""
        kind, place = target.kind, target.namespace
        name, sub = target.name, target.subresource
        asked = attributes(kind, verb, namespace=place, name=name, subresource=sub)
        if self._door.rbac.allowed_now(actor, asked):
            return
        await self._threads.run(
            self._door.authorize, actor, kind, verb, namespace=place, name=name, subresource=sub
        )

    async def authorize_watch(self, actor: Actor, target: Target, options: WatchOptions) -> None:
        """Raise ForbiddenError unless the actor may watch what the options select."""
        await self.authorize(actor, _named(target, options.fields), "watch")

    async def authorize_path(self, actor: Actor, verb: str, path: str) -> None:
        """Raise ForbiddenError unless the actor may, on a path that names no resource."""
        asked = Attributes(verb, path=path)
        rbac = self._door.rbac
        if rbac.allowed_now(actor, asked):
            return
        if not (await self._threads.run(rbac.allowed, actor, asked)).allowed:
            error = ForbiddenError(f'forbidden: User "{actor.name}" cannot {verb} path "{path}"')
            await self._refuse(actor, entry_of(actor, verb, "", name=path), error)

    async def authorize_impersonation(self, actor: Actor, rights: Sequence[Attributes]) -> None:
        """Raise ForbiddenError unless the actor has every right that acting as another takes."""
        rbac = self._door.rbac
        for asked in rights:
            if rbac.allowed_now(actor, asked):
                continue
            if not (await self._threads.run(rbac.allowed, actor, asked)).allowed:
                entry = entry_of(
                    actor,
                    asked.verb,
                    f"{asked.resource}.{asked.group}".rstrip("."),
                    subresource=asked.subresource,
                    namespace=asked.namespace,
                    name=asked.name,
                )
                await self._refuse(actor, entry, denied_on(actor, asked))

    async def _refuse(self, actor: Actor, entry: AuditEntry, error: ForbiddenError) -> NoReturn:
        await self._threads.run(self._door.audit.refused, actor, entry, error.message)
        raise error

    async def get(self, actor: Actor, target: Target) -> str:
        """Return one object's JSON. Raises NotFoundError, ForbiddenError."""
        kind = target.kind
        if kind.backend is None and target.subresource in _WHOLE:
            await self.authorize(actor, target, "get")
            return await self.reads.get(kind, target.namespace, target.name)
        obj = await self._threads.run(
            self._door.get,
            actor,
            kind.address,
            target.name,
            target.namespace,
            subresource=target.subresource,
        )
        return orjson.dumps(obj).decode()

    async def list(self, actor: Actor, target: Target, options: ListOptions) -> Page:
        """Return a page whose text is the items' JSON joined by commas."""
        kind = target.kind
        if kind.backend is None:
            await self.authorize(actor, _named(target, options.fields), "list")
            check_selectable(kind, options.fields)
            return await self._stored(kind, target.namespace, options)
        found = await self._threads.run(
            self._door.list, actor, kind.address, target.namespace, options
        )
        return _as_page(found)

    async def _stored(self, kind: Kind, namespace: str, options: ListOptions) -> Page:
        """Return a page of rows; what has to be converted is read beside the event loop."""
        if kind.conversion is None:
            return await self.reads.list(kind, namespace, options)
        return _as_page(await self._threads.run(self._door.store.list, kind, namespace, options))

    async def watch(
        self, actor: Actor, target: Target, options: WatchOptions, *, initial: bool, put: Put
    ) -> OpenWatch:
        """Send `put` what is there (`initial`), and then every change."""
        await self.authorize_watch(actor, target, options)
        check_selectable(target.kind, options.fields)
        version = parse_version(options.resource_version)
        if initial:
            version = await self._put_all(actor, target, options, put)
        elif not version:
            version = await self._threads.run(self._door.store.newest)
        return await self._threads.run(self._follow, actor, target, options, version, put)

    async def _put_all(self, actor: Actor, target: Target, options: WatchOptions, put: Put) -> int:
        selected = ListOptions(options.labels, options.fields)
        if target.kind.backend is None:
            page = await self._stored(target.kind, target.namespace, selected)
        else:
            page = await self.list(actor, target, selected)
        version = int(page.resource_version)
        for obj in orjson.loads(f"[{page.text}]"):
            put(Event("ADDED", obj))
        return version

    def _follow(
        self, actor: Actor, target: Target, options: WatchOptions, version: int, put: Put
    ) -> Subscription:
        select = self._door.watch_filter(actor, target.kind, target.namespace, options, version)

        def take(change: Change) -> None:
            for event in select(change):
                put(event)

        return self._door.open_sink(
            target.kind, version, take, lost=lambda: put(lost()), ended=lambda: put(END)
        )


def _as_page(found: ObjectList) -> Page:
    text = ",".join(orjson.dumps(obj).decode() for obj in found.items)
    return Page(text, found.resource_version, found.continue_token, found.remaining)


def parse_version(text: str) -> int:
    """Return a resourceVersion as a number, 0 for none. Raises BadRequestError."""
    version = parse_whole(text or "0")
    if version is None:
        raise BadRequestError(f'resourceVersion: Invalid value: "{text}": must be a whole number')
    return version


def _named(target: Target, fields: FieldSelector) -> Target:
    """Return what RBAC sees of a list or watch of one name. Source: RequestInfoFactory."""
    for term in fields.terms:
        if term.path == "metadata.name" and term.equal:
            return Target(target.kind, target.namespace, term.value, target.subresource)
    return target


def list_kind(kind: Kind) -> str:
    """Return what upstream calls the list of a kind."""
    return kind.list_kind_name
