"""What a revision holds, which are of the same template, and which may go. Pure.

Source: k8s.io/kubernetes/pkg/controller/{history,daemon/update.go,statefulset}.
"""

import copy
import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import orjson

from paas.core.names import safe_encode
from paas.core.objects import (
    ApiObject,
    annotations_of,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from paas.core.shape import Json, number
from paas.orchestration.controllers.templates import without_empty

HASH_LABEL = "controller-revision-hash"
PREFIX_MAX = 223


@dataclass(frozen=True, slots=True)
class History:
    """The revisions of the owner's template as it is, and all others; oldest first, both."""

    current: list[ApiObject]
    old: list[ApiObject]


def snapshot_of(owner: ApiObject) -> Json:
    """Return the strategic merge patch that brings the owner back to its template of now."""
    template = copy.deepcopy(owner["spec"]["template"])
    return {"spec": {"template": {**template, "$patch": "replace"}}}


def is_of(owner: ApiObject, revision: ApiObject) -> bool:
    """Say whether a revision holds the owner's template as it is now."""
    return bool(without_empty(snapshot_of(owner)) == without_empty(revision.get("data") or {}))


def history_of(owner: ApiObject, revisions: Iterable[ApiObject]) -> History:
    """Sort an owner's revisions into those of its template and the others."""
    found = History([], [])
    for revision in sorted(revisions, key=_order):
        (found.current if is_of(owner, revision) else found.old).append(revision)
    return found


def _order(revision: ApiObject) -> tuple[int, str, str]:
    created = revision["metadata"].get("creationTimestamp", "")
    return number_of(revision), created, name_of(revision)


def number_of(revision: ApiObject) -> int:
    """Return its place in the history; 0 where it has none."""
    return number(revision, "revision") or 0


def next_number(old: Iterable[ApiObject]) -> int:
    """Return one more than the highest of the others."""
    return max((number_of(one) for one in old), default=0) + 1


def hash_of(revision: ApiObject) -> str:
    """Return the value by which pods name their revision."""
    return labels_of(revision).get(HASH_LABEL) or name_of(revision)


def new_revision(owner: ApiObject, number: int, *, collisions: int | None) -> ApiObject:
    """Return a revision of the owner's template, named by its hash.

    `collisions` is status.collisionCount: another count makes another name.
    """
    data = snapshot_of(owner)
    value = _hash(data, collisions)
    labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
    metadata = {
        "name": f"{name_of(owner)[:PREFIX_MAX]}-{value}",
        "namespace": namespace_of(owner),
        "labels": {**labels, HASH_LABEL: value},
        "annotations": dict(annotations_of(owner)),
        "ownerReferences": [owner_reference(owner)],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata,
        "data": data,
        "revision": number,
    }


def _hash(data: Json, collisions: int | None) -> str:
    text = orjson.dumps(without_empty(data), option=orjson.OPT_SORT_KEYS)
    salt = b"" if collisions is None else str(collisions).encode()
    digest = hashlib.sha256(text + salt).digest()
    return safe_encode(int.from_bytes(digest[:4], "big"))


Mark = Callable[[ApiObject], str]
"""Returns the value by which pods name a revision."""


def template_of(revision: ApiObject) -> Json:
    """Return a copy of the template that a revision holds."""
    template: Json = copy.deepcopy(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template


def expendable(
    old: Sequence[ApiObject],
    live: Collection[str],
    *,
    limit: int | None,
    mark: Mark = hash_of,
) -> list[ApiObject]:
    """Return the oldest revisions beyond the limit that no pod is of.

    `live` are the marks that pods carry. Those in use count against the limit all the same.
    """
    if limit is None:
        return []
    left = sorted((one for one in old if not is_deleting(one)), key=_order)
    unused = [one for one in left if mark(one) not in live]
    return unused[: max(0, len(left) - limit)]
