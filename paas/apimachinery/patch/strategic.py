"""Strategic merge patch, as the API server applies it, with every directive.

Which lists merge, and by which key, is in the schema. `$patch`, `$retainKeys`,
`$setElementOrder/<list>` and `$deleteFromPrimitiveList/<list>` are honoured at every depth.
Source: k8s.io/apimachinery/pkg/util/strategicpatch.
"""

from typing import Any

from paas.apimachinery.patch.errors import go_text, wrong_type
from paas.apimachinery.patch.lists import delete_from, merge_lists
from paas.apimachinery.patch.ordering import Key, element_type, in_order, key_of, ranks
from paas.apimachinery.schema.nodes import Field, Node
from paas.apimachinery.schema.scalars import RAW, copy_json
from paas.apimachinery.schema.schemas import Schema, Untyped
from paas.core.errors import BadRequestError, UnsupportedMediaTypeError
from paas.core.objects import ApiObject

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
ELEMENT_ORDER = "$setElementOrder/"
PRIMITIVE_DELETION = "$deleteFromPrimitiveList/"

_ORDER_FORM = "invalid patch format of setElementOrder list"
_RETAIN_FORM = "invalid patch format of retainKeys"
_PLAIN = Field(RAW)


def apply_strategic_merge_patch(obj: ApiObject, patch: Any, schema: Schema) -> ApiObject:
    """Return what the patch makes of a copy of `obj`; unknown fields of the patch are kept.

    Raises BadRequestError for a malformed patch, InvalidError for one that cannot be applied,
    UnsupportedMediaTypeError for a kind without a schema (custom resources).
    """
    if isinstance(schema, Untyped):
        raise UnsupportedMediaTypeError(
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, "
            "application/apply-patch+yaml"
        )
    if not isinstance(patch, dict):
        raise BadRequestError(
            "json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    try:
        return merge_map(copy_json(obj), copy_json(patch), schema.root)
    except RecursionError as error:
        raise BadRequestError("the patch is nested too deeply") from error


def merge_map(original: dict[str, Any], patch: dict[str, Any], node: Node) -> dict[str, Any]:
    """Merge `patch` into `original`; both are consumed."""
    if DIRECTIVE in patch:
        return _directed(patch)
    if RETAIN_KEYS in patch:
        _retain_keys(original, patch)
    for key in [one for one in patch if one.startswith(ELEMENT_ORDER)]:
        _merge_ordered(original, patch, key, node)
    for key, value in patch.items():
        if key.startswith(PRIMITIVE_DELETION):
            _delete_primitives(original, key.removeprefix(PRIMITIVE_DELETION), value)
        elif value is None:
            original.pop(key, None)
        else:
            _merge_field(original, key, value, node)
    return original


def _directed(patch: dict[str, Any]) -> dict[str, Any]:
    directive = patch.pop(DIRECTIVE)
    if directive == "replace":
        return patch
    if directive == "delete":
        return {}
    if directive == "merge":
        raise BadRequestError(f"unknown patch type: merge in map: {go_text(patch)}")
    raise BadRequestError(f"unknown patch type: {go_text(directive)} in map: {go_text(patch)}")


def _retain_keys(original: dict[str, Any], patch: dict[str, Any]) -> None:
    """Clear what the list does not name. A patch may set only what it retains."""
    names = patch.pop(RETAIN_KEYS)
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise BadRequestError(_RETAIN_FORM)
    retained = set(names)
    for key, value in patch.items():
        directive = key.startswith((PRIMITIVE_DELETION, ELEMENT_ORDER))
        if value is not None and not directive and key not in retained:
            raise BadRequestError(_RETAIN_FORM)
    for key in original.keys() - retained:
        del original[key]


def field_of(node: Node, key: str) -> Field:
    """Return how a field merges; what the schema does not know merges as plain JSON."""
    if node.fields is not None:
        return node.fields.get(key, _PLAIN)
    return Field(node.values) if node.values is not None else _PLAIN


def _merge_field(original: dict[str, Any], key: str, value: Any, node: Node) -> None:
    current = original.get(key)
    field = field_of(node, key)
    if type(current) is dict and type(value) is dict:
        replaced = field.strategy == "replace"
        original[key] = value if replaced else merge_map(current, value, field.node)
    elif type(current) is list and type(value) is list:
        original[key] = _merge_list(current, value, field)
    elif type(value) is dict and DIRECTIVE in value:
        original.pop(key, None)
    else:
        original[key] = without_directives(without_nulls(value))


def _merge_list(current: list[Any], value: list[Any], field: Field) -> list[Any]:
    if field.strategy != "merge":
        return value
    if not current and not value:
        return current
    return merge_lists(current, value, field, merge_map)


def _delete_primitives(original: dict[str, Any], key: str, unwanted: Any) -> None:
    if not key:
        raise BadRequestError("invalid patch format of primitive list")
    current = original.get(key)
    if unwanted is None:
        original.pop(key, None)
    elif isinstance(current, list) and isinstance(unwanted, list) and (current or unwanted):
        original[key] = delete_from(current, unwanted)


def _merge_ordered(
    original: dict[str, Any], patch: dict[str, Any], directive: str, node: Node
) -> None:
    """Merge a list whose order the patch states, and take both out of the patch."""
    order = patch.pop(directive)
    if not isinstance(order, list):
        raise wrong_type("[]interface {}", order)
    key = directive.removeprefix(ELEMENT_ORDER)
    field = field_of(node, key)
    live = _list_or_none(original, key)
    change = _list_or_none(patch, key)
    if live is None and change is None:
        return
    _check_order(change or [], order, field.merge_key)
    patch.pop(key, None)
    if live is None:
        merged = without_directives(change)
    elif change is None:
        merged = live
    else:
        merged = _merge_list(list(live), change, field)
    original[key] = _ordered(merged, order, live or [], change or [], field.merge_key)


def _ordered(
    merged: list[Any], order: list[Any], live: list[Any], change: list[Any], merge_key: str
) -> list[Any]:
    if not merged:
        return merged
    key = key_of(element_type(merged), merge_key)
    return in_order(merged, order, _as_it_stood(merged, live, change, key), key)


def _as_it_stood(merged: list[Any], live: list[Any], change: list[Any], key: Key) -> list[Any]:
    """Return the live order by which upstream places what only the server has.

    Deleting compacts upstream's live list in place and adding refills the freed places, so new
    items stand behind the kept ones there, as many as were deleted. Clients see that order.
    """
    left = ranks(merged, key)
    kept = [one for one in live if key(one) in left]
    old = ranks(live, key)
    added = [one for one in change if not _directs(one) and key(one) not in old]
    return kept + added[: len(live) - len(kept)]


def _list_or_none(holder: dict[str, Any], key: str) -> list[Any] | None:
    if key not in holder:
        return None
    value = holder[key]
    if not isinstance(value, list):
        raise wrong_type("[]interface {}", value)
    return value


def _check_order(change: list[Any], order: list[Any], merge_key: str) -> None:
    """Raise where the patch's items do not come in the stated order. Deletions are free."""
    items = [one for one in change if not (isinstance(one, dict) and DIRECTIVE in one)]
    if not items or not order:
        return
    key = key_of(element_type(items, order), merge_key)
    stated = iter([key(one) for one in order])
    if not all(key(one) in stated for one in items):
        raise BadRequestError(
            f"The order in patch list:\n{go_text(change)}\n doesn't match "
            f"$setElementOrder list:\n{go_text(order)}\n"
        )


def without_nulls(value: Any) -> Any:
    """Drop null members at every depth, in place; list items stay."""
    if isinstance(value, dict):
        for key in [key for key, one in value.items() if one is None]:
            del value[key]
        for one in value.values():
            without_nulls(one)
    elif isinstance(value, list):
        for one in value:
            without_nulls(one)
    return value


def without_directives(value: Any) -> Any:
    """Drop every member or item that carries `$patch`, at every depth."""
    if isinstance(value, dict):
        return {key: without_directives(one) for key, one in value.items() if not _directs(one)}
    if isinstance(value, list):
        return [without_directives(one) for one in value if not _directs(one)]
    return value


def _directs(value: Any) -> bool:
    return isinstance(value, dict) and DIRECTIVE in value
