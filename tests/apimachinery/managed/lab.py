"""Managers that write and apply to one object, without a door."""

from typing import Any

import orjson

from paas.apimachinery.kinds import Kind
from paas.apimachinery.managed import Applied, Manager, applied, tracked
from paas.apimachinery.managed.elements import path_text
from paas.apimachinery.managed.entries import APPLY, UPDATE
from paas.apimachinery.managed.fields import paths
from paas.apimachinery.managed.reading import read_config
from paas.apimachinery.managed.shapes import whole_shape
from paas.apimachinery.schema import Schemas
from tests.apimachinery.schema.samples import CONFIG_MAP, DEPLOYMENT, POD, SERVICE

SCHEMAS = Schemas([CONFIG_MAP, DEPLOYMENT, POD, SERVICE])


def known(_: str) -> bool:
    return True


class Lab:
    """One object; the clock ticks a second with each write."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.shape = whole_shape(SCHEMAS.of(kind))
        self.obj: Any = None
        self.ticks = 0

    def config(self, **parts: Any) -> dict[str, Any]:
        head = {"apiVersion": self.kind.api_version, "kind": self.kind.kind}
        return {**head, "metadata": {"name": "one", **parts.pop("metadata", {})}, **parts}

    def now(self) -> str:
        self.ticks += 1
        return f"2026-01-01T00:00:{self.ticks:02}Z"

    def write(self, name: str, given: Any = None, **parts: Any) -> None:
        """Replace the object, as `name`."""
        new = self.config(**parts)
        manager = Manager(name, self.kind.api_version, UPDATE)
        entries = tracked(
            self.shape, self.obj, new, manager=manager, given=given, now=self.now(), knows=known
        )
        self._keep(new, entries)

    def apply(self, name: str, *, force: bool = False, **parts: Any) -> Applied:
        """Apply to the object, as `name`."""
        config, faults = read_config(self.shape, self.config(**parts))
        assert not faults
        found = applied(
            self.shape,
            self.obj,
            config,
            manager=Manager(name, self.kind.api_version, APPLY),
            force=force,
            now=self.now(),
            knows=known,
            restrict=lambda fields: fields,
        )
        self._keep(SCHEMAS.of(self.kind).prune(found.obj), found.entries)
        return found

    def _keep(self, obj: dict[str, Any], entries: list[Any]) -> None:
        metadata = {key: one for key, one in obj["metadata"].items() if one}  # as the door tidies
        metadata.pop("managedFields", None)
        self.obj = orjson.loads(orjson.dumps({**obj, "metadata": metadata}))
        if entries:
            self.obj["metadata"]["managedFields"] = entries

    def owned(self, name: str, operation: str = APPLY) -> list[str]:
        """Return what a manager has, as text."""
        entry = self.entry(name, operation)
        return [] if entry is None else [path_text(path) for path in paths(entry["fieldsV1"])]

    def entry(self, name: str, operation: str = APPLY) -> Any:
        """Return a manager's entry."""
        entries = self.obj["metadata"].get("managedFields", [])
        found = [one for one in entries if one["manager"] == name and one["operation"] == operation]
        return found[0] if found else None
