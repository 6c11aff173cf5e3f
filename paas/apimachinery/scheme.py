"""The scheme: every kind and admission plugin that one process knows. Assembled once, at start."""

from collections.abc import Iterable, Iterator

from paas.apimachinery.admission import AdmissionPlugin
from paas.apimachinery.kinds import Kind
from paas.core.errors import NotFoundError


class Scheme:
    """Looks kinds up by resource, by path and by apiVersion + kind."""

    def __init__(self, kinds: Iterable[Kind], plugins: Iterable[AdmissionPlugin] = ()) -> None:
        self.plugins = tuple(plugins)
        self._by_resource: dict[str, Kind] = {}
        self._by_path: dict[tuple[str, str, str], Kind] = {}
        self._by_gvk: dict[tuple[str, str], Kind] = {}
        for kind in kinds:
            # of a resource in several versions the first is found by its name
            self._by_resource.setdefault(kind.resource, kind)
            self._by_resource[kind.address] = kind
            self._by_path[kind.group, kind.version, kind.plural] = kind
            self._by_gvk[kind.api_version, kind.kind] = kind

    @property
    def mirrored(self) -> frozenset[str]:
        """Return the resources that plugins read for many writes, and which are kept in memory."""
        wanted = (resource for plugin in self.plugins for resource in plugin.reads)
        return frozenset(one for one in wanted if one in self._by_resource)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_path.values())

    def kind_of(self, resource: str) -> Kind:
        """Return the kind of a GroupResource, such as `deployments.apps`, or of an address.

        Raises NotFoundError.
        """
        if (kind := self._by_resource.get(resource)) is None:
            raise NotFoundError("the server could not find the requested resource")
        return kind

    def kind_at(self, group: str, version: str, plural: str) -> Kind:
        """Return the kind that a URL path names. Raises NotFoundError."""
        if (kind := self._by_path.get((group, version, plural))) is None:
            raise NotFoundError("the server could not find the requested resource")
        return kind

    def find_gvk(self, api_version: str, kind: str) -> Kind | None:
        """Return the kind of an object's apiVersion and kind, or None."""
        return self._by_gvk.get((api_version, kind))
