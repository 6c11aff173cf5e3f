"""Keeps the status of each PodDisruptionBudget true. Source: policy/v1 PodDisruptionBudget."""

from collections.abc import Iterable, Sequence
from typing import Any

from paas.apimachinery.columns import selector_text
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself, key_of
from paas.core.errors import NotFoundError, PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    controller_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.selectors import selector_from_object
from paas.core.shape import Json, number, submap
from paas.orchestration.controllers.disruption.plan import (
    disrupted,
    expected_of,
    needs_scale,
    note_allowed,
    recheck_s,
    status_of,
)

NAME = "disruption-controller"
RESOURCE = "poddisruptionbudgets.policy"
_REPLICA_SETS, _DEPLOYMENTS = "replicasets.apps", "deployments.apps"
_OWNERS = (_REPLICA_SETS, _DEPLOYMENTS, "statefulsets.apps")


class UnknownScaleError(PaasError):
    """A pod's controller does not say how many pods it wants."""


class Disruptions:
    """Reconciles one PodDisruptionBudget per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._now = context.now
        self._budgets = context.of(RESOURCE)
        self._pods = context.of("pods")
        self._owners = {one: context.of(one) for one in _OWNERS}
        self._scheme = context.door.scheme

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._budgets, itself(RESOURCE)),
                Source(self._pods, self._of_pod),
                *(Source(one, self._of_owner, _resized) for one in self._owners.values()),
            ],
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Count one budget's pods anew; return the seconds until time alone changes the count."""
        budget = self._budgets.find(key)
        if budget is None:
            return None
        now = self._now()
        selector = budget["spec"].get("selector")
        matcher = selector_from_object(selector)
        pods = [
            pod
            for pod in self._pods.list(namespace_of(budget))
            if selector is not None and matcher.matches(labels_of(pod))
        ]
        if not pods:
            self._events.normal(budget, "NoPods", "No matching pods found")
        try:
            scale = self._scale(budget, pods) if needs_scale(budget) else 0
        except UnknownScaleError as error:
            words = f"Failed to calculate the number of expected pods: {error.message}"
            self._events.warning(budget, "CalculateExpectedPodCountFailed", words)
            self._fail_safe(budget, error.message)
            return None
        self._tell_late(budget, pods)
        status = status_of(budget, pods, expected_of(budget, len(pods), scale), now=now)
        self._store(budget, status)
        return recheck_s(status, now=now)

    def _scale(self, budget: ApiObject, pods: Sequence[ApiObject]) -> int:
        """Return the size of the pods' controllers together. Raises UnknownScaleError."""
        owners = {name_of(pod): controller_of(pod) for pod in pods}
        seen: set[str] = set()
        sizes: dict[str, int] = {}
        for pod in pods:
            owner = owners[name_of(pod)]
            if owner is not None and owner["uid"] not in seen:
                seen.add(owner["uid"])
                uid, size = self._size_of(owner, pod)
                sizes[uid] = size
        if None in owners.values():
            self._events.warning(
                budget,
                "UnmanagedPods",
                "Pods selected by this PodDisruptionBudget (selector: "
                f"{selector_text(budget['spec'].get('selector'))}) were found to be unmanaged. As "
                "a result, the status of the PDB cannot be calculated correctly, which may result "
                'in undefined behavior. To account for these pods please set ".spec.minAvailable" '
                "field of the PDB to an integer value.",
            )
        return sum(sizes.values())

    def _size_of(self, owner: Json, pod: ApiObject) -> tuple[str, int]:
        """Return uid and size of a pod's controller, or of the Deployment behind it."""
        found = self._owner(owner, namespace_of(pod))
        above = controller_of(found) if found is not None else None
        if found is not None and owner["kind"] == "ReplicaSet" and above is not None:
            behind = self._owner(above, namespace_of(pod))
            if behind is not None and above["kind"] == "Deployment":
                found = behind
        size = number(found or {}, "spec", "replicas")
        if found is None or size is None:
            raise UnknownScaleError(f'found no controllers for pod "{name_of(pod)}"')
        return uid_of(found), size

    def _owner(self, owner: Json, namespace: str) -> ApiObject | None:
        """Return an owner that can be scaled; None where it is gone or cannot be."""
        kind = self._scheme.find_gvk(str(owner["apiVersion"]), str(owner["kind"]))
        if kind is None or kind.scale is None:
            return None
        if (informer := self._owners.get(kind.resource)) is not None:
            found: ApiObject | None = informer.get(namespace, owner["name"])
        else:
            try:
                found = self._client.get(kind.resource, owner["name"], namespace)
            except NotFoundError:
                found = None
        return found if found is not None and uid_of(found) == owner["uid"] else None

    def _tell_late(self, budget: ApiObject, pods: Sequence[ApiObject]) -> None:
        still = disrupted(budget, pods, now=self._now())
        granted = submap(budget, "status", "disruptedPods")
        for pod in pods:
            if name_of(pod) in granted and name_of(pod) not in still:
                place = f"{namespace_of(budget)}/{name_of(budget)}"
                words = f"Pod was expected by PDB {place} to be deleted but it wasn't"
                self._events.warning(pod, "NotDeleted", words)

    def _fail_safe(self, budget: ApiObject, why: str) -> None:
        """Allow nothing while it is not known how many pods there should be."""
        status: dict[str, Any] = {**submap(budget, "status"), "disruptionsAllowed": 0}
        status["conditions"] = [dict(one) for one in status.get("conditions") or ()]
        note_allowed(status, now=self._now(), failure=why)
        self._store(budget, status)

    def _store(self, budget: ApiObject, status: Json) -> None:
        if status != submap(budget, "status"):
            self._client.update_status({**budget, "status": status})

    def _of_pod(self, pod: ApiObject) -> Iterable[ObjectKey]:
        return [
            key_of(budget, RESOURCE)
            for budget in self._budgets.list(namespace_of(pod))
            if budget["spec"].get("selector") is not None
            and selector_from_object(budget["spec"]["selector"]).matches(labels_of(pod))
        ]

    def _of_owner(self, owner: ApiObject) -> Iterable[ObjectKey]:
        budgets = self._budgets.list(namespace_of(owner))
        return [key_of(budget, RESOURCE) for budget in budgets if needs_scale(budget)]


def _resized(old: ApiObject, new: ApiObject) -> bool:
    return number(old, "spec", "replicas") != number(new, "spec", "replicas")
