"""Kubernetes quantities: `100m`, `1.5Gi`, `1e3`.

Source: k8s.io/apimachinery/pkg/api/resource.
"""

import re
from decimal import ROUND_CEILING, Decimal

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SHAPE = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|)"
)
RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse_quantity(value: str | float) -> Decimal:
    """Return the exact number, in base units (cores, bytes). Raises ValueError with the rule."""
    found = _SHAPE.fullmatch(str(value))
    if found is None:
        raise ValueError(RULE)
    number, exponent, suffix = found.groups()
    amount = Decimal(number)
    if exponent:
        return amount.scaleb(int(exponent[1:]))
    if suffix in _BINARY:
        return amount * (Decimal(1024) ** _BINARY[suffix])
    return amount.scaleb(_DECIMAL[suffix or ""])


def milli_value(value: str | float) -> int:
    """Return the number in thousandths of its unit, rounded up as upstream does."""
    return int((parse_quantity(value) * 1000).to_integral_value(ROUND_CEILING))


def millicores(value: str | float) -> int:
    """Return CPU in thousandths of a core, rounded up as upstream does."""
    return milli_value(value)


def size_bytes(value: str | float) -> int:
    """Return memory or storage in bytes, rounded up as upstream does."""
    return int(parse_quantity(value).to_integral_value(ROUND_CEILING))


def format_quantity(amount: Decimal, *, binary: bool = False) -> str:
    """Return the canonical form: the largest suffix that leaves a whole number.

    `binary` chooses Ki, Mi, Gi …; otherwise m, k, M, G …
    """
    if amount == 0:
        return "0"
    if binary and amount == amount.to_integral_value():
        return _format_binary(int(amount))
    return _format_decimal(amount)


def _format_binary(amount: int) -> str:
    for suffix, power in sorted(_BINARY.items(), key=lambda item: -item[1]):
        if amount % (1024**power) == 0:
            return f"{amount // 1024**power}{suffix}"
    return str(amount)


def _format_decimal(amount: Decimal) -> str:
    for suffix, power in sorted(_DECIMAL.items(), key=lambda item: -item[1]):
        scaled = amount.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return f"{int(amount.scaleb(9).to_integral_value(ROUND_CEILING))}n"


def is_binary(value: str | float) -> bool:
    """Say whether a quantity is written with a binary suffix."""
    return str(value)[-2:] in _BINARY
