"""The custom resources of one process: the definitions in the store, as kinds in the scheme.

Follows the change log, so that every process serves a definition's resources milliseconds after
it is Established, and nobody is told that there is no such resource by an old view (`catch_up`).
"""

from collections.abc import Callable

import structlog

from paas.apimachinery.custom.kinds import (
    RESOURCE,
    custom_kinds,
    is_established,
    is_terminating,
)
from paas.apimachinery.hub import Hub
from paas.apimachinery.kinds import Kind
from paas.apimachinery.mirror import Mirror
from paas.apimachinery.scheme import Scheme
from paas.apimachinery.store import Store
from paas.core.errors import NotFoundError
from paas.core.objects import ApiObject, name_of, uid_of
from paas.core.shape import submap

log = structlog.get_logger(__name__)


class CustomKinds:
    """Keeps the scheme current; watches of a kind that changes or goes end at once."""

    def __init__(self, scheme: Scheme, store: Store, hub: Hub) -> None:
        self._scheme = scheme
        self._hub = hub
        served = [kind.resource for kind in scheme if kind.resource == RESOURCE]
        self._mirror = Mirror(scheme, store, hub, served, self._refresh)
        self._read: dict[str, tuple[ApiObject, tuple[Kind, ...]]] = {}

    def start(self) -> None:
        """Load all definitions and follow them; what the scheme had from others goes."""
        if self._mirror.resources:
            self._scheme.provide({})
            self._mirror.start()

    @property
    def version(self) -> int:
        """Return a version as of which the scheme is current; it may be newer."""
        return self._mirror.version

    def catch_up(self) -> None:
        """Wait until the scheme has what the database has."""
        if self._mirror.is_loaded:
            self._mirror.catch_up()

    def kind_of(self, resource: str) -> Kind:
        """Return the kind of a resource or address. Raises NotFoundError."""
        return self._known(lambda: self._scheme.kind_of(resource))

    def kind_of_object(self, obj: ApiObject) -> Kind | None:
        """Return the kind of an object's apiVersion and kind, or None where there is none."""
        asked = str(obj.get("apiVersion")), str(obj.get("kind"))
        found = self._scheme.find_gvk(*asked)
        if found is None:
            self.catch_up()
            found = self._scheme.find_gvk(*asked)
        return found

    def current(self, kind: Kind) -> Kind:
        """Return a kind as it is declared now. Raises NotFoundError where it no longer is."""
        return self._scheme.kind_at(kind.group, kind.version, kind.plural)

    def _known(self, look: Callable[[], Kind]) -> Kind:
        """Return what `look` finds, if need be once the scheme is current. Raises NotFoundError."""
        try:
            return look()
        except NotFoundError:
            self.catch_up()
            return look()

    def _refresh(self) -> None:
        if not self._mirror.is_loaded:
            return
        before = self._read
        self._read = {
            name_of(one): self._kinds_of(one, before.get(name_of(one)))
            for one in self._mirror.all(RESOURCE)
        }
        kinds = {name: found for name, (_, found) in self._read.items()}
        if any(kinds.get(name) is not found for name, (_, found) in before.items()) or (
            kinds.keys() != before.keys()
        ):
            self._scheme.provide(kinds)
        for name, (definition, found) in before.items():
            now = self._read.get(name)
            if found and (now is None or _form(now[0]) != _form(definition)):
                self._hub.end(found[0].stored_as)

    @staticmethod
    def _kinds_of(
        definition: ApiObject, known: tuple[ApiObject, tuple[Kind, ...]] | None
    ) -> tuple[ApiObject, tuple[Kind, ...]]:
        """Return a definition and its kinds: the very ones known where they mean the same."""
        if known is not None and _essence(known[0]) == _essence(definition):
            return definition, known[1]
        try:
            return definition, custom_kinds(definition)
        except Exception:  # one that cannot be served must not take the others with it
            log.exception("definition_not_served", name=name_of(definition))
            return definition, ()


def _form(definition: ApiObject) -> tuple[object, ...]:
    """Return what the objects of a definition look like by: a watcher must come again for it."""
    names = submap(definition, "status", "acceptedNames")
    return uid_of(definition), definition.get("spec"), names, is_established(definition)


def _essence(definition: ApiObject) -> tuple[object, ...]:
    """Return what the kinds of a definition depend on."""
    return (*_form(definition), is_terminating(definition))
