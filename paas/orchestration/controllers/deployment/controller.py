"""Rolls each Deployment's template out over ReplicaSets. Source: apps/v1 Deployment."""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import (
    Controller,
    Source,
    comes_or_goes,
    its_controller,
    itself,
)
from paas.apimachinery.options import DeleteOptions
from paas.core.ending import namespace_is_ending
from paas.core.errors import AlreadyExistsError, ConflictError, NotFoundError, PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    annotations_of,
    controller_of,
    is_deleting,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from paas.core.pods import is_finished
from paas.core.wellknown import REJECTED_IMAGE, REJECTED_REASON, REJECTED_REVISION
from paas.orchestration.controllers.deployment import history, rollback, scaling
from paas.orchestration.controllers.deployment import status as statuses
from paas.orchestration.controllers.deployment.names import (
    PROGRESSING,
    REVISION,
    ROLLED_OUT,
    SET_CREATE_ERROR,
    SET_CREATED,
    SET_FOUND,
)
from paas.orchestration.controllers.deployment.rollout import Rollout
from paas.orchestration.controllers.ownership import Children

NAME = "deployment-controller"
RESOURCE = "deployments.apps"
KIND = "Deployment"
SETS = "replicasets.apps"


class Deployments:
    """Reconciles one Deployment per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._now = context.now
        self._deployments = context.of(RESOURCE)
        self._sets = context.of(SETS)
        self._pods = context.of("pods")
        self._children = Children(self._client, self._deployments, KIND, self._sets)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._deployments, itself(RESOURCE)),
                Source(self._sets, self._children.owners_of),
                Source(self._pods, self._of_pod, matters=comes_or_goes),
            ],
            workers=2,
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Move one Deployment one step nearer its template and size.

        Returns seconds until its progress deadline should be judged again.
        """
        deployment = self._deployments.find(key)
        if deployment is None:
            return None
        if self._selects_all(deployment):
            return None
        rollout = self._look(deployment)
        if is_deleting(deployment):
            self._count(rollout)
            return self._record(rollout)
        statuses.note_pause(deployment, rollout.status, now=self._now())
        self._number(rollout)
        if deployment["spec"].get("paused") or scaling.was_scaled(deployment, rollout.every):
            self._rescale(rollout)
            if deployment["spec"].get("paused"):
                self._clean_up(rollout)
            self._count(rollout)
            return self._record(rollout)
        self._roll_out(rollout)
        return self._finish(rollout)

    # -- looking -----------------------------------------------------------------------------

    def _selects_all(self, deployment: ApiObject) -> bool:
        if any((deployment["spec"].get("selector") or {}).values()):
            return False
        words = "This deployment is selecting all pods. A non-empty selector is required."
        self._events.warning(deployment, "SelectingAll", words)
        return True

    def _look(self, deployment: ApiObject) -> Rollout:
        owned = self._children.of(deployment)
        current = history.find_current(deployment, owned)
        old = [one for one in owned if current is None or uid_of(one) != uid_of(current)]
        before = deployment.get("status") or {}
        return Rollout(deployment, current, old, before, copy.deepcopy(before))

    def _number(self, rollout: Rollout) -> None:
        """Give the current ReplicaSet its revision, and the Deployment the same."""
        current = rollout.current
        if current is None:
            return
        deployment = rollout.deployment
        revision = history.next_revision(rollout.old)
        annotations = history.annotations_for(deployment, current, revision=revision)
        ready_s = deployment["spec"].get("minReadySeconds") or 0
        body: dict[str, Any] = {}
        if annotations != annotations_of(current):
            body["metadata"] = {"annotations": annotations}
        if ready_s != (current["spec"].get("minReadySeconds") or 0):
            body["spec"] = {"minReadySeconds": ready_s}
        if body:
            rollout.current = self._patch_set(current, body)
        self._sync_revision(rollout)
        words = f'Found new replica set "{name_of(current)}"'
        if not rollout.has_progressing:
            self._note(rollout, True, SET_FOUND, words)

    def _sync_revision(self, rollout: Rollout) -> None:
        revision = annotations_of(rollout.current or {}).get(REVISION)
        if revision and annotations_of(rollout.deployment).get(REVISION) != revision:
            self._annotate(rollout, {REVISION: revision})

    # -- acting ------------------------------------------------------------------------------

    def _roll_out(self, rollout: Rollout) -> None:
        if scaling.is_rolling(rollout.deployment):
            self._ensure_current(rollout)
            if rollout.current is not None:
                sizes = scaling.roll(rollout.deployment, rollout.current, rollout.old)
                self._scale_all(rollout, sizes)
            return
        gone = {name_of(one): 0 for one in rollout.old if scaling.size_of(one)}
        self._scale_all(rollout, gone)
        if gone or self._old_pods_run(rollout):
            return
        self._ensure_current(rollout)
        if rollout.current is not None:
            wanted = scaling.wanted_of(rollout.deployment)
            self._scale_all(rollout, {name_of(rollout.current): wanted})

    def _old_pods_run(self, rollout: Rollout) -> bool:
        return any(
            not is_finished(pod)
            for one in rollout.old
            for pod in self._pods.controlled_by(uid_of(one))
        )

    def _ensure_current(self, rollout: Rollout) -> None:
        """Create the template's ReplicaSet unless it is there."""
        if rollout.current is not None:
            return
        deployment = rollout.deployment
        made = history.new_replica_set(
            deployment,
            revision=history.next_revision(rollout.old),
            replicas=scaling.first_size(deployment, rollout.old, 0),
        )
        try:
            rollout.current = self._client.create(made)
        except AlreadyExistsError:
            self._meet(rollout, made)
        except PaasError as error:
            self._cannot_create(rollout, made, error)
            raise
        else:
            self._announce(rollout, rollout.current)
        self._sync_revision(rollout)

    def _announce(self, rollout: Rollout, created: ApiObject) -> None:
        name, size = name_of(created), scaling.size_of(created)
        if size:
            words = f"Scaled up replica set {name} from 0 to {size}"
            self._events.normal(rollout.deployment, "ScalingReplicaSet", words)
        self._note(rollout, True, SET_CREATED, f'Created new replica set "{name}"')

    def _meet(self, rollout: Rollout, made: ApiObject) -> None:
        """Take a ReplicaSet of that name if it is ours, else use another name next time."""
        deployment = rollout.deployment
        found = self._client.get(SETS, name_of(made), namespace_of(made))
        owner = controller_of(found) or {}
        if owner.get("uid") == uid_of(deployment) and history.find_current(deployment, [found]):
            rollout.current = found
            return
        rollout.status["collisionCount"] = rollout.status.get("collisionCount", 0) + 1
        self._record(rollout)
        raise ConflictError(f'the name of ReplicaSet "{name_of(made)}" is taken by another')

    def _cannot_create(self, rollout: Rollout, made: ApiObject, error: PaasError) -> None:
        if namespace_is_ending(error):
            return
        words = f'Failed to create new replica set "{name_of(made)}": {error.message}'
        self._note(rollout, False, SET_CREATE_ERROR, words)
        self._events.warning(rollout.deployment, SET_CREATE_ERROR, words)
        self._record(rollout)

    def _rescale(self, rollout: Rollout) -> None:
        sizes = scaling.rescale(rollout.deployment, rollout.current, rollout.old)
        self._scale_all(rollout, sizes)
        for one in rollout.every:  # a scaling is over when every size is marked with its wish
            if scaling.size_of(one):
                self._scale(rollout, one, scaling.size_of(one))

    def _scale_all(self, rollout: Rollout, sizes: scaling.Sizes) -> None:
        by_name = {name_of(one): one for one in rollout.every}
        for name, size in sizes.items():
            self._scale(rollout, by_name[name], size)

    def _scale(self, rollout: Rollout, replica_set: ApiObject, size: int) -> None:
        marks = scaling.replica_annotations(rollout.deployment)
        before = scaling.size_of(replica_set)
        if size == before and marks.items() <= annotations_of(replica_set).items():
            return
        body = {"metadata": {"annotations": marks}, "spec": {"replicas": size}}
        rollout.replace(self._patch_set(replica_set, body))
        if size != before:
            way = "up" if size > before else "down"
            words = f"Scaled {way} replica set {name_of(replica_set)} from {before} to {size}"
            self._events.normal(rollout.deployment, "ScalingReplicaSet", words)

    # -- finishing ---------------------------------------------------------------------------

    def _finish(self, rollout: Rollout) -> float | None:
        self._count(rollout)
        now = self._now()
        statuses.judge(
            rollout.deployment,
            rollout.status,
            rollout.current,
            rollout.old,
            before=rollout.before,
            now=now,
        )
        if statuses.is_complete(rollout.deployment, rollout.status):
            self._clean_up(rollout)
        self._mark_good(rollout)
        wait_s = self._record(rollout)
        self._roll_back(rollout)
        return wait_s

    def _count(self, rollout: Rollout) -> None:
        rollout.status = statuses.counted(
            rollout.deployment, rollout.status, rollout.current, rollout.old, now=self._now()
        )

    def _clean_up(self, rollout: Rollout) -> None:
        for one in history.expendable(rollout.deployment, rollout.old):
            try:
                self._client.delete(
                    SETS,
                    name_of(one),
                    namespace_of(one),
                    options=DeleteOptions(uid=uid_of(one), propagation="Background"),
                )
            except (ConflictError, NotFoundError):  # gone, or another of its name
                continue

    def _mark_good(self, rollout: Rollout) -> None:
        current = rollout.current
        if current is None or not rollback.is_newly_good(rollout.deployment, current):
            return
        marks = {ROLLED_OUT: timestamp(self._now())}
        rollout.current = self._patch_set(current, {"metadata": {"annotations": marks}})
        if rollback.is_vindicated(rollout.deployment):
            gone = (REJECTED_IMAGE, REJECTED_REASON, REJECTED_REVISION)
            self._annotate(rollout, dict.fromkeys(gone))

    def _roll_back(self, rollout: Rollout) -> None:
        deployment = rollout.deployment
        due = rollback.plan_rollback(deployment, rollout.status, rollout.current, rollout.old)
        if due is None:
            return
        pods = self._pods.controlled_by(uid_of(due.bad))
        reason = rollback.why_it_failed(due.bad, pods, self._complaints(pods))
        self._client.update(rollback.rolled_back(deployment, due, reason=reason))
        words = rollback.message_of(deployment, due, reason=reason)
        self._events.warning(deployment, "DeploymentRollback", words)

    def _complaints(self, pods: Sequence[ApiObject]) -> list[str]:
        """Return what the probes of these pods said, the newest last."""
        if not pods:
            return []
        uids = {uid_of(pod) for pod in pods}
        events = self._client.list("events", namespace_of(pods[0])).items
        found = [
            (event.get("lastTimestamp") or "", event.get("message", ""))
            for event in events
            if event.get("reason") == "Unhealthy"
            and (event.get("involvedObject") or {}).get("uid") in uids
        ]
        return [message for _, message in sorted(found)]

    def _record(self, rollout: Rollout) -> float | None:
        if rollout.status != rollout.before:
            written = {**rollout.deployment, "status": rollout.status}
            rollout.deployment = self._client.update_status(written)
        return statuses.next_check_s(rollout.deployment, rollout.status, now=self._now())

    # -- writing -----------------------------------------------------------------------------

    def _note(self, rollout: Rollout, value: bool, reason: str, message: str) -> None:
        if statuses.deadline_s(rollout.deployment) is not None:
            statuses.set_condition(
                rollout.status,
                kind=PROGRESSING,
                value=value,
                reason=reason,
                message=message,
                now=self._now(),
            )

    def _patch_set(self, replica_set: ApiObject, body: dict[str, Any]) -> ApiObject:
        """Change a ReplicaSet if it is still the version that was looked at."""
        version = replica_set["metadata"]["resourceVersion"]
        body = {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": version}}
        return self._client.merge(SETS, name_of(replica_set), namespace_of(replica_set), body=body)

    def _annotate(self, rollout: Rollout, annotations: dict[str, str | None]) -> None:
        deployment = rollout.deployment
        version = deployment["metadata"]["resourceVersion"]
        rollout.deployment = self._client.merge(
            RESOURCE,
            name_of(deployment),
            namespace_of(deployment),
            body={"metadata": {"resourceVersion": version, "annotations": annotations}},
        )

    # -- keys --------------------------------------------------------------------------------

    def _of_pod(self, pod: ApiObject) -> Iterable[ObjectKey]:
        """Name the Deployment that waits for this pod to be gone before it recreates."""
        owner = controller_of(pod)
        replica_set = self._sets.get(namespace_of(pod), owner["name"]) if owner else None
        if replica_set is None:
            return ()
        keys = its_controller(RESOURCE, KIND)(replica_set)
        found = [(key, self._deployments.find(key)) for key in keys]
        return [key for key, one in found if one is not None and not scaling.is_rolling(one)]
