"""Whole numbers in texts from strangers: `isdigit` also says yes to "²", which int() refuses."""

import re

INT64_MAX = 2**63 - 1
_WHOLE = re.compile(r"[0-9]{1,19}")


def parse_whole(text: str) -> int | None:
    """Return what ASCII digits spell, up to Go's and PostgreSQL's largest; None for all else."""
    number = int(text) if _WHOLE.fullmatch(text) else None
    return number if number is not None and number <= INT64_MAX else None
