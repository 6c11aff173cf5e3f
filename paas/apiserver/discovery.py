"""Discovery: which groups, versions and resources there are, plain and aggregated.

Source: metav1.APIGroupList, metav1.APIResourceList, apidiscovery.k8s.io v2 and v2beta1.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import Any

import orjson

from paas.apimachinery.kinds import Kind, Subresource
from paas.apimachinery.scheme import Scheme
from paas.apiserver.responses import JSON, Response
from paas.core.errors import NotFoundError

_STATUS = Subresource("status", ("get", "patch", "update"))
_SCALE = Subresource("scale", ("get", "patch", "update"), ("autoscaling", "v1", "Scale"))
_AGGREGATED = {"v2": "apidiscovery.k8s.io/v2", "v2beta1": "apidiscovery.k8s.io/v2beta1"}


def subresources_of(kind: Kind) -> tuple[Subresource, ...]:
    """Return every subresource of a kind, in order of name."""
    found = list(kind.subresources)
    if kind.status:
        found.append(_STATUS)
    if kind.scale is not None:
        found.append(_SCALE)
    return tuple(sorted(found, key=lambda one: one.name))


def core_versions() -> dict[str, Any]:
    """Return `/api`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}],
    }


def group_list(scheme: Scheme) -> dict[str, Any]:
    """Return `/apis`."""
    groups = [_group(name, versions) for name, versions in _groups(scheme) if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(scheme: Scheme, name: str) -> dict[str, Any]:
    """Return `/apis/<group>`. Raises NotFoundError."""
    for found, versions in _groups(scheme):
        if found and found == name:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}
    raise NotFoundError("the server could not find the requested resource")


def resource_list(scheme: Scheme, name: str, version: str) -> dict[str, Any]:
    """Return `/api/v1` or `/apis/<group>/<version>`. Raises NotFoundError."""
    kinds = _kinds(scheme, name, version)
    if not kinds:
        raise NotFoundError("the server could not find the requested resource")
    resources = [entry for kind in kinds for entry in _entries(kind)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/{version}" if name else version,
        "resources": resources,
    }


def aggregated(scheme: Scheme, *, core: bool, version: str) -> dict[str, Any]:
    """Return an APIGroupDiscoveryList of the core group or of all others."""
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None} if name else {},
            "versions": [_discovered(scheme, name, one) for one in versions],
        }
        for name, versions in _groups(scheme)
        if bool(name) is not core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": _AGGREGATED[version],
        "metadata": {},
        "items": items,
    }


def _groups(scheme: Scheme) -> list[tuple[str, list[str]]]:
    """Return each group with its versions, the preferred one first."""
    pairs = sorted({(kind.group, kind.version) for kind in scheme})
    found = []
    for name, members in groupby(pairs, key=lambda pair: pair[0]):
        versions = sorted((version for _, version in members), key=_maturity)
        found.append((name, versions))
    return found


def _maturity(version: str) -> tuple[int, int, str]:
    """Order v2, v1, v1beta1, v1alpha1. Source: apimachinery's version.CompareKubeAware."""
    stage = 2 if "alpha" in version else 1 if "beta" in version else 0
    digits = version.removeprefix("v").split("alpha")[0].split("beta")[0]
    return stage, -int(digits) if digits.isdigit() else 0, version


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    entries = [{"groupVersion": f"{name}/{one}", "version": one} for one in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def _kinds(scheme: Scheme, name: str, version: str) -> list[Kind]:
    found = [kind for kind in scheme if (kind.group, kind.version) == (name, version)]
    return sorted(found, key=lambda kind: kind.plural)


def _entries(kind: Kind) -> Iterable[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular_name,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": sorted(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    yield entry
    for one in subresources_of(kind):
        yield _subresource_entry(kind, one)


def _subresource_entry(kind: Kind, one: Subresource) -> dict[str, Any]:
    group_name, version, body_kind = one.group_version_kind
    entry: dict[str, Any] = {
        "name": f"{kind.plural}/{one.name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": body_kind or kind.kind,
        "verbs": sorted(one.verbs),
    }
    if body_kind and (group_name, version) != (kind.group, kind.version):
        entry |= {"group": group_name, "version": version}
    return entry


def _discovered(scheme: Scheme, name: str, version: str) -> dict[str, Any]:
    resources = [_discovered_resource(kind) for kind in _kinds(scheme, name, version)]
    return {"version": version, "freshness": "Current", "resources": resources}


def _discovered_resource(kind: Kind) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": _response_kind((kind.group, kind.version, kind.kind)),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular_name,
        "verbs": sorted(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    if found := subresources_of(kind):
        entry["subresources"] = [_discovered_subresource(kind, one) for one in found]
    return entry


def _discovered_subresource(kind: Kind, one: Subresource) -> dict[str, Any]:
    body = one.group_version_kind if one.group_version_kind[2] else None
    return {
        "subresource": one.name,
        "responseKind": _response_kind(body or (kind.group, kind.version, kind.kind)),
        "verbs": sorted(one.verbs),
    }


def _response_kind(parts: tuple[str, str, str]) -> dict[str, str]:
    return {"group": parts[0], "version": parts[1], "kind": parts[2]}


@lru_cache(maxsize=8)
def _version_asked(accept: bytes) -> str:
    """Return v2 or v2beta1 where a client takes aggregated discovery, else an empty string."""
    for clause in accept.decode("latin-1").replace(" ", "").split(","):
        media_type, *parameters = clause.split(";")
        given = dict(pair.partition("=")[::2] for pair in parameters)
        if media_type != "application/json" or given.get("g") != "apidiscovery.k8s.io":
            continue
        if given.get("as") == "APIGroupDiscoveryList" and given.get("v") in _AGGREGATED:
            return given["v"]
    return ""


def root_response(scheme: Scheme, *, core: bool, accept: bytes) -> Response:
    """Answer `/api` or `/apis`, aggregated where the client takes it."""
    version = _version_asked(accept)
    if not version:
        return Response(
            orjson.dumps(core_versions() if core else group_list(scheme)), headers=_VARY
        )
    body = orjson.dumps(aggregated(scheme, core=core, version=version))
    # as upstream: strong, and the same for the same content whichever process answers
    etag = b'"%s"' % hashlib.sha512(body).hexdigest().upper().encode()
    form = b"%s;g=apidiscovery.k8s.io;v=%s;as=APIGroupDiscoveryList" % (JSON, version.encode())
    return Response(body, 200, form, ((b"etag", etag), *_VARY, _PUBLIC))


_VARY = ((b"vary", b"Accept"),)
_PUBLIC = (b"cache-control", b"public")
