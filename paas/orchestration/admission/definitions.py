"""Warnings about definitions and custom resources: what upstream lets pass, but not without a word.

Source: k8s.io/apiextensions-apiserver/pkg/registry/{customresource,customresourcedefinition}.
"""

from collections.abc import Iterator

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.custom.extensions import LIST_TYPE, items_of, walk
from paas.apimachinery.custom.formats import is_recognized
from paas.apimachinery.custom.kinds import RESOURCE
from paas.core.names import qualified_errors
from paas.core.objects import ApiObject
from paas.core.shape import maps, submap, text, values

_STANDARD = frozenset({"orphan", "foregroundDeletion", "kubernetes"})
_PREFER = "to avoid accidental conflicts with other finalizer writers"


class CustomWarnings(AdmissionPlugin):
    """Says of a write what is new in it and odd."""

    name = "CustomWarnings"

    def validate(self, request: AdmissionRequest) -> None:
        """Add the warnings that the object did not earn before."""
        if request.obj is None or request.subresource:
            return
        known = _warnings(request, request.old) if request.old is not None else []
        found = _warnings(request, request.obj)
        request.warnings += [one for one in found if one not in known]


def _warnings(request: AdmissionRequest, obj: ApiObject) -> list[str]:
    if request.kind.resource == RESOURCE:
        return definition_warnings(obj)
    return finalizer_warnings(obj) if request.kind.declared_by else []


def definition_warnings(definition: ApiObject) -> list[str]:
    """Return what is odd in the schemas of a definition, each once."""
    found = [
        warning
        for version in maps(definition, "spec", "versions")
        for warning in _schema_warnings(submap(version, "schema", "openAPIV3Schema"))
    ]
    return list(dict.fromkeys(found))


def _schema_warnings(schema: ApiObject) -> Iterator[str]:
    for one in walk(schema):
        name, kind = text(one, "format"), text(one, "type")
        if name and not is_recognized(name, kind):
            yield f'unrecognized format "{name}"'
        items = items_of(one)
        inner = text(items, "type") if items is not None else ""
        if one.get(LIST_TYPE) == "set" and inner in {"object", "array"}:
            yield (
                f'x-kubernetes-list-type: set for items of type "{inner}" is not supported by '
                "server-side apply or CEL validation rules"
            )


def finalizer_warnings(obj: ApiObject) -> list[str]:
    """Return what is odd in the finalizers of a custom resource."""
    found: list[str] = []
    for name in values(obj, "metadata", "finalizers"):
        about = f'metadata.finalizers: "{name}":'
        found += [f"{about} {why}" for why in qualified_errors(name)]
        if "/" not in name and name not in _STANDARD:
            path = " including a path (/)" if "." in name else ""
            found.append(f"{about} prefer a domain-qualified finalizer name{path} {_PREFER}")
    return found
