"""Empties a namespace that is being deleted, then takes its finalizer.

Pods go before everything else, so that none of them loses a Secret or a policy while it still
runs. Source: Kubernetes, "Namespaces Walkthrough"; KEP-5080 (ordered namespace deletion).
"""

from collections.abc import Iterable

import structlog

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, comes_or_goes, itself, key_of
from paas.apimachinery.kinds import Kind
from paas.apimachinery.options import DeleteOptions
from paas.core.conditions import condition_of
from paas.core.errors import ConflictError, NotFoundError, PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    name_of,
    namespace_of,
    parse_timestamp,
    uid_of,
)
from paas.orchestration.controllers.every import stored_kinds
from paas.orchestration.controllers.namespaces.plan import FINALIZER, in_order, status_of

log = structlog.get_logger(__name__)

NAME = "namespace-controller"
RESOURCE = "namespaces"
LOOK_AGAIN_S = 2.0
SETTLE_S = 1.0

Left = dict[str, list[ApiObject]]


class Namespaces:
    """Reconciles one Namespace per call; does nothing until it is being deleted.

    `settle_s` is how long it must be found empty: a create admitted before may yet be written.
    """

    def __init__(self, context: Context, *, settle_s: float = SETTLE_S) -> None:
        self._settle_s = settle_s
        self._client = context.client(NAME)
        self._now = context.now
        self._namespaces = context.of(RESOURCE)
        self._pods = context.of("pods")

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._namespaces, itself(RESOURCE)),
                Source(self._pods, self._of_pod, matters=comes_or_goes),
            ],
            workers=2,
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Delete what is left; tell what remains; let the namespace go when nothing does.

        Returns seconds until the next look while something remains.
        """
        namespace = self._namespaces.find(key)
        if namespace is None or not is_deleting(namespace):
            return None
        if FINALIZER not in (namespace["spec"].get("finalizers") or ()):
            return None
        namespace = self._client.find(RESOURCE, key.name)
        if namespace is None or uid_of(namespace) != key.uid:
            return None
        failures: list[str] = []
        left = self._empty(key.name, failures)
        status = status_of(namespace, left, failures, now=self._now())
        if status != namespace.get("status"):
            namespace = self._client.update_status({**namespace, "status": status})
        if left or failures:
            return LOOK_AGAIN_S
        wait_s = self._settles_in_s(status)
        if wait_s > 0:
            return wait_s
        self._let_go(namespace)
        return None

    def _settles_in_s(self, status: ApiObject) -> float:
        """Return how long it must still be empty."""
        empty = condition_of(status, "NamespaceContentRemaining") or {}
        since = parse_timestamp(empty["lastTransitionTime"])
        return self._settle_s - (self._now() - since).total_seconds()

    def _empty(self, namespace: str, failures: list[str]) -> Left:
        """Delete in order; return what is left of the first step that is not done."""
        kinds = [kind for kind in stored_kinds(self._client.door.scheme) if kind.namespaced]
        left: Left = {}
        for step in in_order(kinds):
            for kind in step:
                remaining = self._empty_kind(kind, namespace, failures)
                if remaining:
                    left[kind.resource] = remaining
            if left:
                return left
        return left

    def _empty_kind(self, kind: Kind, namespace: str, failures: list[str]) -> list[ApiObject]:
        present = self._client.list(kind.resource, namespace).items
        for obj in present:
            if not is_deleting(obj):
                self._delete(kind, obj, failures)
        return self._client.list(kind.resource, namespace).items if present else []

    def _delete(self, kind: Kind, obj: ApiObject, failures: list[str]) -> None:
        options = DeleteOptions(uid=uid_of(obj), propagation="Background")
        try:
            self._client.delete(kind.resource, name_of(obj), namespace_of(obj), options=options)
        except (ConflictError, NotFoundError):  # gone, or another of its name: seen next time
            return
        except PaasError as error:
            log.warning("content_not_deleted", resource=kind.resource, error=str(error))
            failures.append(f"{kind.resource} {name_of(obj)}: {error.message}")

    def _let_go(self, namespace: ApiObject) -> None:
        kept = [name for name in namespace["spec"].get("finalizers") or () if name != FINALIZER]
        spec = {**namespace["spec"], "finalizers": kept}
        self._client.update({**namespace, "spec": spec}, subresource="finalize")

    def _of_pod(self, pod: ApiObject) -> Iterable[ObjectKey]:
        """Name the pod's namespace if it is only waiting for its pods."""
        namespace = self._namespaces.get("", namespace_of(pod))
        if namespace is None or not is_deleting(namespace):
            return ()
        return (key_of(namespace, RESOURCE),)
