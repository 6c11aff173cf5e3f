"""The custom resources of one process: the definitions in the store, as kinds in the scheme.

Follows the change log, so that every process serves a definition's resources milliseconds after
it is Established, and nobody is told that there is no such resource by an old view (`catch_up`).
"""

import structlog

from paas.apimachinery.custom.kinds import RESOURCE, custom_kinds
from paas.apimachinery.hub import Hub
from paas.apimachinery.kinds import Kind
from paas.apimachinery.mirror import Mirror
from paas.apimachinery.scheme import Scheme
from paas.apimachinery.store import Store
from paas.core.objects import ApiObject, is_deleting, name_of, uid_of
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
        """Load all definitions and follow them."""
        self._mirror.start()

    @property
    def version(self) -> int:
        """Return a version as of which the scheme is current; it may be newer."""
        return self._mirror.version

    def catch_up(self) -> None:
        """Wait until the scheme has what the database has."""
        if self._mirror.resources:
            self._mirror.catch_up()

    def _refresh(self) -> None:
        if not self._mirror.resources or not self._mirror.is_loaded:
            return
        before = self._read
        self._read = {
            name_of(one): self._kinds_of(one, before.get(name_of(one)))
            for one in self._mirror.all(RESOURCE)
        }
        gone = [
            kinds
            for name, (_, kinds) in before.items()
            if kinds and (name not in self._read or self._read[name][1] is not kinds)
        ]
        if gone or any(
            name not in before or before[name][1] is not kinds
            for name, (_, kinds) in self._read.items()
        ):
            self._scheme.provide({name: kinds for name, (_, kinds) in self._read.items()})
        for kinds in gone:
            self._hub.end(kinds[0].stored_as)

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


def _essence(definition: ApiObject) -> tuple[object, ...]:
    """Return what the kinds of a definition depend on."""
    status = submap(definition, "status")
    conditions = [
        (one.get("type"), one.get("status"))
        for one in status.get("conditions") or ()
        if one.get("type") in {"Established", "Terminating"}
    ]
    return (
        uid_of(definition),
        is_deleting(definition),
        definition.get("spec"),
        status.get("acceptedNames"),
        sorted(conditions),
    )
