"""Keeps the ControllerRevisions of one owner: claims, makes, renumbers and clears away."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Source
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.options import DeleteOptions
from paas.core.errors import AlreadyExistsError, ConflictError, NotFoundError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    controller_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.shape import number
from paas.orchestration.controllers.ownership import Children
from paas.orchestration.controllers.revisions.plan import (
    HASH_LABEL,
    History,
    Mark,
    expendable,
    hash_of,
    history_of,
    is_of,
    new_revision,
    next_number,
    number_of,
)

RESOURCE = "controllerrevisions.apps"


class HashCollisionError(ConflictError):
    """The name of a new revision is taken by one of another template: count the collision."""


class RevisionSource(Source):
    """Asks for the keys of every change but a new revision that is owned already.

    Whoever restores one by hand gets to see it before it is made one with its like.
    """

    def keys_of(self, old: ApiObject | None, new: ApiObject | None) -> set[ObjectKey]:
        """Return the keys that a change concerns."""
        if old is None and new is not None and controller_of(new) is not None:
            return set()
        return super().keys_of(old, new)


@dataclass(frozen=True, slots=True)
class Kept:
    """The one revision of the template as it is, and the others, oldest first."""

    current: ApiObject
    old: list[ApiObject]


class RevisionKeeper:
    """The history of any owner with spec.selector and spec.template; `kind` is the owners'.

    `mark` returns the value by which pods name their revision.
    """

    def __init__(
        self,
        context: Context,
        client: Client,
        owners: Informer,
        kind: str,
        mark: Mark = hash_of,
    ) -> None:
        self._client = client
        self._mark = mark
        self._informer = context.of(RESOURCE)
        self._children = Children(client, owners, kind, self._informer)

    def source(self) -> RevisionSource:
        """Return what wakes the owners whose history has changed."""
        return RevisionSource(self._informer, self._children.owners_of)

    def keep(self, owner: ApiObject, pods: Iterable[ApiObject]) -> Kept:
        """Return the history with the owner's template as its newest.

        Where two revisions of one template become one, the owner's `pods` are relabelled.
        Raises HashCollisionError, and what the writes raise.
        """
        history = history_of(owner, [self._labelled(one) for one in self._children.of(owner)])
        wanted = next_number(history.old)
        if not history.current:
            return Kept(self._make(owner, wanted), history.old)
        current = self._merge(history, pods)
        if number_of(current) < wanted:
            current = self._patch(current, {"revision": wanted})
        return Kept(current, history.old)

    def clear(self, owner: ApiObject, old: Sequence[ApiObject], live: Collection[str]) -> None:
        """Delete what is beyond spec.revisionHistoryLimit; `live` are the marks of its pods."""
        limit = number(owner, "spec", "revisionHistoryLimit")
        for revision in expendable(old, live, limit=limit, mark=self._mark):
            self._delete(revision)

    def _labelled(self, revision: ApiObject) -> ApiObject:
        """Give a revision that somebody restored by hand its label: its name, which is unique."""
        if HASH_LABEL in labels_of(revision):
            return revision
        return self._patch(revision, {"metadata": {"labels": {HASH_LABEL: name_of(revision)}}})

    def _make(self, owner: ApiObject, wanted: int) -> ApiObject:
        collisions = number(owner, "status", "collisionCount")
        made = new_revision(owner, wanted, collisions=collisions)
        try:
            return self._client.create(made)
        except AlreadyExistsError as error:
            found = self._client.get(RESOURCE, name_of(made), namespace_of(made))
            if is_of(owner, found) and (controller_of(found) or {}).get("uid") == uid_of(owner):
                return found
            words = f'the name of ControllerRevision "{name_of(made)}" is taken by another'
            raise HashCollisionError(words) from error

    def _merge(self, history: History, pods: Iterable[ApiObject]) -> ApiObject:
        """Keep the newest of several revisions of one template; pods follow it."""
        *others, kept = history.current
        if not others:
            return kept
        labels = {HASH_LABEL: self._mark(kept)}
        for pod in pods:
            if labels_of(pod).get(HASH_LABEL) != labels[HASH_LABEL]:
                body = {"metadata": {"labels": labels}}
                self._client.merge("pods", name_of(pod), namespace_of(pod), body=body)
        for other in others:
            self._delete(other)
        return kept

    def _patch(self, revision: ApiObject, body: dict[str, object]) -> ApiObject:
        name, namespace = name_of(revision), namespace_of(revision)
        return self._client.merge(RESOURCE, name, namespace, body=body)

    def _delete(self, revision: ApiObject) -> None:
        options = DeleteOptions(uid=uid_of(revision))
        try:
            self._client.delete(
                RESOURCE, name_of(revision), namespace_of(revision), options=options
            )
        except (ConflictError, NotFoundError):  # gone, or another of its name
            return
