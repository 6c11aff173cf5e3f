"""JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386), bounded as upstream bounds them."""

from typing import Any

import jsonpatch
import orjson

from paas.apimachinery.patch.errors import rejected
from paas.apimachinery.patch.values import same
from paas.apimachinery.schema.scalars import copy_json
from paas.core.errors import BadRequestError, InvalidError, RequestTooLargeError
from paas.core.objects import ApiObject

MOST_OPERATIONS = 10_000
MOST_COPIED_BYTES = 3 * 1024 * 1024
_OPERATIONS = frozenset({"add", "copy", "move", "remove", "replace", "test"})
_FAILURES = (
    jsonpatch.JsonPatchException,
    jsonpatch.JsonPointerException,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ValueError,
)


def apply_json_patch(obj: ApiObject, operations: Any) -> ApiObject:
    """Return what the operations make of a copy of `obj`, in order; all of them or none.

    Raises BadRequestError for what is no JSON patch, InvalidError for a failed test or a path
    that is not there, RequestTooLargeError beyond 10,000 operations.
    """
    _check_form(operations)
    try:
        document: Any = copy_json(obj)
        copied_bytes = 0
        for operation in copy_json(operations):
            if operation["op"] == "copy":
                copied_bytes += _copy_size(document, operation)
                if copied_bytes > MOST_COPIED_BYTES:
                    raise rejected(f"copy operations may copy {MOST_COPIED_BYTES} bytes at most")
            document = _apply_one(document, operation)
    except RecursionError as error:
        raise BadRequestError("the patch is nested too deeply") from error
    if not isinstance(document, dict):
        raise rejected("the patch leaves no object")
    return document


def _check_form(operations: Any) -> None:
    if not isinstance(operations, list):
        raise BadRequestError("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    if len(operations) > MOST_OPERATIONS:
        raise RequestTooLargeError(
            f"The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, "
            f"got {len(operations)}"
        )
    for operation in operations:
        if not isinstance(operation, dict):
            raise BadRequestError(
                "json: cannot unmarshal array into Go value of type jsonpatch.Operation"
            )
        if operation.get("op") not in _OPERATIONS:
            raise rejected(f"Unexpected kind: {operation.get('op', 'unknown')}")
        if not isinstance(operation.get("path"), str):
            raise rejected("failed to decode path: operation has no path")


def _apply_one(document: Any, operation: dict[str, Any]) -> Any:
    try:
        if operation["op"] == "test":
            _test(document, operation)
            return document
        return jsonpatch.JsonPatch([operation]).apply(document, in_place=True)
    except InvalidError:
        raise
    except _FAILURES as error:
        path = operation["path"]
        raise rejected(f"{operation['op']} operation does not apply: {path}: {error}") from error


def _test(document: Any, operation: dict[str, Any]) -> None:
    # the library's own test takes 1 for true and for 1.0
    found = jsonpatch.JsonPointer(operation["path"]).resolve(document, None)
    if not same(found, operation.get("value")):
        raise rejected(f"testing value {operation['path']} failed")


def _copy_size(document: Any, operation: dict[str, Any]) -> int:
    """Return the bytes that a copy adds; a chain of copies may double an object each time."""
    try:
        return len(
            orjson.dumps(jsonpatch.JsonPointer(operation.get("from") or "").resolve(document))
        )
    except _FAILURES:  # the operation itself says what is wrong
        return 0


def apply_merge_patch(obj: ApiObject, patch: Any) -> ApiObject:
    """Return what a merge patch makes of a copy of `obj`: null removes, a list replaces.

    Raises BadRequestError for a patch that is no object.
    """
    if not isinstance(patch, dict):
        raise BadRequestError("Invalid JSON Patch")
    try:
        merged: ApiObject = _merge(copy_json(obj), patch)
    except RecursionError as error:
        raise BadRequestError("the patch is nested too deeply") from error
    return merged


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy_json(patch)
    merged = target if isinstance(target, dict) else {}
    for key, one in patch.items():
        if one is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), one)
    return merged
