"""The kinds that controllers of everything look at: garbage, namespaces, quotas."""

from collections.abc import Iterator

from paas.apimachinery.kinds import Kind
from paas.apimachinery.scheme import Scheme

_NEEDED = {"list", "delete"}


def stored_kinds(scheme: Scheme) -> Iterator[Kind]:
    """Yield each stored resource once (not those with a backend, nor second names of rows)."""
    seen: set[str] = set()
    for kind in list(scheme):
        if kind.backend is not None or not set(kind.verbs) >= _NEEDED:
            continue
        if kind.stored_as not in seen and kind.resource == kind.stored_as:
            seen.add(kind.stored_as)
            yield kind
