"""Fields that a schema does not know, for fieldValidation Warn and Strict.

Source: sigs.k8s.io/json (order, paths, the bound of 100).
"""

from typing import Any

from paas.apimachinery.schema.nodes import Node

MOST = 100


def unknown_in(node: Node, value: Any, path: str = "") -> list[str]:
    """Return the path of each unknown field below `value`, in order; at most 100."""
    found: list[str] = []
    _walk(node, value, path, found)
    return found[:MOST]


def _walk(node: Node, value: Any, path: str, found: list[str]) -> None:
    if node.fields is not None and isinstance(value, dict):
        _walk_struct(node, value, f"{path}." if path else "", found)
    elif node.items is not None and isinstance(value, list):
        for at, one in enumerate(value):
            _walk(node.items, one, f"{path}[{at}]", found)
    elif node.values is not None and isinstance(value, dict):
        for key, one in value.items():
            _walk(node.values, one, f"{path}.{key}", found)


def _walk_struct(node: Node, value: dict[str, Any], prefix: str, found: list[str]) -> None:
    fields = node.fields or {}
    for key, one in value.items():
        field = fields.get(key)
        if field is not None:
            if field.node.exact is None:
                _walk(field.node, one, prefix + key, found)
        elif not node.raw:
            found.append(prefix + key)
