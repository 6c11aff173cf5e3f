"""Objects of a few resources in memory, kept current by the watch hub.

A view may be as old as the hub is behind: milliseconds. Whoever relies on it says so with the
write (`Relied`), which then happens only if nothing of it has changed; and nobody is refused
before the hub has caught up (`catch_up`).
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import orjson

from paas.apimachinery.hub import Change, Hub
from paas.apimachinery.options import ListOptions
from paas.apimachinery.scheme import Scheme
from paas.apimachinery.store import Store
from paas.core.objects import ApiObject, name_of, namespace_of

CATCH_UP_S = 10.0  # beyond it a no is given all the same, from an old view


class Mirror:
    """The objects of `resources`; `changed` is called, on the hub's thread, after each change."""

    def __init__(
        self,
        scheme: Scheme,
        store: Store,
        hub: Hub,
        resources: Iterable[str],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.resources = frozenset(resources)
        self.is_loaded = False
        self._scheme = scheme
        self._store = store
        self._hub = hub
        self._changed = changed
        self._lock = threading.Lock()
        self._objects: dict[str, dict[str, dict[str, ApiObject]]] = {
            resource: defaultdict(dict) for resource in self.resources
        }

    def start(self) -> None:
        """Load all objects and follow them."""
        for resource in sorted(self.resources):
            page = self._store.list(self._scheme.kind_of(resource), "", ListOptions())
            for obj in page.items:
                with self._lock:
                    self._objects[resource][namespace_of(obj)][name_of(obj)] = obj
            self._hub.subscribe((resource,), int(page.resource_version), self._take)
        self.is_loaded = True
        self._changed()

    @property
    def version(self) -> int:
        """Return a version of which everything is here; what is newer may be."""
        return self._hub.last

    def get(self, resource: str, namespace: str, name: str) -> ApiObject | None:
        """Return an object; it is shared and never changed."""
        with self._lock:
            return self._objects[resource].get(namespace, {}).get(name)

    def of(self, resource: str, namespace: str) -> list[ApiObject]:
        """Return the objects of a namespace, in order of their names."""
        with self._lock:
            found = self._objects[resource].get(namespace, {})
            return [found[name] for name in sorted(found)]

    def all(self, resource: str) -> Iterator[ApiObject]:
        """Yield the objects of every namespace."""
        with self._lock:
            found = [one for names in self._objects[resource].values() for one in names.values()]
        return iter(found)

    def catch_up(self, seen: int = 0) -> bool:
        """Wait for the hub; say whether anything has come since the version `seen`."""
        newest = self._store.newest()
        return newest > seen and self._hub.reach(newest, timeout_s=CATCH_UP_S)

    def _take(self, change: Change) -> None:
        with self._lock:
            names = self._objects[change.resource][change.namespace]
            if change.kind == "D":
                names.pop(change.name, None)
                if not names:
                    del self._objects[change.resource][change.namespace]
            else:
                names[change.name] = orjson.loads(change.body)
        self._changed()
