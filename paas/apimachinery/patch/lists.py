"""Merging of lists whose strategy is `merge`: of maps by their key, of scalars as a set.

Source: k8s.io/apimachinery/pkg/util/strategicpatch (mergeSlice).
"""

from collections.abc import Callable
from typing import Any

from paas.apimachinery.patch.errors import go_text, no_merge_key
from paas.apimachinery.patch.ordering import element_type, in_order, key_of
from paas.apimachinery.patch.values import Identity, identity
from paas.apimachinery.schema.nodes import Field, Node
from paas.core.errors import BadRequestError

MergeMap = Callable[[dict[str, Any], dict[str, Any], Node], dict[str, Any]]
_DIRECTIVE = "$patch"


def merge_lists(live: list[Any], patch: list[Any], field: Field, merge_map: MergeMap) -> list[Any]:
    """Return `live` with `patch` merged in, in upstream's order. Not both may be empty."""
    kind = element_type(live, patch)
    key = key_of(kind, field.merge_key)
    if kind is not dict:
        merged = list({identity(one): one for one in [*live, *patch]}.values())
        return in_order(merged, patch, live, key)
    if not field.merge_key:
        name = field.node.items.go_type if field.node.items else field.node.go_type
        raise BadRequestError(f"cannot merge lists without merge key for {name}")
    live, patch = _special(live, patch, field.merge_key)
    merged = _merge_maps(live, patch, field, merge_map)
    return in_order(merged, patch, live, key)


def delete_from(live: list[Any], unwanted: list[Any]) -> list[Any]:
    """Return the scalars of `live` that are not unwanted."""
    if element_type(live, unwanted) is dict:
        raise BadRequestError("invalid patch format of primitive list")
    gone = {identity(one) for one in unwanted}
    return [one for one in live if identity(one) not in gone]


def _special(live: list[Any], patch: list[Any], merge_key: str) -> tuple[list[Any], list[Any]]:
    """Carry out the items with `$patch`; return the live list and the items that are left."""
    left = [one for one in patch if _DIRECTIVE not in one]
    special = [one for one in patch if _DIRECTIVE in one]
    gone: set[Identity] = set()
    replace = False
    for one in special:
        directive = one[_DIRECTIVE]
        if directive == "delete":
            if merge_key not in one:
                raise no_merge_key(one, merge_key)
            gone.add(identity(one[merge_key]))
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise BadRequestError("merging lists cannot yet be specified in the patch")
        else:
            raise BadRequestError(
                f"unknown patch type: {go_text(directive)} in map: {go_text(one)}"
            )
    if replace:
        return [], left
    kept = [one for one in live if merge_key not in one or identity(one[merge_key]) not in gone]
    return kept, left


def _merge_maps(live: list[Any], patch: list[Any], field: Field, merge_map: MergeMap) -> list[Any]:
    items = field.node.items or field.node
    merged = list(live)
    places: dict[Identity, int] = {}
    for place, one in enumerate(live):
        if field.merge_key in one:
            places.setdefault(identity(one[field.merge_key]), place)
    for one in patch:
        if field.merge_key not in one:
            raise no_merge_key(one, field.merge_key)
        name = identity(one[field.merge_key])
        if name in places:
            merged[places[name]] = merge_map(merged[places[name]], one, items)
        else:
            places[name] = len(merged)
            merged.append(one)
    return merged
