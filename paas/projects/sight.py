"""What one watcher sees of projects: they come and go with their namespaces, and with his rights.

Whoever is given a role in a project sees it ADDED, whoever loses the last one sees it DELETED.
Source: OpenShift's project watch (pkg/project/auth).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from paas.apimachinery.hub import Change
from paas.apimachinery.kinds import WriteContext
from paas.apimachinery.options import Event, WatchOptions
from paas.apimachinery.rbac import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ROLE,
    ROLE_BINDING,
    Attributes,
    concerns,
)
from paas.core.objects import ApiObject, labels_of, meta, name_of, namespace_of

NAMESPACES = "namespaces"
WATCHED = (NAMESPACES, ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING)


class ProjectSight:
    """Turns changes of namespaces and rights into one watcher's events, on the hub's thread.

    `namespaces` and `bindings` are all there are now. The client knows what it could see at
    `version`: what has changed since then is taken as unknown to it, so that it is told (twice at
    most, never not at all).
    """

    def __init__(
        self,
        context: WriteContext,
        options: WatchOptions,
        version: int,
        *,
        namespaces: Iterable[ApiObject],
        bindings: Iterable[ApiObject],
        project_of: Callable[[ApiObject], ApiObject],
    ) -> None:
        self._rbac = context.door.rbac
        self._actor = context.actor
        self._options = options
        self._project_of = project_of
        self._namespaces = {name_of(one): one for one in namespaces}
        fresh = {namespace_of(one) for one in bindings if _version(one) > version}
        self._shown = {
            name
            for name, one in self._namespaces.items()
            if _version(one) <= version and name not in fresh and self._sees(one)
        }

    def __call__(self, change: Change) -> Sequence[Event]:
        """Return what the watcher is told of a change."""
        body: ApiObject = orjson.loads(change.body)
        if change.resource == NAMESPACES:
            return self._of_namespace(change.kind, change.name, body)
        concerned = concerns(body, self._actor)
        return [
            event
            for name in self._reach(change, concerned=concerned)
            for event in self._of_right(name, lost=concerned and change.kind == "D")
        ]

    def _of_namespace(self, kind: str, name: str, namespace: ApiObject) -> Sequence[Event]:
        sees = self._sees(namespace)
        if kind == "D":
            self._namespaces.pop(name, None)
            return self._hide(name, namespace) if sees or name in self._shown else ()
        self._namespaces[name] = namespace
        if name in self._shown:
            return [self._event("MODIFIED", namespace)] if sees else self._hide(name, namespace)
        return self._show(name, namespace) if sees else ()

    def _reach(self, change: Change, *, concerned: bool) -> Sequence[str]:
        """Return the namespaces in which a change of roles or bindings may matter."""
        if change.namespace:
            return (change.namespace,)
        # a binding that was changed may have named the watcher before
        if change.resource == CLUSTER_ROLE_BINDING and not concerned and change.kind != "M":
            return ()
        return tuple(self._namespaces)

    def _of_right(self, name: str, *, lost: bool) -> Sequence[Event]:
        namespace = self._namespaces.get(name)
        if namespace is None:
            if lost:  # gone by now: its own deletion comes later in the log
                self._shown.add(name)
            return ()
        sees, shown = self._sees(namespace), name in self._shown
        if sees:
            return () if shown else self._show(name, namespace)
        return self._hide(name, namespace) if shown or lost else ()

    def _sees(self, namespace: ApiObject) -> bool:
        name = name_of(namespace)
        place = {"metadata.name": name, "metadata.namespace": ""}
        return (
            self._options.labels.matches(labels_of(namespace))
            and self._options.fields.matches(place)
            and self._rbac.allowed_now(self._actor, sight_of(name))
        )

    def _show(self, name: str, namespace: ApiObject) -> Sequence[Event]:
        self._shown.add(name)
        return [self._event("ADDED", namespace)]

    def _hide(self, name: str, namespace: ApiObject) -> Sequence[Event]:
        self._shown.discard(name)
        return [self._event("DELETED", namespace)]

    def _event(self, kind: str, namespace: ApiObject) -> Event:
        return Event(kind, self._project_of(namespace))


def sight_of(name: str) -> Attributes:
    """Return what somebody must be allowed to see a project."""
    return Attributes("get", "", NAMESPACES, namespace=name, name=name)


def _version(obj: Mapping[str, object]) -> int:
    return int(str(meta(obj)["resourceVersion"]))
