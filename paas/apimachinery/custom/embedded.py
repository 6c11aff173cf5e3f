"""apiVersion, kind and metadata of an object and of resources embedded in it.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta.
"""

from collections.abc import Iterator
from typing import Any

from paas.apimachinery.custom.extensions import EMBEDDED, JsonSchema, below, items_of
from paas.apimachinery.fielderrors import invalid, invalid_all, required
from paas.apimachinery.metadata import common_errors
from paas.apimachinery.schema.nodes import Node
from paas.apimachinery.schema.scalars import DecodeError
from paas.apimachinery.schema.unknown import unknown_in
from paas.core.errors import BadRequestError, Cause
from paas.core.names import label_1035_errors, label_errors, path_segment_errors


class Coercer:
    """Reads the metadata of embedded resources as ObjectMeta, in place.

    `unknown` gets the path of each field that ObjectMeta does not have.
    """

    def __init__(self, metadata: Node) -> None:
        self._metadata = metadata
        self.unknown: list[str] = []

    def coerce(self, value: Any, schema: JsonSchema | None, path: str = "") -> None:
        """Do it in a value and below. Raises BadRequestError for what is of the wrong type."""
        if schema is None:
            return
        if isinstance(value, dict):
            if schema.get(EMBEDDED):
                self._coerce_head(value, f"{path}." if path else "")
            for key, one in value.items():
                self.coerce(one, below(schema, key), f"{path}.{key}" if path else key)
        elif isinstance(value, list):
            for place, one in enumerate(value):
                self.coerce(one, items_of(schema), f"{path}[{place}]")

    def _coerce_head(self, value: dict[str, Any], prefix: str) -> None:
        for key in ("apiVersion", "kind"):
            if key in value and not isinstance(value[key], str):
                raise _refusal(invalid(f"{prefix}{key}", value[key], "must be a string"))
        metadata = value.get("metadata")
        if metadata is None:
            value.pop("metadata", None)
            return
        self.unknown += unknown_in(self._metadata, metadata, f"{prefix}metadata")
        try:
            value["metadata"] = self._metadata.decode(metadata)
        except DecodeError as error:
            raise _refusal(invalid(f"{prefix}metadata", metadata, f"json: {error.text}")) from error


def _refusal(cause: Cause) -> BadRequestError:
    return BadRequestError(f"{cause.field}: {cause.message}")


def embedded_errors(value: Any, schema: JsonSchema | None, path: str = "") -> Iterator[Cause]:
    """Yield every rule that an embedded resource's head breaks; the root itself is the door's."""
    if schema is None:
        return
    if isinstance(value, dict):
        if schema.get(EMBEDDED):
            yield from _head_errors(value, f"{path}." if path else "")
        for key, one in value.items():
            yield from embedded_errors(one, below(schema, key), f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from embedded_errors(one, items_of(schema), f"{path}[{place}]")


def _head_errors(value: dict[str, Any], prefix: str) -> Iterator[Cause]:
    yield from (required(f"{prefix}{key}") for key in ("apiVersion", "kind") if key not in value)
    if "apiVersion" in value:
        yield from _version_errors(value["apiVersion"], f"{prefix}apiVersion")
    if "kind" in value:
        yield from _kind_errors(value["kind"], f"{prefix}kind")
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        yield from common_errors(metadata, f"{prefix}metadata")
        for key, rule in (("name", path_segment_errors), ("namespace", label_errors)):
            if text := metadata.get(key):
                yield from invalid_all(f"{prefix}metadata.{key}", text, rule(text))


def _version_errors(version: str, path: str) -> Iterator[Cause]:
    if not version:
        yield invalid(path, version, "must not be empty")
    elif version.count("/") > 1:
        yield invalid(path, version, f"unexpected GroupVersion string: {version}")


def _kind_errors(kind: str, path: str) -> Iterator[Cause]:
    if not kind:
        yield invalid(path, kind, "must not be empty")
    elif wrong := label_1035_errors(kind.lower()):
        rule = ",".join(wrong)
        yield invalid(path, kind, f"may have mixed case, but should otherwise match: {rule}")
