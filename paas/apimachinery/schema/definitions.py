"""Upstream's definitions, as `kubernetes-validate` carries them, in the form the compiler reads.

Owns the reading and trimming of that one data file and the copying of schemas of our own into
the same form. A definition here has no null in `type`, `$ref` is a bare name, and there are no
descriptions unless they are asked for: they are two thirds of the memory and only OpenAPI
documents show them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

Definition = dict[str, Any]

_FILE = ("kubernetes-json-schema", "v1.36.0-local", "_definitions.json")
_PREFIXES = ("#/$defs/", "#/definitions/", "#/components/schemas/")


def reference_name(reference: str) -> str:
    """Return the definition that a `$ref` names, without its place in a document."""
    for prefix in _PREFIXES:
        if reference.startswith(prefix):
            return reference[len(prefix) :]
    return reference


def _trim(definition: dict[str, Any]) -> dict[str, Any]:
    """Drop text and null types from one JSON object of the file; fields so named are objects."""
    if type(definition.get("description")) is str:
        del definition["description"]
    return _normalise(definition)


def _normalise(definition: dict[str, Any]) -> dict[str, Any]:
    kind = definition.get("type")
    if type(kind) is list:
        definition["type"] = next((one for one in kind if one != "null"), "null")
    reference = definition.get("$ref")
    if type(reference) is str:
        definition["$ref"] = reference_name(reference)
    # upstream pins apiVersion and kind with enums here; routing has settled both already
    if type(definition.get("enum")) is list:
        del definition["enum"]
    return definition


def read_definitions(*, descriptions: bool = False) -> dict[str, Definition]:
    """Return every upstream definition by name (`io.k8s.api.apps.v1.Deployment`).

    About 20 ms and 4 MB (10 MB with descriptions): keep what you need and let go of the rest.
    """
    hook: Callable[[dict[str, Any]], Any] = _normalise if descriptions else _trim
    found: dict[str, Definition] = json.loads(_data_file().read_bytes(), object_hook=hook)["$defs"]
    return found


def definitions_digest() -> bytes:
    """Return the SHA-256 of the data file."""
    return hashlib.sha256(_data_file().read_bytes()).digest()


def _data_file() -> Path:
    # found, not imported: the package's own code would bring 5 MB of validators with it
    spec = find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package kubernetes-validate is not installed")
    return Path(spec.submodule_search_locations[0]).joinpath(*_FILE)


def copy_schema(schema: Mapping[str, Any]) -> Definition:
    """Return a schema of our own in the same form; the declaration itself is left alone."""
    copied: Definition = _bare_references(orjson.loads(orjson.dumps(schema)))
    return copied


def _bare_references(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare_references(one) for one in value]
    if isinstance(value, dict):
        found = {key: _bare_references(one) for key, one in value.items()}
        if type(found.get("$ref")) is str:
            found["$ref"] = reference_name(found["$ref"])
        return found
    return value


def references_in(value: Any) -> Iterable[str]:
    """Yield the name of each definition that a definition refers to; names may repeat."""
    if isinstance(value, dict):
        if type(name := value.get("$ref")) is str:
            yield name
        for one in value.values():
            yield from references_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from references_in(one)


def reach(definitions: Mapping[str, Definition], names: Iterable[str]) -> dict[str, Definition]:
    """Return the named definitions and all that they refer to. Raises KeyError on a bad name."""
    found: dict[str, Definition] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = definitions[name]
            waiting.extend(references_in(found[name]))
    return found
