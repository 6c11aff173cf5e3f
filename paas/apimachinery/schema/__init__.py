"""Schemas of kinds: what may be stored, what upstream's typed decoding would leave of it.

`Schemas(kinds).of(kind)` gives the `Schema`; `prune` what was read, then `check` what defaults
made of it.
"""

from paas.apimachinery.schema.duplicates import duplicate_fields
from paas.apimachinery.schema.schemas import (
    Schema,
    Schemas,
    Untyped,
    handling_error,
    strict_error,
)

__all__ = [
    "Schema",
    "Schemas",
    "Untyped",
    "duplicate_fields",
    "handling_error",
    "strict_error",
]
