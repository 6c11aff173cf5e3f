"""The schemas of a scheme's kinds: what the door asks before it stores anything."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from paas.apimachinery.kinds import Kind
from paas.apimachinery.schema.compiler import Compiler
from paas.apimachinery.schema.definitions import (
    Definition,
    copy_schema,
    reach,
    read_definitions,
    references_in,
)
from paas.apimachinery.schema.nodes import Field, Node
from paas.apimachinery.schema.rules import check_node
from paas.apimachinery.schema.scalars import DecodeError
from paas.apimachinery.schema.unknown import unknown_in
from paas.core.errors import BadRequestError, Cause
from paas.core.objects import ApiObject

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_TOO_DEEP = "the object is nested too deeply"
_TEXT: Definition = {"type": "string"}

_known: dict[str, Node] = {}
_lock = threading.RLock()  # two kinds may share a definition that is being compiled


class Schema:
    """The compiled schema of one kind. Safe to use from many threads."""

    __slots__ = ("root", "whole")

    def __init__(self, root: Node) -> None:
        self.root = root
        self.whole = Field(root)

    def prune(self, obj: ApiObject) -> ApiObject:
        """Return a deep copy as upstream's typed decoding leaves it: no unknown fields, no nulls.

        Quantities, times and base64 come out in canonical form. Raises BadRequestError where a
        value is of the wrong type, with the sentence of upstream's decoder alone; `decode` adds
        what it was read as. What comes back can be written by orjson: no deeper than 254 levels,
        no number beyond 64 bits, no half characters.
        """
        try:
            pruned = self.read(obj)
            orjson.dumps(pruned)  # some microseconds, against a failure in the store
        except DecodeError as error:
            raise BadRequestError(error.text) from error
        except RecursionError as error:
            raise BadRequestError(_TOO_DEEP) from error
        except orjson.JSONEncodeError as error:
            raise BadRequestError(f"the object cannot be written as JSON: {error}") from error
        return pruned

    def read(self, obj: ApiObject) -> ApiObject:
        """Return the copy that `prune` answers. Raises DecodeError, BadRequestError."""
        found: ApiObject = self.root.decode(obj)
        return found

    def decode(self, obj: ApiObject, kind: Kind) -> ApiObject:
        """Return `prune(obj)`; a failure reads as upstream's answer to a bad body."""
        try:
            return self.prune(obj)
        except BadRequestError as error:
            raise handling_error(kind, error.message) from error

    def check(self, obj: ApiObject, old: ApiObject | None = None) -> list[Cause]:  # noqa: ARG002 -- for those that forgive what was wrong before
        """Return each rule that a pruned, defaulted object breaks, with field paths.

        These are missing values and, for schemas of our own, enumerations and bounds. Status is
        not looked at.
        """
        found: list[Cause] = []
        body = {key: one for key, one in obj.items() if key != "status"}
        check_node(self.root, body, "", found)
        return found

    def unknown_fields(self, obj: ApiObject) -> list[str]:
        """Return the path of each field that `prune` would drop as unknown, in order.

        At most 100, as upstream. The paths read `spec.template.spec.containers[0].foo`.
        """
        try:
            return unknown_in(self.root, obj)
        except RecursionError as error:
            raise BadRequestError(_TOO_DEEP) from error


class Untyped(Schema):
    """The schema of a kind that declares none: keeps everything, merges nothing by key."""

    __slots__ = ()


def strict_error(kind: Kind, faults: Iterable[str]) -> BadRequestError:
    """Return the 400 of fieldValidation=Strict; faults read `unknown field "spec.foo"`."""
    return handling_error(kind, f"strict decoding error: {', '.join(faults)}")


def handling_error(kind: Kind, why: str) -> BadRequestError:
    """Return the 400 of a body that cannot be read as its kind."""
    return BadRequestError(
        f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}'
    )


class Schemas:
    """Compiles the schemas of a set of kinds, all together, when the first is asked for.

    Kinds that come later are compiled when they are asked for. Upstream's definitions are shared
    by all instances in a process.
    """

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = tuple(kinds)
        self._schemas: dict[tuple[str, str], Schema] = {}
        self._started = False

    def of(self, kind: Kind) -> Schema:
        """Return the kind's schema. Raises KeyError where it refers to no known definition."""
        if kind.compiled is not None:
            return kind.compiled
        key = (kind.api_version, kind.kind)
        found = self._schemas.get(key)
        if found is None:
            with _lock:
                self._compile((kind,) if self._started else (*self._kinds, kind))
                self._started = True
            found = self._schemas[key]
        return found

    def _compile(self, kinds: Iterable[Kind]) -> None:
        wanted = [(kind, definition_of(kind)) for kind in kinds]
        names = {name for _, definition in wanted for name in references_in(definition)}
        compiler = _reached(frozenset(names))
        for kind, definition in wanted:
            self._schemas[kind.api_version, kind.kind] = _compile_one(compiler, kind, definition)


def _compile_one(compiler: Compiler, kind: Kind, definition: Definition) -> Schema:
    if not kind.schema:
        return Untyped(compiler.inline({}, kind.kind))
    node = compiler.inline(definition, kind.kind)
    return Schema(node)


def upstream_node(name: str) -> Node:
    """Return one of upstream's definitions. Raises KeyError."""
    if (found := _known.get(name)) is not None:
        return found
    with _lock:
        return _reached(frozenset({name})).named(name)


def metadata_node() -> Node:
    """Return ObjectMeta, for objects that have no other typed part."""
    return upstream_node(OBJECT_META)


def inline_schema(definition: Mapping[str, Any], name: str) -> Node:
    """Return a schema of our own, with the usual head, as a node."""
    whole = with_head(copy_schema(definition))
    with _lock:
        return _reached(frozenset(references_in(whole))).inline(whole, name)


def _reached(names: frozenset[str]) -> Compiler:
    missing = names - _known.keys()
    return Compiler(reach(read_definitions(), missing) if missing else {}, _known)


def definition_of(kind: Kind) -> Definition:
    """Return a kind's definition: a reference to upstream's, or ours with the usual head."""
    if isinstance(kind.schema, str):
        return {"$ref": kind.schema} if kind.schema else {}
    return with_head(copy_schema(kind.schema))


def with_head(definition: Mapping[str, Any]) -> Definition:
    """Return a definition of ours with apiVersion, kind and metadata, which are not declared."""
    head = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"$ref": OBJECT_META}}
    properties = {**head, **definition.get("properties", {})}
    return {**definition, "type": "object", "properties": properties}


def field_at(schema: Schema, *path: str) -> Field | None:
    """Return the field at a path of property names, through lists; None where there is none."""
    node, found = schema.root, None
    for step in path:
        while node.items is not None:
            node = node.items
        found = (node.fields or {}).get(step)
        if found is None:
            return None
        node = found.node
    return found
