"""Columns that many kinds share, and how upstream writes what is in them.

Source: k8s.io/kubernetes/pkg/printers/internalversion.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from paas.apimachinery.kinds import Column
from paas.core.objects import ApiObject, name_of
from paas.core.shape import Json, maps, submap, text

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"
_SHOWN = 3

NAME = Column("Name", name_of, format="name", description="The name, unique in its namespace.")


def _created(obj: ApiObject) -> str:
    return text(obj, "metadata", "creationTimestamp")


AGE = Column("Age", _created, "date", "How long ago the object was created.")


def wide(column: Column) -> Column:
    """Return the column for `-o wide` only."""
    return Column(
        column.name, column.value, column.kind, column.description, priority=1, format=column.format
    )


def labels_text(labels: Mapping[str, str]) -> str:
    """Return `a=b,c=d` in order of keys, or `<none>`."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) or NONE


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """Return a metav1.LabelSelector as a query: `app=web,tier in (a,b),!legacy`."""
    if selector is None:
        return NONE
    labels = submap(dict(selector), "matchLabels")
    terms = {key: f"{key}={value}" for key, value in labels.items()}
    pieces = list(terms.items())
    pieces += [(text(term, "key"), _term_text(term)) for term in maps(selector, "matchExpressions")]
    return ",".join(words for _, words in sorted(pieces)) or NONE


def _term_text(term: Json) -> str:
    key, operator = text(term, "key"), text(term, "operator")
    if operator == "Exists":
        return key
    if operator == "DoesNotExist":
        return f"!{key}"
    words = "in" if operator == "In" else "notin"
    return f"{key} {words} ({','.join(sorted(term.get('values') or []))})"


def shortened(items: Iterable[str], empty: str) -> str:
    """Return three items and how many more there are."""
    found = list(items)
    shown = ",".join(found[:_SHOWN])
    if len(found) > _SHOWN:
        return f"{shown} + {len(found) - _SHOWN} more..."
    return shown or empty


def container_names(spec: Json) -> str:
    """Return the names of a pod template's containers."""
    return ",".join(text(container, "name") for container in maps(spec, "containers"))


def container_images(spec: Json) -> str:
    """Return the images of a pod template's containers."""
    return ",".join(text(container, "image") for container in maps(spec, "containers"))
