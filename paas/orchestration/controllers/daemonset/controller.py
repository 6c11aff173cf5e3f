"""Keeps one pod of each DaemonSet on every node it is meant for. Source: apps/v1 DaemonSet."""

from collections.abc import Iterable, Sequence
from typing import Any

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import (
    Controller,
    Source,
    itself,
    key_of,
)
from paas.core.conditions import condition_of
from paas.core.errors import PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.pods import phase_of
from paas.core.shape import number, submap
from paas.orchestration.controllers.daemonset.backoff import FailedPods
from paas.orchestration.controllers.daemonset.nodes import node_of, template_for
from paas.orchestration.controllers.daemonset.plan import BURST, Facts, Plan, look, plan
from paas.orchestration.controllers.daemonset.status import next_available_s, status_of
from paas.orchestration.controllers.ownership import Children
from paas.orchestration.controllers.podcontrol import PodControl, pod_from
from paas.orchestration.controllers.replicaset.plan import batches
from paas.orchestration.controllers.revisions.keeper import (
    HashCollisionError,
    Kept,
    RevisionKeeper,
)
from paas.orchestration.controllers.revisions.plan import HASH_LABEL, hash_of

NAME = "daemonset-controller"
RESOURCE = "daemonsets.apps"
KIND = "DaemonSet"


class DaemonSets:
    """Reconciles one DaemonSet per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._control = PodControl(self._client, self._events)
        self._now = context.now
        self._sets = context.of(RESOURCE)
        self._pods = context.of("pods")
        self._nodes = context.of("nodes")
        self._children = Children(self._client, self._sets, KIND, self._pods)
        self._revisions = RevisionKeeper(context, self._client, self._sets, KIND)
        self._failed = FailedPods()

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._sets, itself(RESOURCE)),
                Source(self._pods, self._children.owners_of),
                self._revisions.source(),
                Source(self._nodes, self._all, matters=_changes_verdicts),
            ],
            workers=2,
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Move one DaemonSet one step nearer a pod of its template on every node it is meant for.

        Returns seconds until a ready pod becomes available or a failed one may be replaced.
        Raises what creating or deleting raised, after the status is written.
        """
        daemon_set = self._sets.find(key)
        if daemon_set is None:
            self._failed.forget(key.uid)
            return None
        # of one that is deleted nobody knows whether its history is still there
        if is_deleting(daemon_set) or self._selects_all(daemon_set):
            return None
        pods = self._children.of(daemon_set)
        kept = self._history(daemon_set, pods)
        facts = look(
            daemon_set,
            self._nodes.list(),
            pods,
            revision_hash=hash_of(kept.current),
            now=self._now(),
        )
        todo = plan(facts, self._waits(daemon_set, facts))
        error = self._act(daemon_set, todo, facts.revision_hash)
        if error is None:
            live = {labels_of(pod).get(HASH_LABEL, "") for pod in pods}
            self._revisions.clear(daemon_set, kept.old, live)
        self._store(daemon_set, status_of(facts))
        if error is not None:
            raise error
        return self._next_look_s(daemon_set, facts, todo)

    # -- looking -----------------------------------------------------------------------------

    def _selects_all(self, daemon_set: ApiObject) -> bool:
        if any((daemon_set["spec"].get("selector") or {}).values()):
            return False
        words = "This daemon set is selecting all pods. A non-empty selector is required."
        self._events.warning(daemon_set, "SelectingAll", words)
        return True

    def _history(self, daemon_set: ApiObject, pods: Sequence[ApiObject]) -> Kept:
        try:
            return self._revisions.keep(daemon_set, pods)
        except HashCollisionError:
            status = submap(daemon_set, "status")
            count = (number(status, "collisionCount") or 0) + 1
            self._store(daemon_set, {**status, "collisionCount": count})
            raise

    def _waits(self, daemon_set: ApiObject, facts: Facts) -> dict[str, float]:
        generation = _observed(daemon_set)
        return self._failed.waits(uid_of(daemon_set), generation, now=facts.now)

    # -- acting ------------------------------------------------------------------------------

    def _act(self, daemon_set: ApiObject, todo: Plan, revision_hash: str) -> PaasError | None:
        """Do the step; return the first error instead of raising, for the status."""
        for pod in todo.ended:
            self._tell(daemon_set, pod)
        errors: list[PaasError | None] = []
        nodes = todo.create[:BURST]
        for size in batches(len(nodes)):
            batch, nodes = nodes[:size], nodes[size:]
            errors += [self._create(daemon_set, node, revision_hash) for node in batch]
            if any(errors):
                break
        errors += [self._control.delete(daemon_set, pod) for pod in todo.delete[:BURST]]
        return next((error for error in errors if error is not None), None)

    def _create(self, daemon_set: ApiObject, node: str, revision_hash: str) -> PaasError | None:
        template = template_for(daemon_set, node, revision_hash)
        return self._control.create(daemon_set, pod_from(daemon_set, template))

    def _tell(self, daemon_set: ApiObject, pod: ApiObject) -> None:
        """Say that a pod has ended, and count it if it failed."""
        node = node_of(pod)
        place = f"{namespace_of(pod)}/{name_of(pod)} on node {node}"
        if phase_of(pod) == "Failed":
            words = f"Found failed daemon pod {place}, will try to kill it"
            self._events.warning(daemon_set, "FailedDaemonPod", words)
            uid, generation = uid_of(daemon_set), _observed(daemon_set)
            self._failed.note(uid, generation, node, now=self._now())
            self._failed.forget(uid, keep=generation)
        else:
            words = f"Found succeeded daemon pod {place}, will try to delete it"
            self._events.normal(daemon_set, "SucceededDaemonPod", words)

    def _store(self, daemon_set: ApiObject, status: dict[str, Any]) -> None:
        if status != (daemon_set.get("status") or {}):
            self._client.update_status({**daemon_set, "status": status})

    def _next_look_s(self, daemon_set: ApiObject, facts: Facts, todo: Plan) -> float | None:
        waits = self._waits(daemon_set, facts)
        due = [waits[node] for node in todo.held if node in waits]
        available_s = next_available_s(facts)
        return min([*due, *([] if available_s is None else [available_s])], default=None)

    # -- keys --------------------------------------------------------------------------------

    def _all(self, _: ApiObject) -> Iterable[ObjectKey]:
        return [key_of(one, RESOURCE) for one in self._sets.list()]


def _observed(daemon_set: ApiObject) -> int:
    return number(daemon_set, "status", "observedGeneration") or 0


def _changes_verdicts(old: ApiObject, new: ApiObject) -> bool:
    """Say whether a node's update is more than a heartbeat."""

    def shape(node: ApiObject) -> tuple[object, ...]:
        ready = condition_of(node.get("status") or {}, "Ready") or {}
        taints = (node.get("spec") or {}).get("taints")
        return node["metadata"].get("labels"), taints, ready.get("status")

    return shape(old) != shape(new)
