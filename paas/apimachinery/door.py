"""The one door: authorise, admit, store, audit. Every read and write of an object comes here.

Synchronous; the API server calls it from threads, controllers and services directly. Only get,
list and watch have an asynchronous path as well (`reads.py`, `open_sink`), behind `authorize`.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from paas.apimachinery.admission import AdmissionRequest
from paas.apimachinery.audit import Audit
from paas.apimachinery.database import Database
from paas.apimachinery.deletion import Deleter
from paas.apimachinery.hub import Hub, Sink, Subscription
from paas.apimachinery.kinds import Kind, WriteContext
from paas.apimachinery.mirror import Mirror
from paas.apimachinery.options import (
    DeleteOptions,
    Event,
    ListOptions,
    ObjectList,
    Patch,
    WatchOptions,
    WriteOptions,
)
from paas.apimachinery.rbac import Rbac, attributes
from paas.apimachinery.reads import Reads
from paas.apimachinery.scaling import scale_of
from paas.apimachinery.schema import Schemas
from paas.apimachinery.scheme import Scheme
from paas.apimachinery.sealing import Sealer
from paas.apimachinery.selectable import check_selectable
from paas.apimachinery.service_accounts import ServiceAccountTokens
from paas.apimachinery.store import Store, check_exact
from paas.apimachinery.watching import Select, ThreadWatch, WatchFilter
from paas.apimachinery.words import denied
from paas.apimachinery.writes import Target, Writer
from paas.core.actors import Actor
from paas.core.errors import BadRequestError, MethodNotAllowedError, NotFoundError
from paas.core.objects import ApiObject, ObjectKey, labels_of, name_of, namespace_of

NO_LIST, NO_WATCH, NO_WRITE = ListOptions(), WatchOptions(), WriteOptions


class Watch(Protocol):
    """An open watch. Events are shared between watchers: their objects are never changed."""

    def __iter__(self) -> Iterator[Event]:
        """Yield events in commit order until `close`, a time-out or an ERROR event."""

    def close(self) -> None:
        """End the iteration, from any thread."""


class Door:
    """Get, list, watch, create, update, patch, delete: as an actor, by resource."""

    def __init__(
        self,
        scheme: Scheme,
        database: Database,
        *,
        sealer: Sealer,
        account_tokens: ServiceAccountTokens,
    ) -> None:
        self.account_tokens = account_tokens
        self.scheme = scheme
        self.schemas = Schemas(scheme)
        self.store = Store(database, sealer)
        self.audit = Audit(self.store)
        self.hub = Hub(database)
        self.rbac = Rbac(scheme, self.store, self.hub)
        self.mirror = Mirror(scheme, self.store, self.hub, scheme.mirrored)
        self._writer = Writer(self)
        self._deleter = Deleter(self, self._writer)

    def start(self) -> None:
        """Begin to listen to the change log; needed before the first request."""
        self.hub.start()
        self.rbac.start()
        self.mirror.start()

    def stop(self) -> None:
        """Stop listening and let the connections go."""
        self.hub.stop()
        self.store.database.close()

    def reads(self) -> Reads:
        """Return an asynchronous reader for one event loop."""
        return Reads(self.store)

    def authorize(
        self,
        actor: Actor,
        kind: Kind,
        verb: str,
        *,
        namespace: str = "",
        name: str = "",
        subresource: str = "",
    ) -> None:
        """Raise ForbiddenError, and keep the denial, unless RBAC allows it."""
        asked = attributes(kind, verb, namespace=namespace, name=name, subresource=subresource)
        if self.rbac.allowed(actor, asked).allowed:
            return
        with self.audit.denials(Target(kind, actor, namespace, name, verb, subresource)):
            raise denied(kind, actor, verb, namespace=namespace, name=name, subresource=subresource)

    def may(
        self,
        actor: Actor,
        verb: str,
        resource: str,
        *,
        namespace: str = "",
        name: str = "",
        subresource: str = "",
    ) -> bool:
        """Say whether RBAC allows it. Nothing is done and nothing is kept."""
        kind = self.scheme.kind_of(resource)
        asked = attributes(kind, verb, namespace=namespace, name=name, subresource=subresource)
        return self.rbac.allowed(actor, asked).allowed

    def get(
        self, actor: Actor, resource: str, name: str, namespace: str = "", *, subresource: str = ""
    ) -> ApiObject:
        """Return one object, or its Scale. Raises NotFoundError, ForbiddenError."""
        kind = self._offering(resource, "get")
        self.authorize(actor, kind, "get", namespace=namespace, name=name, subresource=subresource)
        if kind.backend is not None:
            key = ObjectKey(kind.resource, namespace, name)
            return kind.backend.get(WriteContext(actor, self), key)
        obj = self.store.get(kind, namespace, name)
        return scale_of(kind, obj) if subresource == "scale" else obj

    def list(
        self, actor: Actor, resource: str, namespace: str = "", options: ListOptions = NO_LIST
    ) -> ObjectList:
        """Return a consistent page; an empty namespace means all. Raises ExpiredError."""
        kind = self._offering(resource, "list")
        self.authorize(actor, kind, "list", namespace=namespace)
        check_selectable(kind, options.fields)
        if kind.backend is None:
            return self.store.list(kind, namespace, options)
        version = str(self.store.newest())
        check_exact(options, version)
        found = kind.backend.list(WriteContext(actor, self), namespace)
        return ObjectList([obj for obj in found if _selected(kind, obj, options)], version)

    def watch(
        self, actor: Actor, resource: str, namespace: str = "", options: WatchOptions = NO_WATCH
    ) -> Watch:
        """Open a watch from `options.resource_version`, or from now. Raises ExpiredError."""
        kind = self._offering(resource, "watch")
        self.authorize(actor, kind, "watch", namespace=namespace)
        check_selectable(kind, options.fields)
        initial: list[Event] = []
        version = int(options.resource_version or 0)
        if not version:
            page = self.list(
                actor, resource, namespace, ListOptions(options.labels, options.fields)
            )
            initial = [Event("ADDED", obj) for obj in page.items]
            version = int(page.resource_version)
        select = self.watch_filter(actor, kind, namespace, options, version)
        return ThreadWatch(kind, options, select).open(
            self.hub, kind.watch_of or (kind.stored_as,), version, initial
        )

    def watch_filter(
        self, actor: Actor, kind: Kind, namespace: str, options: WatchOptions, version: int
    ) -> Select:
        """Return what turns the hub's changes after `version` into what this watcher sees."""
        if kind.backend is not None:
            return kind.backend.watcher(WriteContext(actor, self), options, version)
        opened = partial(self.store.opened, kind) if kind.is_opened else None
        return WatchFilter(namespace, options, opened, kind.version)

    def open_sink(
        self, kind: Kind, after: int, sink: Sink, *, lost: Callable[[], None] = lambda: None
    ) -> Subscription:
        """Subscribe to a kind's changes after a version, authorised before. See `Hub`."""
        return self.hub.subscribe(kind.watch_of or (kind.stored_as,), after, sink, lost=lost)

    def create(
        self,
        actor: Actor,
        obj: ApiObject,
        namespace: str = "",
        *,
        options: WriteOptions | None = None,
    ) -> ApiObject:
        """Store a new object. Raises AlreadyExistsError, InvalidError, ForbiddenError."""
        kind = self.scheme.find_gvk(str(obj.get("apiVersion")), str(obj.get("kind")))
        if kind is None:
            raise NotFoundError(
                f'no matches for kind "{obj.get("kind")}" in version "{obj.get("apiVersion")}"'
            )
        self._offering(kind.address, "create")
        place = _place(kind, obj, namespace)
        # upstream authorises a create without its name, which need not be known yet
        self.authorize(actor, kind, "create", namespace=place)
        target = Target(kind, actor, place, name_of(obj), "create")
        with self.audit.denials(target):
            return self._writer.create(target, obj, options or NO_WRITE())

    def update(
        self,
        actor: Actor,
        obj: ApiObject,
        *,
        options: WriteOptions | None = None,
        subresource: str = "",
        resource: str = "",
    ) -> ApiObject:
        """Replace an object (or its `status` or `scale`). Raises ConflictError.

        A Scale says nothing of its parent: `resource` does.
        """
        kind = self._updated_kind(obj, resource)
        namespace, name = namespace_of(obj), name_of(obj)
        self.authorize(
            actor, kind, "update", namespace=namespace, name=name, subresource=subresource
        )
        choices = options or NO_WRITE()
        target = Target(kind, actor, namespace, name, "update", subresource)
        with self.audit.denials(target):
            if kind.backend is not None:
                return self._writer.update_virtual(target, lambda _context: obj, choices)
            return self._writer.update(target, obj, choices)

    def patch(
        self,
        actor: Actor,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        patch: Patch,
        options: WriteOptions | None = None,
        subresource: str = "",
    ) -> ApiObject:
        """Change part of an object; retried on conflict unless it names a resourceVersion."""
        kind = self._offering(resource, "patch")
        self.authorize(
            actor, kind, "patch", namespace=namespace, name=name, subresource=subresource
        )
        choices = options or NO_WRITE()
        target = Target(kind, actor, namespace, name, "patch", subresource)
        with self.audit.denials(target):
            if kind.backend is not None:
                return self._writer.patch_virtual(target, patch, choices)
            return self._writer.patch(target, patch, choices)

    def delete(
        self,
        actor: Actor,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        options: DeleteOptions | None = None,
    ) -> ApiObject:
        """Delete, or mark for deletion; returns the object as it then is.

        An object that is gone has no deletionTimestamp, one that waits has.
        """
        kind = self._offering(resource, "delete")
        self.authorize(actor, kind, "delete", namespace=namespace, name=name)
        choices = options or DeleteOptions()
        target = Target(kind, actor, namespace, name, "delete")
        with self.audit.denials(target):
            if kind.backend is not None:
                return self._deleter.delete_virtual(target, dry_run=choices.dry_run)
            return self._deleter.delete(target, choices)

    def delete_collection(
        self,
        actor: Actor,
        resource: str,
        namespace: str = "",
        *,
        selected: ListOptions = NO_LIST,
        options: DeleteOptions | None = None,
    ) -> ObjectList:
        """Delete all that is selected; returns what was."""
        kind = self._offering(resource, "deletecollection")
        self.authorize(actor, kind, "deletecollection", namespace=namespace)
        check_selectable(kind, selected.fields)
        page = self.store.list(kind, namespace, selected)
        for obj in page.items:
            target = Target(kind, actor, namespace_of(obj), name_of(obj), "delete")
            with contextlib.suppress(NotFoundError):  # somebody else was quicker
                self._deleter.delete(target, options or DeleteOptions())
        return page

    def connect(
        self,
        actor: Actor,
        resource: str,
        name: str,
        namespace: str,
        *,
        subresource: str,
        body: ApiObject | None = None,
        verb: str = "create",
        dry_run: bool = False,
    ) -> ApiObject:
        """Authorise, admit and run a declared subresource (eviction, token, instantiate).

        Where the subresource has no handler (log, exec), returns the parent object. Raises
        BadRequestError where it cannot be tried without being done.
        """
        kind = self.scheme.kind_of(resource)
        declared = kind.subresource(subresource)
        if declared is None:
            raise NotFoundError("the server could not find the requested resource")
        if verb not in declared.verbs:
            raise MethodNotAllowedError(f"{verb} is not supported on {resource}/{subresource}")
        self.authorize(actor, kind, verb, namespace=namespace, name=name, subresource=subresource)
        if dry_run and declared.handler is not None and not declared.dry_run:
            raise BadRequestError(f"{resource}/{subresource} does not support dry run")
        target = Target(kind, actor, namespace, name, verb, subresource)
        with self.audit.denials(target):
            self._admit_connect(target, body, dry_run=dry_run)
            if declared.handler is None:
                result = self.store.get(kind, namespace, name)
            else:
                context = WriteContext(actor, self, dry_run)
                key = ObjectKey(resource, namespace, name)
                result = declared.handler(context, key, body or {})
        if not dry_run:
            self.audit.done(target)
        return result

    def _admit_connect(self, target: Target, body: ApiObject | None, *, dry_run: bool) -> None:
        request = AdmissionRequest(
            "CONNECT",
            target.kind,
            target.namespace,
            target.name,
            target.actor,
            self,
            body,
            subresource=target.subresource,
            dry_run=dry_run,
        )
        for plugin in self.scheme.plugins:
            if not plugin.resources or target.kind.resource in plugin.resources:
                plugin.validate(request)

    def _offering(self, resource: str, verb: str) -> Kind:
        kind = self.scheme.kind_of(resource)
        if verb not in kind.verbs:
            raise MethodNotAllowedError(
                "the server does not allow this method on the requested resource"
            )
        return kind

    def _updated_kind(self, obj: ApiObject, resource: str) -> Kind:
        if resource:
            return self._offering(resource, "update")
        kind = self.scheme.find_gvk(str(obj.get("apiVersion")), str(obj.get("kind")))
        if kind is None:
            raise BadRequestError(f'no kind "{obj.get("kind")}" in "{obj.get("apiVersion")}"')
        return self._offering(kind.address, "update")


def _place(kind: Kind, obj: ApiObject, namespace: str) -> str:
    """Return the namespace that path and object agree on. Raises BadRequestError."""
    inside = namespace_of(obj)
    if not kind.namespaced:
        return ""
    if namespace and inside and inside != namespace:
        raise BadRequestError(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if not (namespace or inside):
        raise BadRequestError(f"an object of kind {kind.kind} needs a namespace")
    return namespace or inside


def _selected(kind: Kind, obj: ApiObject, options: ListOptions) -> bool:
    place = {"metadata.name": name_of(obj), "metadata.namespace": namespace_of(obj)}
    fields = {**kind.fields(obj), **place}
    return options.labels.matches(labels_of(obj)) and options.fields.matches(fields)
