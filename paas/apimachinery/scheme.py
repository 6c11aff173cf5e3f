"""The scheme: every kind and admission plugin that one process knows.

Assembled at start; custom resources come and go while the process runs (`provide`). A reader sees
one whole state of it, whatever happens meanwhile.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from paas.apimachinery.admission import AdmissionPlugin
from paas.apimachinery.kinds import Kind
from paas.core.errors import NotFoundError

log = structlog.get_logger(__name__)

Provided = dict[str, tuple[Kind, ...]]


@dataclass(frozen=True, slots=True)
class _Tables:
    """One state: the same kinds by resource (and address), by path and by type."""

    by_resource: dict[str, Kind] = field(default_factory=dict)
    by_path: dict[tuple[str, str, str], Kind] = field(default_factory=dict)
    by_gvk: dict[tuple[str, str], Kind] = field(default_factory=dict)

    def add(self, kind: Kind) -> None:
        """Take a kind in. Of a resource in several versions the first is found by its name."""
        self.by_resource.setdefault(kind.resource, kind)
        if kind.unlisted:
            return
        self.by_resource[kind.address] = kind
        self.by_path[kind.group, kind.version, kind.plural] = kind
        self.by_gvk[kind.api_version, kind.kind] = kind


class Scheme:
    """Looks kinds up by resource, by path and by apiVersion + kind."""

    def __init__(self, kinds: Iterable[Kind], plugins: Iterable[AdmissionPlugin] = ()) -> None:
        self.plugins = tuple(plugins)
        self._built_in = tuple(kinds)
        self._provided: Provided = {}
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._tables = _tables(self._built_in)

    def provide(self, provided: Provided) -> None:
        """Replace the kinds that definitions declare, by the definition's name; tell listeners.

        A kind that is built in is never replaced.
        """
        own = {(kind.group, kind.plural) for kind in self._built_in}
        with self._lock:
            self._provided = dict(sorted(provided.items()))
            kinds = [
                kind
                for found in self._provided.values()
                for kind in found
                if (kind.group, kind.plural) not in own
            ]
            self._tables = _tables((*self._built_in, *kinds))
            listeners = tuple(self._listeners)
        for call in listeners:
            try:
                call()
            except Exception:  # whoever follows the definitions must not go blind for one of these
                log.exception("scheme_listener_failed")

    def on_change(self, call: Callable[[], None]) -> None:
        """Call back when kinds have come or gone, on the thread that noticed: return at once."""
        with self._lock:
            self._listeners.append(call)

    @property
    def mirrored(self) -> frozenset[str]:
        """Return the resources that plugins read for many writes, and which are kept in memory."""
        wanted = (resource for plugin in self.plugins for resource in plugin.reads)
        return frozenset(one for one in wanted if one in self._tables.by_resource)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._tables.by_path.values())

    def kind_of(self, resource: str) -> Kind:
        """Return the kind of a GroupResource, such as `deployments.apps`, or of an address.

        Raises NotFoundError.
        """
        if (kind := self._tables.by_resource.get(resource)) is None:
            raise NotFoundError("the server could not find the requested resource")
        return kind

    def kind_at(self, group: str, version: str, plural: str) -> Kind:
        """Return the kind that a URL path names. Raises NotFoundError."""
        if (kind := self._tables.by_path.get((group, version, plural))) is None:
            raise NotFoundError("the server could not find the requested resource")
        return kind

    def find_gvk(self, api_version: str, kind: str) -> Kind | None:
        """Return the kind of an object's apiVersion and kind, or None."""
        return self._tables.by_gvk.get((api_version, kind))


def _tables(kinds: Sequence[Kind]) -> _Tables:
    found = _Tables()
    for kind in kinds:
        found.add(kind)
    return found
