"""URL paths of the REST API: which kind, object and subresource they name.

Source: k8s.io/apiserver/pkg/endpoints/request.RequestInfoFactory.
"""

from dataclasses import dataclass

from paas.apimachinery.kinds import Kind
from paas.apimachinery.scheme import Scheme
from paas.core.errors import NotFoundError

_GROUP_DEPTH = 2
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names. `name` is empty for a collection, `namespace` for all namespaces.

    `tail` is what follows the subresource, as for the path that a proxy or webhook gets.
    """

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    tail: str = ""


def is_resource_path(path: str) -> bool:
    """Say whether a path lies below a group and version, and so names a resource."""
    if path.startswith("/apis/"):
        return path.count("/", 6, len(path.rstrip("/"))) > 1
    return path.startswith("/api/") and path.count("/", 5, len(path.rstrip("/"))) > 0


def resolve(scheme: Scheme, path: str) -> Target:
    """Return what a path names. Raises NotFoundError where it names nothing of the scheme."""
    parts = path.strip("/").split("/")
    if not is_resource_path(path) or "" in parts or "\0" in path:
        raise _nothing()
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    else:
        group, version, rest = parts[1], parts[2], parts[3:]
    if rest[0] != "namespaces" or len(rest) <= _GROUP_DEPTH:
        return _plain(scheme, group, version, rest)
    if rest[2] in _NAMESPACE_SUBRESOURCES and not group:
        return _plain(scheme, group, version, rest)
    return _namespaced(scheme, group, version, rest)


def _plain(scheme: Scheme, group: str, version: str, rest: list[str]) -> Target:
    kind = scheme.kind_at(group, version, rest[0])
    if kind.namespaced and len(rest) > 1:
        raise _nothing()
    return _target(kind, "", rest[1:])


def _namespaced(scheme: Scheme, group: str, version: str, rest: list[str]) -> Target:
    kind = scheme.kind_at(group, version, rest[2])
    if not kind.namespaced:
        raise _nothing()
    return _target(kind, rest[1], rest[3:])


def _target(kind: Kind, namespace: str, rest: list[str]) -> Target:
    name, subresource, *tail = (*rest, "", "")[: max(2, len(rest))]
    return Target(kind, namespace, name, subresource, "/".join(tail))


def _nothing() -> NotFoundError:
    return NotFoundError("the server could not find the requested resource")
