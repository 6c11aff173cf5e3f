"""`paths`: what may be done with each kind of a group and version."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paas.apimachinery.kinds import Kind, Subresource
from paas.apimachinery.openapi import components as schemas
from paas.apimachinery.openapi import parameters
from paas.apimachinery.openapi.components import Gvk
from paas.apimachinery.openapi.parameters import Parameter

PathItem = dict[str, Any]
_BODIES = ("application/json", "application/yaml")
_PROTOBUF = "application/vnd.kubernetes.protobuf"
_PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
)
_STRATEGIC = "application/strategic-merge-patch+json"
_CONNECTED = frozenset({"attach", "exec", "portforward", "proxy"})
_SCALE_GVK = ("autoscaling", "v1", "Scale")


@dataclass(frozen=True, slots=True)
class _Verb:
    """How a verb shows in a document: HTTP method, first word of its id, action, parameters."""

    method: str
    word: str
    action: str
    parameters: tuple[Parameter, ...] = ()
    created: bool = False


_GET = _Verb("get", "read", "get")
_LIST = _Verb("get", "list", "list", parameters.LIST)
_CREATE = _Verb("post", "create", "post", parameters.WRITE, created=True)
_UPDATE = _Verb("put", "replace", "put", parameters.WRITE, created=True)
_PATCH = _Verb("patch", "patch", "patch", parameters.PATCH, created=True)
_DELETE = _Verb("delete", "delete", "delete", parameters.DELETE)
_CLEAR = _Verb("delete", "deleteCollection", "deletecollection", parameters.DELETE_COLLECTION)
_ON_ITEM = {"get": _GET, "update": _UPDATE, "patch": _PATCH, "delete": _DELETE}
_ON_LIST = {"list": _LIST, "create": _CREATE, "deletecollection": _CLEAR}
_ON_PART = {"get": _GET, "create": _CREATE, "update": _UPDATE, "patch": _PATCH}


class PathWriter:
    """Writes the path items of one kind. `names` says which component describes which kind."""

    def __init__(self, kind: Kind, names: Mapping[Gvk, str]) -> None:
        self._kind = kind
        self._names = names
        self._schema = schemas.component_name(kind)
        self._gvk = schemas.gvk_of(kind)
        self._base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        self._scope = "Namespaced" if kind.namespaced else ""

    def items(self) -> Iterator[tuple[str, PathItem]]:
        """Yield each path and what may be done there."""
        kind = self._kind
        place = f"{self._base}/namespaces/{{namespace}}" if kind.namespaced else self._base
        if kind.namespaced and "list" in kind.verbs:
            everywhere = self._operation(_LIST, self._list_name, scope="", tail="ForAllNamespaces")
            yield (
                f"{self._base}/{kind.plural}",
                {"get": everywhere, "parameters": [parameters.PRETTY]},
            )
        yield from self._filled(f"{place}/{kind.plural}", self._on_list(), named=False)
        item = f"{place}/{kind.plural}/{{name}}"
        yield from self._filled(item, self._on_item(), named=True)
        for name, operations in self._parts():
            yield from self._filled(f"{item}/{name}", operations, named=True)

    def _filled(
        self, path: str, operations: PathItem, *, named: bool
    ) -> Iterator[tuple[str, PathItem]]:
        if operations:
            shared = [parameters.name_parameter(self._kind.kind)] if named else []
            shared += [parameters.NAMESPACE] if self._kind.namespaced else []
            yield path, {**operations, "parameters": [*shared, parameters.PRETTY]}

    @property
    def _list_name(self) -> str:
        return f"{self._schema}List"

    def _on_list(self) -> PathItem:
        answers = {"list": self._list_name, "deletecollection": schemas.STATUS}
        return {
            verb.method: self._operation(verb, answers.get(name, self._schema))
            for name, verb in _ON_LIST.items()
            if name in self._kind.verbs
        }

    def _on_item(self) -> PathItem:
        answers = {} if self._kind.returns_deleted else {"delete": schemas.STATUS}
        return {
            verb.method: self._operation(verb, answers.get(name, self._schema))
            for name, verb in _ON_ITEM.items()
            if name in self._kind.verbs
        }

    def _parts(self) -> Iterator[tuple[str, PathItem]]:
        if self._kind.status:
            yield "status", self._part(("get", "update", "patch"), self._schema, "Status")
        if self._kind.scale:
            verbs = ("get", "update", "patch")
            yield "scale", self._part(verbs, schemas.SCALE, "Scale", _SCALE_GVK)
        for part in self._kind.subresources:
            yield part.name, self._subresource(part)

    def _part(
        self, verbs: tuple[str, ...], schema: str, tail: str, gvk: Gvk | None = None
    ) -> PathItem:
        return {
            verb.method: self._operation(verb, schema, tail=tail, gvk=gvk)
            for name, verb in _ON_PART.items()
            if name in verbs
        }

    def _subresource(self, part: Subresource) -> PathItem:
        gvk = part.group_version_kind if part.group_version_kind[2] else self._gvk
        schema = self._names.get(gvk, "")
        tail = part.name.capitalize()
        if part.name in _CONNECTED:
            verb = {"get": _Verb("get", "connectGet", "connect")}
            verb["create"] = _Verb("post", "connectPost", "connect")
            return {
                verb[name].method: self._operation(verb[name], "", tail=tail, gvk=gvk)
                for name in part.verbs
                if name in verb
            }
        return self._part(part.verbs, schema, tail, gvk)

    def _operation(
        self,
        verb: _Verb,
        schema: str,
        *,
        tail: str = "",
        gvk: Gvk | None = None,
        scope: str | None = None,
    ) -> dict[str, Any]:
        scope = self._scope if scope is None else scope
        group = _title(self._kind.group)
        version = self._kind.version.capitalize()
        operation: dict[str, Any] = {
            "operationId": f"{verb.word}{group}{version}{scope}{self._kind.kind}{tail}",
            "tags": [f"{group[0].lower()}{group[1:]}_{self._kind.version}"],
            "x-kubernetes-action": verb.action,
            "x-kubernetes-group-version-kind": schemas.gvk_object(gvk or self._gvk),
            "responses": self._responses(verb, schema),
        }
        if verb.parameters:
            operation["parameters"] = list(verb.parameters)
        if body := self._request(verb, schema):
            operation["requestBody"] = body
        return operation

    def _responses(self, verb: _Verb, schema: str) -> dict[str, Any]:
        types = (*_BODIES, _PROTOBUF) if schema.startswith("io.k8s.") else _BODIES
        good: dict[str, Any] = {"description": "OK"}
        if schema:
            good["content"] = {one: {"schema": schemas.reference(schema)} for one in types}
        created = {"201": {**good, "description": "Created"}} if verb.created else {}
        return {"200": good, **created, "401": {"description": "Unauthorized"}}

    def _request(self, verb: _Verb, schema: str) -> dict[str, Any] | None:
        if verb.method == "patch":
            merges = self._kind.schema and not self._kind.declared_by
            types = (*_PATCHES, _STRATEGIC) if merges else _PATCHES
            patch = {"schema": schemas.reference(schemas.PATCH)}
            return {"content": dict.fromkeys(types, patch), "required": True}
        if verb.method == "delete":
            options = schemas.reference(schemas.DELETE_OPTIONS)
            return {"content": {"*/*": {"schema": options}}}
        if verb.method in {"post", "put"} and schema:
            return {"content": {"*/*": {"schema": schemas.reference(schema)}}, "required": True}
        return None


def _title(group: str) -> str:
    """Return `RbacAuthorization` for rbac.authorization.k8s.io, `Core` for the core group."""
    labels = group.removesuffix(".k8s.io").split(".") if group else ["core"]
    return "".join(label.capitalize() for label in labels)
