"""Keeps each StatefulSet's pods, in order and with their claims. Source: apps/v1 StatefulSet."""

from collections.abc import Iterable, Sequence
from typing import Any

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself, key_of
from paas.core.ending import namespace_is_ending
from paas.core.errors import PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
)
from paas.core.shape import number, submap, text
from paas.core.volumes import CLAIMS
from paas.orchestration.controllers.ownership import Children, Rules
from paas.orchestration.controllers.revisions.keeper import (
    HashCollisionError,
    Kept,
    RevisionKeeper,
)
from paas.orchestration.controllers.revisions.plan import HASH_LABEL
from paas.orchestration.controllers.statefulset.control import StatefulPods
from paas.orchestration.controllers.statefulset.identity import (
    is_member,
    parent_and_ordinal,
    pod_of,
)
from paas.orchestration.controllers.statefulset.plan import Facts, Plan, look, plan
from paas.orchestration.controllers.statefulset.status import next_available_s, status_of

NAME = "statefulset-controller"
RESOURCE = "statefulsets.apps"
KIND = "StatefulSet"


class StatefulSets:
    """Reconciles one StatefulSet per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        events = context.recorder(NAME)
        self._events = events
        self._now = context.now
        self._sets = context.of(RESOURCE)
        self._pods = context.of("pods")
        self._claims = context.of(CLAIMS)
        self._control = StatefulPods(self._client, events, self._claims)
        rules = Rules(adoptable=is_member)
        self._children = Children(self._client, self._sets, KIND, self._pods, rules)
        self._revisions = RevisionKeeper(context, self._client, self._sets, KIND, mark=name_of)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._sets, itself(RESOURCE)),
                Source(self._pods, self._children.owners_of),
                self._revisions.source(),
                Source(self._claims, self._of_claim),
            ],
            workers=2,
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Move one StatefulSet one step on; return seconds until a ready pod becomes available.

        Raises what creating or deleting raised, after the status is written.
        """
        owner = self._sets.find(key)
        if owner is None or self._selects_all(owner):
            return None
        pods = self._children.of(owner)
        if is_deleting(owner):
            return None
        kept = self._history(owner, pods)
        update = kept.current
        every = {name_of(one): one for one in (*kept.old, update)}
        before = text(owner, "status", "currentRevision")
        facts = look(
            owner,
            pods,
            current=before if before in every else name_of(update),
            update=name_of(update),
            now=self._now(),
        )
        error = self._act(facts, plan(facts), every)
        status = status_of(facts)
        if error is None:
            self._clear(owner, kept, pods, facts)
        self._store(owner, status)
        if error is not None and not namespace_is_ending(error):
            raise error
        return next_available_s(facts)

    def _selects_all(self, owner: ApiObject) -> bool:
        if any((owner["spec"].get("selector") or {}).values()):
            return False
        words = "This StatefulSet is selecting all pods. A non-empty selector is required."
        self._events.warning(owner, "SelectingAll", words)
        return True

    def _history(self, owner: ApiObject, pods: Sequence[ApiObject]) -> Kept:
        try:
            return self._revisions.keep(owner, pods)
        except HashCollisionError:
            status = submap(owner, "status")
            collisions = (number(status, "collisionCount") or 0) + 1
            self._store(owner, {**status, "collisionCount": collisions})
            raise

    def _clear(self, owner: ApiObject, kept: Kept, pods: Sequence[ApiObject], facts: Facts) -> None:
        """Delete history beyond the limit; what is in use does not count against it."""
        live = {labels_of(pod).get(HASH_LABEL, "") for pod in pods} | {facts.current, facts.update}
        unused = [one for one in kept.old if name_of(one) not in live]
        self._revisions.clear(owner, unused, live)

    def _act(self, facts: Facts, todo: Plan, revisions: dict[str, ApiObject]) -> PaasError | None:
        """Do the step; return the first error instead of raising, for the status."""
        owner, first = facts.owner, None

        def new_pod(ordinal: int) -> ApiObject:
            return pod_of(owner, ordinal, revisions[facts.revision_for(ordinal)])

        work: list[tuple[Any, ...]] = [
            *((self._control.ensure_claims, owner, facts.pods[one]) for one in todo.claims),
            *((self._control.create, owner, new_pod(one)) for one in todo.create),
            *((self._control.label, pod) for pod in todo.label),
            *((self._control.settle_claims, owner, pod) for pod in todo.settle),
            *((self._control.delete, owner, pod) for pod in todo.delete),
        ]
        for act, *arguments in work:
            try:
                act(*arguments)
            except PaasError as error:
                first = first or error
                if facts.is_ordered:
                    break
        return first

    def _store(self, owner: ApiObject, status: dict[str, Any]) -> None:
        if status != (owner.get("status") or {}):
            self._client.update_status({**owner, "status": status})

    def _of_claim(self, claim: ApiObject) -> Iterable[ObjectKey]:
        """Name the StatefulSets that may wait for a claim of this name to go."""
        stem = parent_and_ordinal(name_of(claim))[0]
        return [
            key_of(one, RESOURCE)
            for one in self._sets.list(namespace_of(claim))
            if stem.endswith(f"-{name_of(one)}")
        ]
