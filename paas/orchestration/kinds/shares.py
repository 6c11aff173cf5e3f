"""Rules of fields that are a number or a percentage.

Source: k8s.io/kubernetes/pkg/apis/apps/validation (ValidatePositiveIntOrPercent).
"""

from typing import Any

from paas.apimachinery.fielderrors import NOT_NEGATIVE, invalid
from paas.core.errors import Cause
from paas.core.shares import PERCENT, amount_of

_PERCENT_RULE = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
    "'93%', regex used for validation is '[0-9]+%')"
)
_WHOLE = 100


def share_errors(value: Any, path: str) -> list[Cause]:
    """Return what is wrong with a number or percentage."""
    if isinstance(value, str):
        return [] if PERCENT.fullmatch(value) else [invalid(path, value, _PERCENT_RULE)]
    if isinstance(value, int):
        return [invalid(path, value, NOT_NEGATIVE)] if value < 0 else []
    return [invalid(path, value, "must be an integer or percentage (e.g '5%%')")]


def whole_errors(value: Any, path: str) -> list[Cause]:
    """Refuse a percentage of more than all."""
    if isinstance(value, str) and PERCENT.fullmatch(value) and amount_of(value) > _WHOLE:
        return [invalid(path, value, "must not be greater than 100%")]
    return []


def amount_in(value: Any) -> int:
    """Return the number, of a percentage too; 0 of what is neither."""
    if isinstance(value, str):
        return amount_of(value) if PERCENT.fullmatch(value) else 0
    return value if isinstance(value, int) else 0
