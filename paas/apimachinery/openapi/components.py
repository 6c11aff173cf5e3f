"""`components.schemas`: upstream's definitions and ours in the form of OpenAPI v3."""

from collections.abc import Iterable, Mapping
from typing import Any

from paas.apimachinery.kinds import Kind
from paas.apimachinery.schema.definitions import Definition, copy_schema, reach
from paas.apimachinery.schema.schemas import OBJECT_META, with_head

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
DELETE_OPTIONS = f"{_META}.DeleteOptions"
LIST_META = f"{_META}.ListMeta"
PATCH = f"{_META}.Patch"
SCALE = "io.k8s.api.autoscaling.v1.Scale"
STATUS = f"{_META}.Status"
_PREFIX = "#/components/schemas/"
_GVK = "x-kubernetes-group-version-kind"
_PATCH_SCHEMA = {
    "description": "A patch, as the Content-Type of the request says: JSON, merge or strategic.",
    "type": "object",
}

Gvk = tuple[str, str, str]
"""Group, version, kind."""


def component_name(kind: Kind) -> str:
    """Return the name of a kind's schema: upstream's, or ours by the reversed group."""
    if isinstance(kind.schema, str) and kind.schema:
        return kind.schema
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])


def reference(name: str) -> dict[str, str]:
    """Return a reference to a component."""
    return {"$ref": _PREFIX + name}


def gvk_of(kind: Kind) -> Gvk:
    """Return the group, version and kind."""
    return kind.group, kind.version, kind.kind


def gvk_object(gvk: Gvk) -> dict[str, str]:
    """Return them as the documents spell them."""
    group, version, kind = gvk
    return {"group": group, "kind": kind, "version": version}


def names_by_gvk(definitions: Mapping[str, Definition]) -> dict[Gvk, str]:
    """Return which definition describes which kind."""
    found: dict[Gvk, str] = {}
    for name, definition in definitions.items():
        for one in definition.get(_GVK) or ():
            found.setdefault((one["group"], one["version"], one["kind"]), name)
    return found


def own_definitions(kinds: Iterable[Kind]) -> dict[str, Definition]:
    """Return what upstream's data lacks: schemas of our own kinds, lists, and Patch."""
    found: dict[str, Definition] = {PATCH: dict(_PATCH_SCHEMA)}
    for kind in kinds:
        name = component_name(kind)
        if not isinstance(kind.schema, str):
            found[name] = with_head(copy_schema(kind.schema))
        elif not kind.schema:
            found[name] = with_head({"x-kubernetes-preserve-unknown-fields": True})
        if name in found:
            found[name][_GVK] = [gvk_object(gvk_of(kind))]
        found[f"{name}List"] = _list_of(kind, name)
    return found


def _list_of(kind: Kind, name: str) -> Definition:
    group, version, word = gvk_of(kind)
    return {
        "description": f"{kind.list_kind_name} is a list of {word} objects.",
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "items": {"type": "array", "items": {"$ref": name}},
            "kind": {"type": "string"},
            "metadata": {"$ref": LIST_META},
        },
        _GVK: [gvk_object((group, version, kind.list_kind_name))],
    }


def components(
    definitions: Mapping[str, Definition], roots: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return the schemas that the roots reach, sorted by name."""
    reached = reach(definitions, roots)
    return {name: _converted(reached[name]) for name in sorted(reached)}


def _converted(value: Any) -> Any:
    """Turn bare references into OpenAPI's; what stands beside one, which it hides, goes around."""
    if isinstance(value, list):
        return [_converted(one) for one in value]
    if not isinstance(value, dict):
        return value
    name = value.get("$ref")
    if not isinstance(name, str):
        return {key: _converted(one) for key, one in value.items()}
    if len(value) == 1:
        return reference(name)
    rest = {key: _converted(one) for key, one in value.items() if key != "$ref"}
    return {"allOf": [reference(name)], **rest}


__all__ = [
    "DELETE_OPTIONS",
    "OBJECT_META",
    "PATCH",
    "SCALE",
    "STATUS",
    "Gvk",
    "component_name",
    "components",
    "gvk_object",
    "gvk_of",
    "names_by_gvk",
    "own_definitions",
    "reference",
]
