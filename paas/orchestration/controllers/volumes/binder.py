"""Binds claims to volumes, and says of both where they are.

The binding is written in four steps, the volume's side first, each of which may be repeated: the
claimRef with the claim's uid decides whose the volume is, whatever dies in between.
Source: k8s.io/kubernetes/pkg/controller/volume/persistentvolume.
"""

from collections.abc import Iterable
from typing import Any

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself, key_of
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    annotations_of,
    dig,
    is_deleting,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from paas.core.pods import is_finished
from paas.core.volumes import (
    BETA_STORAGE_PROVISIONER,
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    CLAIMS,
    CLASSES,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    VOLUMES,
    belongs_to,
    class_of,
)
from paas.orchestration.controllers.volumes.byclaim import BY_CLAIM, by_claim
from paas.orchestration.controllers.volumes.plan import (
    ClaimPlan,
    Surroundings,
    VolumePlan,
    plan_claim,
    plan_volume,
)

NAME = "persistentvolume-controller"


class VolumeBinder:
    """Reconciles one claim or volume per call; one worker, so that no two claims take one."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._now = context.now
        self._claims = context.of(CLAIMS)
        self._volumes = context.of(VOLUMES)
        self._classes = context.of(CLASSES)
        self._nodes = context.of("nodes")
        self._pods = context.of("pods")
        self._pods.add_index(BY_CLAIM, by_claim)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._claims, itself(CLAIMS)),
                Source(self._claims, self._of_claim),
                Source(self._volumes, itself(VOLUMES)),
                Source(self._volumes, self._of_volume),
                Source(self._classes, self._of_class),
            ],
            reads=[self._pods, self._nodes],
        )

    def reconcile(self, key: ObjectKey) -> None:
        """Move a claim or a volume one step nearer its place. Raises ConflictError."""
        if key.resource == CLAIMS:
            claim = self._claims.find(key)
            if claim is not None and not is_deleting(claim):
                self._reconcile_claim(claim)
            return
        volume = self._volumes.find(key)
        if volume is not None:
            self._reconcile_volume(volume)

    # -- claims --------------------------------------------------------------------------------

    def _reconcile_claim(self, claim: ApiObject) -> None:
        todo = plan_claim(claim, self._around(claim))
        if todo.phase == "Lost":
            if dig(claim, "status", "phase") == "Lost":
                return
            todo = self._confirmed(claim, todo)
        if todo.bind is not None:
            self._bind(todo.bind, claim)
        else:
            self._show(claim, todo)

    def _confirmed(self, claim: ApiObject, todo: ClaimPlan) -> ClaimPlan:
        """Decide again by the volume as it is in the store: a loss is never a matter of lag."""
        named = _named(claim)
        volume = self._client.find(VOLUMES, named) if named else None
        return todo if volume is None else plan_claim(claim, Surroundings([volume]))

    def _around(self, claim: ApiObject) -> Surroundings:
        pods = self._pods.by_index(BY_CLAIM, f"{namespace_of(claim)}/{name_of(claim)}")
        node = annotations_of(claim).get(SELECTED_NODE)
        return Surroundings(
            volumes=self._volumes.list(),
            storage_class=self._classes.get("", class_of(claim)),
            waiting=sorted(
                name_of(pod)
                for pod in pods
                if not dig(pod, "spec", "nodeName") and not is_finished(pod)
            ),
            node=self._nodes.get("", node) if node else None,
        )

    def _show(self, claim: ApiObject, todo: ClaimPlan) -> None:
        if todo.provisioner:
            claim = self._ask(claim, todo.provisioner)
        if todo.told is not None:
            tell = self._events.warning if todo.told.warning else self._events.normal
            tell(claim, todo.told.reason, todo.told.message)
        self._store(claim, {"phase": todo.phase})

    def _ask(self, claim: ApiObject, provisioner: str) -> ApiObject:
        """Name the provisioner whose turn it is."""
        marks = dict.fromkeys((STORAGE_PROVISIONER, BETA_STORAGE_PROVISIONER), provisioner)
        if marks.items() <= annotations_of(claim).items():
            return claim
        return self._patch(CLAIMS, claim, {"metadata": {"annotations": marks}})

    def _bind(self, volume: ApiObject, claim: ApiObject) -> None:
        """Write both sides of the binding, as far as they are not written yet."""
        volume = self._take(volume, claim)
        self._show_phase(volume, VolumePlan("Bound"))
        claim = self._give(claim, volume)
        status = {
            "phase": "Bound",
            "accessModes": list(volume["spec"]["accessModes"]),
            "capacity": dict(volume["spec"]["capacity"]),
        }
        self._store(claim, status)

    def _take(self, volume: ApiObject, claim: ApiObject) -> ApiObject:
        before = dig(volume, "spec", "claimRef")
        if before is not None and before.get("uid") == uid_of(claim):
            return volume
        reference = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": namespace_of(claim),
            "name": name_of(claim),
            "uid": uid_of(claim),
            "resourceVersion": claim["metadata"]["resourceVersion"],
        }
        body: dict[str, Any] = {"spec": {"claimRef": reference}}
        if before is None:
            body["metadata"] = {"annotations": {BOUND_BY_CONTROLLER: "yes"}}
        return self._patch(VOLUMES, volume, body)

    def _give(self, claim: ApiObject, volume: ApiObject) -> ApiObject:
        body: dict[str, Any] = {}
        marks = {BIND_COMPLETED: "yes"}
        if _named(claim) != name_of(volume):
            body["spec"] = {"volumeName": name_of(volume)}
            marks[BOUND_BY_CONTROLLER] = "yes"
        if not body and BIND_COMPLETED in annotations_of(claim):
            return claim
        return self._patch(CLAIMS, claim, {**body, "metadata": {"annotations": marks}})

    def _store(self, claim: ApiObject, status: dict[str, Any]) -> None:
        """Write the status: what it says of a volume goes with the volume."""
        before = claim.get("status") or {}
        kept = {
            key: value
            for key, value in before.items()
            if key not in {"phase", "accessModes", "capacity"}
        }
        if {**kept, **status} != before:
            self._client.update_status({**claim, "status": {**kept, **status}})

    # -- volumes -------------------------------------------------------------------------------

    def _reconcile_volume(self, volume: ApiObject) -> None:
        todo = plan_volume(volume, self._claim_of(volume))
        if todo is None:
            return
        if todo.release != "keep":
            volume = self._release(volume, todo.release)
        if todo.phase == "Failed" and dig(volume, "status", "phase") != "Failed":
            self._events.warning(volume, "VolumeFailedRecycle", todo.reason)
        self._show_phase(volume, todo)

    def _claim_of(self, volume: ApiObject) -> ApiObject | None:
        """Return the very claim; that it is gone the store must say, before data goes with it."""
        reference = dig(volume, "spec", "claimRef") or {}
        if not reference.get("uid"):
            return None
        place = reference.get("namespace", ""), reference.get("name", "")
        found = self._claims.get(*place)
        if found is None or uid_of(found) != reference["uid"]:
            found = self._client.find(CLAIMS, place[1], place[0])
        return found if found is not None and uid_of(found) == reference["uid"] else None

    def _release(self, volume: ApiObject, how: str) -> ApiObject:
        reference = None if how == "unbind" else {"uid": None, "resourceVersion": None}
        body = {
            "metadata": {"annotations": {BOUND_BY_CONTROLLER: None}},
            "spec": {"claimRef": reference},
        }
        return self._patch(VOLUMES, volume, body)

    def _show_phase(self, volume: ApiObject, todo: VolumePlan) -> None:
        before = volume.get("status") or {}
        if before.get("phase") == todo.phase:
            return
        moment = timestamp(self._now())
        status = {**before, "phase": todo.phase, "lastPhaseTransitionTime": moment}
        status.pop("message", None)
        if todo.reason:
            status["message"] = todo.reason
        self._client.update_status({**volume, "status": status})

    def _patch(self, resource: str, obj: ApiObject, body: dict[str, Any]) -> ApiObject:
        """Change what was looked at, if it is still that. Raises ConflictError."""
        version = obj["metadata"]["resourceVersion"]
        body = {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": version}}
        return self._client.merge(resource, name_of(obj), namespace_of(obj), body=body)

    # -- keys ----------------------------------------------------------------------------------

    def _of_claim(self, claim: ApiObject) -> Iterable[ObjectKey]:
        """Name the volumes that a claim has, or had."""
        return [key_of(one, VOLUMES) for one in self._volumes.list() if belongs_to(one, claim)]

    def _of_volume(self, volume: ApiObject) -> Iterable[ObjectKey]:
        """Name the claim of a volume; of a free one, those that wait."""
        reference = dig(volume, "spec", "claimRef")
        if reference is None:
            return [key_of(one, CLAIMS) for one in self._claims.list() if _waits(one, volume)]
        found = self._claims.get(reference.get("namespace", ""), reference.get("name", ""))
        return () if found is None else (key_of(found, CLAIMS),)

    def _of_class(self, storage_class: ApiObject) -> Iterable[ObjectKey]:
        name = name_of(storage_class)
        return [
            key_of(one, CLAIMS)
            for one in self._claims.list()
            if class_of(one) == name and BIND_COMPLETED not in annotations_of(one)
        ]


def _named(claim: ApiObject) -> str:
    return str(dig(claim, "spec", "volumeName") or "")


def _waits(claim: ApiObject, volume: ApiObject) -> bool:
    """Say whether a claim may want a volume that has come, or has lost it."""
    named = _named(claim)
    if named:
        return named == name_of(volume)
    return BIND_COMPLETED not in annotations_of(claim) and class_of(claim) == class_of(volume)
