"""Keeps each ReplicaSet and ReplicationController at its number of pods.

Source: apps/v1 ReplicaSet, core/v1 ReplicationController.
"""

from collections.abc import Iterable, Sequence

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import (
    Controller,
    Source,
    itself,
    key_of,
)
from paas.core.conditions import is_true
from paas.core.errors import PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    controller_of,
    is_deleting,
    namespace_of,
    uid_of,
)
from paas.core.pods import is_active
from paas.orchestration.controllers.ownership import Children, Rules
from paas.orchestration.controllers.podcontrol import PodControl, pod_from
from paas.orchestration.controllers.replicaset.kinds import (
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    Replicated,
)
from paas.orchestration.controllers.replicaset.plan import Plan, batches, plan
from paas.orchestration.controllers.replicaset.status import (
    REPLICA_FAILURE,
    TERMINATING,
    Failure,
    next_available_s,
    status_of,
)


class ReplicaSets:
    """Reconciles one ReplicaSet per call, or one object of another such kind."""

    def __init__(self, context: Context, kind: Replicated = REPLICA_SETS) -> None:
        self._kind = kind
        self._client = context.client(kind.name)
        self._control = PodControl(self._client, context.recorder(kind.name))
        self._now = context.now
        self._sets = context.of(kind.resource)
        self._pods = context.of("pods")
        self._quotas = context.of("resourcequotas")
        rules = Rules(kind.selector, adoptable=lambda _, pod: is_active(pod))
        self._children = Children(self._client, self._sets, kind.kind, self._pods, rules)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            self._kind.name,
            self.reconcile,
            [
                Source(self._sets, itself(self._kind.resource)),
                Source(self._pods, self._children.owners_of),
                Source(self._quotas, self._of_quota),
            ],
            workers=2,
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Move one ReplicaSet one step nearer its number of pods.

        Returns seconds until a ready pod becomes available. Raises what creating or deleting a
        pod raised, after the status tells of it.
        """
        replica_set = self._sets.find(key)
        if replica_set is None:
            return None
        now = self._now()
        owned = self._children.of(replica_set)
        active = [pod for pod in owned if is_active(pod)]
        error: PaasError | None = None
        failure: Failure | None = None
        if not is_deleting(replica_set):
            todo = plan(replica_set, active, related=self._related(replica_set, active), now=now)
            error = self._act(replica_set, todo)
            if error is not None:
                reason = "FailedCreate" if todo.create else "FailedDelete"
                failure = Failure(reason, error.message)
        status = status_of(replica_set, owned, failure=failure, now=now)
        if not self._kind.counts_terminating:
            del status[TERMINATING]
        self._record(replica_set, status)
        if error is not None:
            raise error
        return next_available_s(replica_set, active, now=now)

    def _related(self, replica_set: ApiObject, active: Sequence[ApiObject]) -> Sequence[ApiObject]:
        owner = controller_of(replica_set)
        if owner is None:
            return active
        return [
            pod
            for sibling in self._sets.controlled_by(owner["uid"])
            for pod in self._pods.controlled_by(uid_of(sibling))
            if is_active(pod)
        ]

    def _act(self, replica_set: ApiObject, todo: Plan) -> PaasError | None:
        """Do the step; return the first error instead of raising, for the status."""
        for size in batches(todo.create):
            errors = [self._create(replica_set) for _ in range(size)]
            if any(errors):
                return next(error for error in errors if error is not None)
        errors = [self._control.delete(replica_set, pod) for pod in todo.delete]
        return next((error for error in errors if error is not None), None)

    def _create(self, replica_set: ApiObject) -> PaasError | None:
        pod = pod_from(replica_set, replica_set["spec"]["template"])
        return self._control.create(replica_set, pod)

    def _record(self, replica_set: ApiObject, status: ApiObject) -> None:
        if status != (replica_set.get("status") or {}):
            self._client.update_status({**replica_set, "status": status})

    def _of_quota(self, quota: ApiObject) -> Iterable[ObjectKey]:
        """Name the ReplicaSets that a quota may have refused: they need not wait for back-off."""
        return [
            key_of(one, self._kind.resource)
            for one in self._sets.list(namespace_of(quota))
            if is_true(one.get("status") or {}, REPLICA_FAILURE)
        ]


def replication_controllers(context: Context) -> ReplicaSets:
    """Return the same for ReplicationControllers."""
    return ReplicaSets(context, REPLICATION_CONTROLLERS)
