"""A door in memory: versions, conflicts, finalizers, status, watches that resume and expire.

It authorises and admits everything. Tests may cut its watches, forget its log, refuse writes
(`refuse`) and look at what was written (`writes`).
"""

# ruff: noqa: ARG002 -- the signatures are the Door's

import copy
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jsonpatch

from paas.apimachinery.door import Door
from paas.apimachinery.kinds import Kind
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
from paas.apimachinery.scheme import Scheme
from paas.core.actors import Actor
from paas.core.errors import AlreadyExistsError, ConflictError, ExpiredError, NotFoundError
from paas.core.names import generated_name
from paas.core.objects import (
    ApiObject,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    new_uid,
    timestamp,
    uid_of,
)
from tests.fakes.kinds import bare_scheme

NO_LIST = ListOptions()
NO_WATCH = WatchOptions()
FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Written:
    """One write, for tests that count them."""

    verb: str
    resource: str
    name: str
    subresource: str = ""


class FakeWatch:
    """An open watch: a queue that the door feeds."""

    def __init__(self, door: "FakeDoor", wants: Callable[[str, ApiObject], bool]) -> None:
        self._door = door
        self._wants = wants
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()

    def offer(self, event: Event, resource: str) -> None:
        if self._wants(resource, event.obj):
            self._events.put(event)

    def end(self, last: Event | None = None) -> None:
        if last is not None:
            self._events.put(last)
        self._events.put(None)

    def __iter__(self) -> Iterator[Event]:
        while (event := self._events.get()) is not None:
            yield event

    def close(self) -> None:
        self._door.forget_watch(self)
        self._events.put(None)


class NothingMirrored(Mirror):
    """Has nothing in memory: everything is read from the door."""

    def __init__(self) -> None:
        self.resources, self.is_loaded = frozenset(), False


class FakeDoor(Door):
    """Objects in a dictionary and a change log in a list."""

    def __init__(
        self,
        scheme: Scheme | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # the Door's own makes a store, which this one has not
        self.scheme = scheme or bare_scheme()
        self.mirror = NothingMirrored()
        self.writes: list[Written] = []
        self.refuse: Callable[[str, str, ApiObject], None] = lambda *_: None
        self._now = now
        self._lock = threading.RLock()
        self._objects: dict[tuple[str, str, str], ApiObject] = {}
        self._log: list[tuple[int, str, Event]] = []
        self._version = 0
        self._oldest = 0
        self._watches: list[FakeWatch] = []

    # -- reading -----------------------------------------------------------------------------

    def get(
        self, actor: Actor, resource: str, name: str, namespace: str = "", *, subresource: str = ""
    ) -> ApiObject:
        with self._lock:
            return copy.deepcopy(self._stored(resource, namespace, name))

    def list(
        self, actor: Actor, resource: str, namespace: str = "", options: ListOptions = NO_LIST
    ) -> ObjectList:
        with self._lock:
            items = [
                copy.deepcopy(obj)
                for (stored, place, _), obj in sorted(self._objects.items())
                if stored == resource
                and (not namespace or place == namespace)
                and _selected(obj, options)
            ]
            return ObjectList(items, str(self._version))

    def watch(
        self, actor: Actor, resource: str, namespace: str = "", options: WatchOptions = NO_WATCH
    ) -> FakeWatch:
        def wants(changed: str, obj: ApiObject) -> bool:
            if changed != resource or (namespace and namespace_of(obj) != namespace):
                return False
            return _selected(obj, options)

        with self._lock:
            since = int(options.resource_version or self._version)
            if since < self._oldest:
                raise ExpiredError(f"too old resource version: {since} ({self._oldest})")
            watch = FakeWatch(self, wants)
            for version, changed, event in self._log:
                if version > since:
                    watch.offer(event, changed)
            self._watches.append(watch)
            return watch

    # -- writing -----------------------------------------------------------------------------

    def create(
        self,
        actor: Actor,
        obj: ApiObject,
        namespace: str = "",
        *,
        options: WriteOptions | None = None,
    ) -> ApiObject:
        new = copy.deepcopy(obj)
        kind = self._kind_of(new)
        meta = new["metadata"]
        if kind.namespaced:
            meta["namespace"] = namespace or namespace_of(new)
        if not name_of(new):
            meta["name"] = generated_name(meta["generateName"])
        with self._lock:
            self.refuse("create", kind.resource, new)
            place = (kind.resource, namespace_of(new), name_of(new))
            if place in self._objects:
                raise AlreadyExistsError(f'{kind.resource} "{name_of(new)}" already exists')
            meta.update(uid=new_uid(), creationTimestamp=timestamp(self._now()))
            if kind.generation:
                meta["generation"] = 1
            return self._keep("create", "ADDED", kind, new)

    def update(
        self,
        actor: Actor,
        obj: ApiObject,
        *,
        options: WriteOptions | None = None,
        subresource: str = "",
        resource: str = "",
    ) -> ApiObject:
        new = copy.deepcopy(obj)
        kind = self._kind_of(new)
        with self._lock:
            old = self._stored(kind.resource, namespace_of(new), name_of(new))
            version = new["metadata"].get("resourceVersion", "")
            if version and version != old["metadata"]["resourceVersion"]:
                raise ConflictError("the object has been modified; please apply your changes")
            if uid_of(new) and uid_of(new) != uid_of(old):
                raise ConflictError("the UID in the precondition does not match")
            return self._change(kind, old, new, subresource)

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
        with self._lock:
            old = self._stored(resource, namespace, name)
            if patch.kind == "json":
                new = jsonpatch.apply_patch(copy.deepcopy(old), patch.body)
            else:
                new = _merged(copy.deepcopy(old), patch.body)
            if new["metadata"].get("resourceVersion") != old["metadata"]["resourceVersion"]:
                raise ConflictError("the object has been modified; please apply your changes")
            if uid_of(new) != uid_of(old):
                raise ConflictError("the UID in the precondition does not match")
            return self._change(self.scheme.kind_of(resource), old, new, subresource)

    def delete(
        self,
        actor: Actor,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        options: DeleteOptions | None = None,
    ) -> ApiObject:
        options = options or DeleteOptions()
        kind = self.scheme.kind_of(resource)
        with self._lock:
            old = self._stored(resource, namespace, name)
            if options.uid and options.uid != uid_of(old):
                raise ConflictError("the UID in the precondition does not match")
            version = options.resource_version
            if version and version != old["metadata"]["resourceVersion"]:
                raise ConflictError("the ResourceVersion in the precondition does not match")
            self.refuse("delete", resource, old)
            new = copy.deepcopy(old)
            _set_propagation(new, options.propagation)
            grace_s = kind.grace_period_s(new, options.grace_period_s) if kind.grace_period_s else 0
            if not grace_s and not new["metadata"].get("finalizers") and not kind.holds(new):
                return self._remove(kind, new)
            if not is_deleting(old):
                new["metadata"]["deletionTimestamp"] = timestamp(self._now())
                new["metadata"]["deletionGracePeriodSeconds"] = grace_s
                kind.mark_deleting(new)
            elif new == old:
                return copy.deepcopy(old)
            return self._keep("delete", "MODIFIED", kind, new)

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
        """Only pods/binding, in earnest."""
        assert (resource, subresource, dry_run) == ("pods", "binding", False)
        assert body is not None
        with self._lock:
            old = self._stored(resource, namespace, name)
            if old["spec"].get("nodeName"):
                raise ConflictError(f"pod {name} is already assigned to a node")
            bound = copy.deepcopy(old)
            bound["spec"]["nodeName"] = body["target"]["name"]
            status = bound.setdefault("status", {})
            conditions = [
                one for one in status.get("conditions") or () if one["type"] != "PodScheduled"
            ]
            status["conditions"] = [*conditions, {"type": "PodScheduled", "status": "True"}]
            self._keep("bind", "MODIFIED", self.scheme.kind_of(resource), bound, subresource)
            return {"apiVersion": "v1", "kind": "Status", "status": "Success"}

    # -- what tests do to it -------------------------------------------------------------------

    def cut_watches(self) -> None:
        """End every watch, as a lost connection does."""
        with self._lock:
            for watch in self._watches:
                watch.end()

    def forget_log(self) -> None:
        """Compact the log: every watch ends with 410, and none can resume from before."""
        gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
        with self._lock:
            self._log.clear()
            self._version += 1
            self._oldest = self._version
            for watch in self._watches:
                watch.end(Event("ERROR", gone))

    def forget_watch(self, watch: FakeWatch) -> None:
        with self._lock:
            if watch in self._watches:
                self._watches.remove(watch)

    def finish_deletion(self, resource: str, name: str, namespace: str) -> None:
        """Remove a terminating object, as the node agent does when a pod has stopped."""
        with self._lock:
            self._remove(
                self.scheme.kind_of(resource),
                copy.deepcopy(self._stored(resource, namespace, name)),
            )

    def count(self, resource: str) -> int:
        """Return how many objects of a resource there are."""
        with self._lock:
            return sum(1 for stored, _, _ in self._objects if stored == resource)

    # -- within --------------------------------------------------------------------------------

    def _kind_of(self, obj: ApiObject) -> Kind:
        kind = self.scheme.find_gvk(obj["apiVersion"], obj["kind"])
        if kind is None:
            raise NotFoundError("the server could not find the requested resource")
        return kind

    def _stored(self, resource: str, namespace: str, name: str) -> ApiObject:
        place = (resource, namespace if self.scheme.kind_of(resource).namespaced else "", name)
        if place not in self._objects:
            raise NotFoundError(f'{resource} "{name}" not found')
        return self._objects[place]

    def _change(self, kind: Kind, old: ApiObject, new: ApiObject, subresource: str) -> ApiObject:
        if subresource == "status":
            new = {**copy.deepcopy(old), "status": new.get("status", {})}
        elif kind.status:
            new = {key: value for key, value in new.items() if key != "status"}
            if "status" in old:
                new["status"] = copy.deepcopy(old["status"])
        for name in ("uid", "creationTimestamp", "deletionTimestamp", "generation"):
            if name in old["metadata"]:
                new["metadata"][name] = old["metadata"][name]
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        self.refuse("update", kind.resource, new)
        if new == old:
            return copy.deepcopy(old)
        if kind.generation and _wish(new) != _wish(old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        held = new["metadata"].get("finalizers") or kind.holds(new) or kind.grace_period_s
        if is_deleting(new) and not held:
            return self._remove(kind, new)
        return self._keep("update", "MODIFIED", kind, new, subresource)

    def _keep(
        self, verb: str, event: str, kind: Kind, obj: ApiObject, subresource: str = ""
    ) -> ApiObject:
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        self._objects[kind.resource, namespace_of(obj), name_of(obj)] = obj
        self.writes.append(Written(verb, kind.resource, name_of(obj), subresource))
        self._tell(kind, Event(event, copy.deepcopy(obj)))
        return copy.deepcopy(obj)

    def _remove(self, kind: Kind, obj: ApiObject) -> ApiObject:
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        del self._objects[kind.resource, namespace_of(obj), name_of(obj)]
        self.writes.append(Written("delete", kind.resource, name_of(obj)))
        self._tell(kind, Event("DELETED", copy.deepcopy(obj)))
        return obj

    def _tell(self, kind: Kind, event: Event) -> None:
        self._log.append((self._version, kind.resource, event))
        for watch in self._watches:
            watch.offer(event, kind.resource)


def _wish(obj: ApiObject) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key not in {"metadata", "status"}}


def _selected(obj: ApiObject, options: ListOptions | WatchOptions) -> bool:
    fields = {"metadata.name": name_of(obj), "metadata.namespace": namespace_of(obj)}
    return options.labels.matches(labels_of(obj)) and options.fields.matches(fields)


def _set_propagation(obj: ApiObject, propagation: str) -> None:
    wanted = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(propagation)
    if propagation:
        kept = [
            name
            for name in obj["metadata"].get("finalizers") or []
            if name not in {FOREGROUND, ORPHAN}
        ]
        obj["metadata"]["finalizers"] = [*kept, wanted] if wanted else kept


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
