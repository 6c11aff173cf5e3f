"""What two pod templates, or parts of them, have in common. Pure."""

from typing import Any


def without_empty(value: Any) -> Any:
    """Return a copy without empty and null fields, which mean the same as none in a template.

    An `emptyDir: {}` is lost as well, on both sides of every comparison; the volume's name stays.
    """
    if isinstance(value, dict):
        kept = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    return value
