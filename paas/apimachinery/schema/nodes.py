"""What a schema becomes when it is compiled: nodes that decode, check and know how to merge."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from paas.core.errors import Cause

Decode = Callable[[Any], Any]
"""Takes a JSON value that is not null; returns it as it is stored. Raises DecodeError."""

Check = Callable[[Any, str, list[Cause]], None]
"""Appends every rule that a decoded value at a path breaks."""


@dataclass(slots=True, eq=False)
class Node:
    """A type. One of `fields`, `items` and `values` is set, or none where it is a leaf.

    `go_type` is what upstream's decoder calls it (`int32`, `[]v1.Container`); `zero` makes what
    a null becomes inside a list or map, None where it is dropped. `exact` is the Python class
    of which every value is good as it is. `raw` nodes hold any JSON. `map_type` is "atomic" where
    the type itself says that it is replaced as a whole, and "granular" where a raw one is not.
    """

    go_type: str
    decode: Decode
    zero: Callable[[], Any] | None = None
    exact: type | None = None
    struct: str = ""
    fields: "dict[str, Field] | None" = None
    items: "Node | None" = None
    values: "Node | None" = None
    raw: bool = False
    map_type: str = ""
    rules: tuple[Check, ...] = ()
    required: tuple[str, ...] = ()
    pointer: bool = False
    _checked: "dict[str, Node] | None" = None

    @property
    def has_rules(self) -> bool:
        """Say whether anything here or below can be broken. A type within itself counts."""
        if self.rules or self.required:
            return True
        if self.fields is not None:
            return bool(self.checked_fields())
        below = self.items or self.values
        return below is not None and below.has_rules

    def checked_fields(self) -> "dict[str, Node]":
        """Return the fields of a struct with rules in or below them; found out once."""
        if self._checked is None:
            nodes = {key: one.node for key, one in (self.fields or {}).items()}
            self._checked = nodes  # while we look, a type within itself counts as checked
            self._checked = {key: node for key, node in nodes.items() if node.has_rules}
        return self._checked


@dataclass(slots=True, eq=False)
class Field:
    """A property of a struct: its type and how patches merge it.

    `strategy` is "", "merge" or "replace"; `merge_key` names the key of a list of maps.
    `list_type`, `map_keys` and `map_type` are what server-side apply goes by; it keeps in `shape`
    what it makes of them.
    """

    node: Node
    strategy: str = ""
    retain_keys: bool = False
    merge_key: str = ""
    list_type: str = ""
    map_keys: tuple[str, ...] = field(default=())
    map_type: str = ""
    shape: Any = None
