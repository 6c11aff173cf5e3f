"""Keeps the EndpointSlices and Endpoints of every Service with a selector."""

from collections.abc import Iterable
from typing import Any

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself, key_of
from paas.apimachinery.options import DeleteOptions
from paas.core.ending import namespace_is_ending
from paas.core.errors import AlreadyExistsError, ConflictError, NotFoundError, PaasError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    annotations_of,
    dig,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.pods import is_finished, is_ready
from paas.core.selectors import selector_from_map
from paas.orchestration.controllers.endpoints.addresses import Address, addresses_of
from paas.orchestration.controllers.endpoints.legacy import OVER_CAPACITY, endpoints_of
from paas.orchestration.controllers.endpoints.slices import (
    MANAGED_BY,
    MANAGER,
    SERVICE_NAME,
    plan_slices,
)

NAME = "endpointslice-controller"
SERVICES = "services"
SLICES = "endpointslices.discovery.k8s.io"
ENDPOINTS = "endpoints"
BY_SERVICE = "service"


def _service_index(slice_: ApiObject) -> Iterable[str]:
    labels = labels_of(slice_)
    if labels.get(MANAGED_BY) != MANAGER or SERVICE_NAME not in labels:
        return ()
    return (f"{namespace_of(slice_)}/{labels[SERVICE_NAME]}",)


def _shape(pod: ApiObject) -> tuple[Any, ...]:
    """Return all that a Service sees of a pod."""
    return (
        labels_of(pod),
        dig(pod, "status", "podIP"),
        dig(pod, "spec", "nodeName"),
        is_finished(pod),
        is_ready(pod),
        is_deleting(pod),
    )


def _is_ours(service: ApiObject) -> bool:
    """Say whether we, and not the user, say which addresses the Service has."""
    spec = service["spec"]
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


class ServiceEndpoints:
    """Reconciles one Service per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._services = context.of(SERVICES)
        self._pods = context.of("pods")
        self._slices = context.of(SLICES)
        self._endpoints = context.of(ENDPOINTS)
        self._slices.add_index(BY_SERVICE, _service_index)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._services, itself(SERVICES)),
                Source(self._pods, self._of_pod, matters=lambda o, n: _shape(o) != _shape(n)),
                Source(self._slices, self._of_slice),
                Source(self._endpoints, self._of_endpoints),
            ],
            workers=2,
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Make slices and Endpoints say what the pods are now."""
        service = self._services.find(key)
        if service is None:
            if self._services.get(key.namespace, key.name) is None:
                self._forget(key)
            return None
        if is_deleting(service) or not _is_ours(service):
            return None
        selector = selector_from_map(service["spec"]["selector"])
        pods = [
            pod
            for pod in self._pods.list(namespace_of(service))
            if selector.matches(labels_of(pod))
        ]
        addresses = addresses_of(service, pods)
        try:
            self._write_slices(service, addresses)
            self._write_endpoints(service, addresses)
        except PaasError as error:
            if namespace_is_ending(error):
                return None
            words = f"Error updating Endpoint Slices for Service {key.namespace}/{key.name}"
            self._events.warning(
                service, "FailedToUpdateEndpointSlices", f"{words}: {error.message}"
            )
            raise
        return None

    def _write_slices(self, service: ApiObject, addresses: list[Address]) -> None:
        place = f"{namespace_of(service)}/{name_of(service)}"
        present = [one for one in self._slices.by_index(BY_SERVICE, place) if not is_deleting(one)]
        changes = plan_slices(service, addresses, present)
        for one in changes.update:
            self._client.update(one)
        for one in changes.create:
            self._client.create(one)
        for one in changes.delete:
            self._delete(SLICES, one)

    def _write_endpoints(self, service: ApiObject, addresses: list[Address]) -> None:
        wanted = endpoints_of(service, addresses)
        present = self._endpoints.get(namespace_of(service), name_of(service))
        if present is None:
            try:
                self._client.create(wanted)
            except AlreadyExistsError as error:
                raise ConflictError(error.message) from error
            return
        metadata = {**present["metadata"], "labels": wanted["metadata"]["labels"]}
        kept = {k: v for k, v in annotations_of(present).items() if k != OVER_CAPACITY}
        annotations = {**kept, **annotations_of(wanted)}
        if annotations:
            metadata["annotations"] = annotations
        else:
            metadata.pop("annotations", None)
        changed = {**wanted, "metadata": metadata}
        if changed.get("subsets") != present.get("subsets") or metadata != present["metadata"]:
            self._client.update(changed)

    def _forget(self, key: ObjectKey) -> None:
        """Remove the Endpoints of a Service that is gone; its slices go with their owner."""
        present = self._endpoints.get(key.namespace, key.name)
        if present is not None:
            self._delete(ENDPOINTS, present)

    def _delete(self, resource: str, obj: ApiObject) -> None:
        options = DeleteOptions(uid=uid_of(obj))
        try:
            self._client.delete(resource, name_of(obj), namespace_of(obj), options=options)
        except (ConflictError, NotFoundError):  # gone, or another of its name
            return

    def _of_pod(self, pod: ApiObject) -> Iterable[ObjectKey]:
        labels = labels_of(pod)
        return [
            key_of(service, SERVICES)
            for service in self._services.list(namespace_of(pod))
            if selector_from_map(service["spec"].get("selector")).matches(labels)
        ]

    def _of_slice(self, slice_: ApiObject) -> Iterable[ObjectKey]:
        return self._named(namespace_of(slice_), labels_of(slice_).get(SERVICE_NAME, ""))

    def _of_endpoints(self, endpoints: ApiObject) -> Iterable[ObjectKey]:
        return self._named(namespace_of(endpoints), name_of(endpoints))

    def _named(self, namespace: str, name: str) -> Iterable[ObjectKey]:
        service = self._services.get(namespace, name)
        return () if service is None else (key_of(service, SERVICES),)
