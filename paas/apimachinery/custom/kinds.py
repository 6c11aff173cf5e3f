"""The kinds that a CustomResourceDefinition declares: one for each served version.

Source: k8s.io/apiextensions-apiserver/pkg/{apiserver,registry/customresource}.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paas.apimachinery.custom.extensions import TYPE_META
from paas.apimachinery.custom.jsonpath import JsonPath
from paas.apimachinery.custom.printing import columns_of
from paas.apimachinery.custom.schema import CustomSchema
from paas.apimachinery.fielderrors import invalid
from paas.apimachinery.kinds import Kind, ScalePaths, WriteContext
from paas.apimachinery.words import forbidden
from paas.core.conditions import is_true
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject, is_deleting, meta, name_of
from paas.core.shape import maps, submap, text, values

GROUP = "apiextensions.k8s.io"
RESOURCE = f"customresourcedefinitions.{GROUP}"
ESTABLISHED, TERMINATING = "Established", "Terminating"

_INT32_MAX = 2**31 - 1
_HEAD_TEXTS = {
    "apiVersion": "The group and version of the schema that this object is written in.",
    "kind": "What this object is: the type that the group and version declare. Never changes.",
}


def is_established(definition: ApiObject) -> bool:
    """Say whether the resources of a definition are served."""
    return is_true(submap(definition, "status"), ESTABLISHED)


def custom_kinds(definition: ApiObject) -> tuple[Kind, ...]:
    """Return the kinds of a definition, the storage version first; none until Established.

    A storage version that is not served is there all the same, unlisted.
    """
    if not is_established(definition):
        return ()
    declared = maps(definition, "spec", "versions")
    served = [one for one in declared if one.get("served") or one.get("storage")]
    served.sort(key=lambda one: not one.get("storage"))
    storage = next((text(one, "name") for one in declared if one.get("storage")), "")
    fields = _fields_of(declared)
    return tuple(_kind(definition, one, storage, fields) for one in served)


def _kind(
    definition: ApiObject,
    version: Mapping[str, Any],
    storage: str,
    fields: Callable[[ApiObject], Mapping[str, str]],
) -> Kind:
    group, name = text(definition, "spec", "group"), text(version, "name")
    names = submap(definition, "status", "acceptedNames")
    word = text(names, "kind")
    declared = submap(version, "schema", "openAPIV3Schema")
    schema = CustomSchema(declared, word)
    has_status = "status" in submap(version, "subresources")
    scale = submap(version, "subresources", "scale")
    return Kind(
        group=group,
        version=name,
        kind=word,
        plural=text(names, "plural"),
        singular=text(names, "singular"),
        list_kind=text(names, "listKind"),
        short_names=tuple(values(names, "shortNames")),
        categories=tuple(values(names, "categories")),
        namespaced=text(definition, "spec", "scope") == "Namespaced",
        name_errors=subdomain_errors,
        schema=documented(declared),
        compiled=schema,
        status=has_status,
        scale=_scale_paths(scale) if scale else None,
        default=schema.default,
        prepare_create=_prepare_create(terminating=is_terminating(definition)),
        validate=_scale_rules(scale) if scale else _no_rules,
        fields=fields,
        columns=columns_of(version),
        declared_by=RESOURCE,
        conversion=Renaming(f"{group}/{name}", f"{group}/{storage}", schema),
        warnings=_warnings(group, word, version),
        unlisted=not version.get("served"),
    )


@dataclass(frozen=True, slots=True)
class Renaming:
    """Conversion strategy None: versions differ by name only."""

    api_version: str
    storage: str
    schema: CustomSchema

    def stored(self, obj: ApiObject) -> ApiObject:
        """Return the object under the name of the storage version."""
        return {**obj, "apiVersion": self.storage}

    def served(self, obj: ApiObject) -> ApiObject:
        """Return the object in this version: pruned, and with its defaults, as it is read today."""
        obj["apiVersion"] = self.api_version
        self.schema.tidy(obj)
        return obj


def documented(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what OpenAPI shows: apiVersion, kind and metadata are as everywhere."""
    properties = {
        key: one for key, one in (schema.get("properties") or {}).items() if key not in TYPE_META
    }
    head = {key: {"type": "string", "description": one} for key, one in _HEAD_TEXTS.items()}
    return {**schema, "properties": {**head, **properties}}


def is_terminating(definition: ApiObject) -> bool:
    """Say whether no object of a definition may be created any more."""
    return is_deleting(definition) or is_true(submap(definition, "status"), TERMINATING)


def _prepare_create(*, terminating: bool) -> Callable[[ApiObject, WriteContext], None]:
    def prepare(obj: ApiObject, context: WriteContext) -> None:
        if terminating:
            why = "create not allowed while custom resource definition is terminating"
            kind = context.door.scheme.find_gvk(obj["apiVersion"], obj["kind"])
            if kind is not None:
                raise forbidden(kind, name_of(obj), why)
        meta(obj)["generation"] = 1

    return prepare


def _warnings(group: str, kind: str, version: Mapping[str, Any]) -> tuple[str, ...]:
    if not version.get("deprecated"):
        return ()
    usual = f"{group}/{text(version, 'name')} {kind} is deprecated"
    return (text(version, "deprecationWarning") or usual,)


# -- selectable fields -----------------------------------------------------------------------------


def _fields_of(versions: Sequence[Mapping[str, Any]]) -> Callable[[ApiObject], Mapping[str, str]]:
    paths = {
        text(one, "jsonPath").removeprefix("."): JsonPath(text(one, "jsonPath"))
        for version in versions
        for one in maps(version, "selectableFields")
    }

    def fields(obj: ApiObject) -> Mapping[str, str]:
        return {name: _field_text(path.find(obj)) for name, path in paths.items()}

    return fields


def _field_text(found: list[Any]) -> str:
    if not found or found[0] is None:
        return ""
    value = found[0]
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- scale -----------------------------------------------------------------------------------------


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.removeprefix(".").split(".")) if path else ()


def _scale_paths(scale: Mapping[str, Any]) -> ScalePaths:
    return ScalePaths(
        _steps(text(scale, "specReplicasPath")),
        _steps(text(scale, "statusReplicasPath")),
        _steps(text(scale, "labelSelectorPath")),
    )


def _no_rules(_: ApiObject) -> list[Cause]:
    return []


def _scale_rules(scale: Mapping[str, Any]) -> Callable[[ApiObject], list[Cause]]:
    paths = [text(scale, "specReplicasPath"), text(scale, "statusReplicasPath")]

    def rules(obj: ApiObject) -> list[Cause]:
        return [cause for path in paths for cause in _replicas_errors(obj, path)]

    return rules


def _replicas_errors(obj: ApiObject, path: str) -> list[Cause]:
    found = JsonPath(path).find(obj)
    value = found[0] if found else 0
    if not isinstance(value, int) or isinstance(value, bool):
        return [invalid(path, 0, f"{path} accessor error: {value!r} is not an integer")]
    if value < 0:
        return [invalid(path, value, "should be a non-negative integer")]
    if value > _INT32_MAX:
        return [invalid(path, value, f"should be less than or equal to {_INT32_MAX}")]
    return []
