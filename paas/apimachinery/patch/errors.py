"""How a patch fails, in upstream's words and with upstream's codes.

Source: k8s.io/apiserver/pkg/endpoints/handlers/patch.go, k8s.io/apimachinery/pkg/util/mergepatch.
Where upstream lets a malformed strategic patch end in a 500, it is a 400 here.
"""

import json
from typing import Any

from paas.core.errors import BadRequestError, Cause, InvalidError

_LONGEST_ECHO = 2000


def rejected(detail: str) -> InvalidError:
    """Return the 422 of a patch that was understood and cannot be applied."""
    message = "the server rejected our request due to an error in our request"
    return InvalidError(message, causes=[Cause("UnexpectedServerResponse", detail, "patch")])


def patched_invalid(body: Any, why: str) -> InvalidError:
    """Return the 422 of a patch whose result is no object of its kind.

    Names the patch, not the result as upstream does: who may patch need not be allowed to read.
    """
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=str)
    shown = json.dumps(text[:_LONGEST_ECHO], ensure_ascii=False)
    cause = Cause("FieldValueInvalid", f"Invalid value: {shown}: {why}", "patch")
    message = f' "" is invalid: patch: {cause.message}'
    return InvalidError(message, causes=[cause])


def no_merge_key(item: Any, key: str) -> BadRequestError:
    """Return the 400 of a list item that cannot be found by its key."""
    return BadRequestError(f"map: {go_text(item)} does not contain declared merge key: {key}")


def wrong_type(expected: str, actual: Any) -> BadRequestError:
    """Return the 400 of a value that is no list or no map where one belongs."""
    return BadRequestError(f"expected a {expected}, but received a {_go_type(actual)}")


def _go_type(value: Any) -> str:
    names: dict[type, str] = {
        dict: "map[string]interface {}",
        list: "[]interface {}",
        str: "string",
        bool: "bool",
        int: "int64",
        float: "float64",
    }
    return names.get(type(value), "%!s(<nil>)")


def go_text(value: Any) -> str:
    """Return a value as Go prints it with %v: `map[image:nginx name:web]`."""
    if isinstance(value, dict):
        inner = " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value))
        return f"map[{inner}]"
    if isinstance(value, list):
        return f"[{' '.join(go_text(one) for one in value)}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)
