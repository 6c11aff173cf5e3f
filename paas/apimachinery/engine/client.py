"""The door as one actor, for controllers; remembers what the reconcile at hand wrote.

The engine waits, before it reconciles the same key again, until the informers have seen these
writes. That replaces client-go's expectations: a stale copy never makes a controller create or
delete twice.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from paas.apimachinery.door import Door
from paas.apimachinery.options import (
    DeleteOptions,
    ListOptions,
    ObjectList,
    Patch,
    WriteOptions,
)
from paas.core.actors import Actor
from paas.core.errors import NotFoundError
from paas.core.objects import ApiObject, ObjectKey, name_of, namespace_of, uid_of


@dataclass(frozen=True, slots=True)
class Write:
    """One write that was acknowledged. A deletion is seen by its effect, not by its version."""

    key: ObjectKey
    resource_version: str
    deletion: bool = False


_writes: ContextVar[list[Write] | None] = ContextVar("minato_engine_writes", default=None)


@contextmanager
def remembering() -> Iterator[list[Write]]:
    """Collect the writes that clients make in this thread within the block."""
    writes: list[Write] = []
    token = _writes.set(writes)
    try:
        yield writes
    finally:
        _writes.reset(token)


class Client:
    """Reads and writes through the door as `actor`. Raises what the door raises."""

    def __init__(self, door: Door, actor: Actor) -> None:
        self.door = door
        self.actor = actor

    def get(self, resource: str, name: str, namespace: str = "") -> ApiObject:
        """Return the object as it is now, not as an informer last saw it."""
        return self.door.get(self.actor, resource, name, namespace)

    def find(self, resource: str, name: str, namespace: str = "") -> ApiObject | None:
        """Return the object as it is now, or None where there is none."""
        try:
            return self.get(resource, name, namespace)
        except NotFoundError:
            return None

    def list(
        self, resource: str, namespace: str = "", options: ListOptions | None = None
    ) -> ObjectList:
        """Return a page of objects as they are now."""
        return self.door.list(self.actor, resource, namespace, options or ListOptions())

    def create(self, obj: ApiObject, namespace: str = "") -> ApiObject:
        """Store a new object."""
        return self._wrote(self.door.create(self.actor, obj, namespace or namespace_of(obj)))

    def update(self, obj: ApiObject, *, subresource: str = "") -> ApiObject:
        """Replace an object; its resourceVersion must be the current one."""
        return self._wrote(self.door.update(self.actor, obj, subresource=subresource))

    def update_status(self, obj: ApiObject) -> ApiObject:
        """Replace an object's status; its resourceVersion must be the current one."""
        return self.update(obj, subresource="status")

    def scale(self, resource: str, name: str, namespace: str) -> ApiObject:
        """Return an object's Scale. Raises NotFoundError where it, or its kind, has none."""
        return self.door.get(self.actor, resource, name, namespace, subresource="scale")

    def rescale(self, resource: str, scale: ApiObject) -> ApiObject:
        """Write an object's Scale; its resourceVersion must be the current one."""
        return self.door.update(self.actor, scale, subresource="scale", resource=resource)

    def merge(
        self,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        body: Mapping[str, Any],
        subresource: str = "",
    ) -> ApiObject:
        """Apply a JSON merge patch. With a resourceVersion in it, it may raise ConflictError."""
        return self._patch(
            ObjectKey(resource, namespace, name), Patch("merge", dict(body)), subresource
        )

    def remove_finalizer(
        self, resource: str, name: str, namespace: str, finalizer: str
    ) -> ApiObject:
        """Take one finalizer off, whatever else has changed of the object meanwhile."""
        body = {"metadata": {"$deleteFromPrimitiveList/finalizers": [finalizer]}}
        return self._patch(ObjectKey(resource, namespace, name), Patch("strategic", body), "")

    def _patch(self, key: ObjectKey, patch: Patch, subresource: str) -> ApiObject:
        patched = self.door.patch(
            self.actor,
            key.resource,
            key.name,
            key.namespace,
            patch=patch,
            options=WriteOptions(),
            subresource=subresource,
        )
        return self._wrote(patched)

    def delete(
        self,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        options: DeleteOptions | None = None,
    ) -> ApiObject:
        """Delete, or mark for deletion."""
        deleted = self.door.delete(self.actor, resource, name, namespace, options=options)
        self._remember(
            Write(ObjectKey(resource, namespace, name, uid_of(deleted)), "", deletion=True)
        )
        return deleted

    def connect(
        self, resource: str, name: str, namespace: str, *, subresource: str, body: ApiObject
    ) -> ApiObject:
        """Run a declared subresource such as `binding`; what it changes is not remembered."""
        return self.door.connect(
            self.actor, resource, name, namespace, subresource=subresource, body=body
        )

    def _wrote(self, obj: ApiObject) -> ApiObject:
        kind = self.door.scheme.find_gvk(obj.get("apiVersion", ""), obj.get("kind", ""))
        if kind is not None:
            key = ObjectKey(kind.stored_as, namespace_of(obj), name_of(obj), uid_of(obj))
            self._remember(Write(key, str(obj["metadata"].get("resourceVersion", ""))))
        return obj

    @staticmethod
    def _remember(write: Write) -> None:
        writes = _writes.get()
        if writes is not None:
            writes.append(write)
