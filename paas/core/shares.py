"""Numbers that may be a share of something: `3`, `"25%"`. Pure.

Source: k8s.io/apimachinery/pkg/util/intstr.
"""

import math
import re

PERCENT = re.compile(r"[0-9]+%")


def scaled(value: int | str, whole: int, *, up: bool) -> int:
    """Return a number as it is, a percentage of `whole` rounded up or down."""
    if isinstance(value, int):
        return value
    share = amount_of(value) * whole / 100
    return math.ceil(share) if up else math.floor(share)


def amount_of(value: int | str) -> int:
    """Return the number itself, of a percentage too."""
    return int(str(value).removesuffix("%"))
