"""Which fields a field selector may name: asked wherever a selector comes in.

A name that no object of the kind has would select nothing, or with `!=` everything, without a word.
Source: k8s.io/apimachinery/pkg/runtime (field label conversion).
"""

from paas.apimachinery.kinds import Kind
from paas.core.errors import BadRequestError
from paas.core.selectors import FieldSelector

_ALWAYS = ("metadata.name", "metadata.namespace")


def check_selectable(kind: Kind, selector: FieldSelector) -> None:
    """Raise BadRequestError, in upstream's words, for a field that the kind does not offer."""
    unknown = [term.path for term in selector.terms if term.path not in _ALWAYS]
    if not unknown:
        return
    offered = kind.fields({})
    for path in unknown:
        if not offered:
            both = ", ".join(f'"{one}"' for one in _ALWAYS)
            raise BadRequestError(f'"{path}" is not a known field selector: only {both}')
        if path not in offered:
            raise BadRequestError(f"field label not supported: {path}")
