"""Pods by the claims that they name: an index that several controllers share."""

from collections.abc import Iterable

from paas.core.objects import ApiObject, namespace_of
from paas.core.volumes import claim_names

BY_CLAIM = "claim"


def by_claim(pod: ApiObject) -> Iterable[str]:
    """Index a pod as `namespace/name` of each of its claims."""
    return [f"{namespace_of(pod)}/{name}" for name in claim_names(pod)]
