"""`$(NAME)` in values, commands and arguments.

Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
"""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with known references replaced; `$$` is `$`, unknown ones stay as they are."""

    def one(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            return "$"
        return values.get(name, found.group(0))

    return _REFERENCE.sub(one, text)


def unknown_names(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the names that `text` refers to and nobody defines."""
    names = [found.group(1) for found in _REFERENCE.finditer(text)]
    return [name for name in names if name is not None and name not in values]
