"""EndpointSlices of at most 100 addresses, changed as little as possible. Pure.

Source: "EndpointSlices" of the Kubernetes documentation, k8s.io/endpointslice reconciler.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from paas.core.objects import ApiObject, labels_of, name_of, namespace_of, owner_reference
from paas.orchestration.controllers.endpoints.addresses import Address, Port

SIZE = 100
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"


@dataclass(slots=True)
class Changes:
    """What to write: bodies to create, whole objects to update, objects to delete."""

    create: list[ApiObject] = field(default_factory=list)
    update: list[ApiObject] = field(default_factory=list)
    delete: list[ApiObject] = field(default_factory=list)


def plan_slices(
    service: ApiObject, addresses: Sequence[Address], present: Sequence[ApiObject]
) -> Changes:
    """Compare the addresses with the slices there are. A Service without any keeps one empty."""
    groups: dict[tuple[Port, ...], list[Address]] = {}
    for address in addresses:
        groups.setdefault(address.ports, []).append(address)
    if not groups:
        groups = {(): []}
    by_ports: dict[tuple[Port, ...], list[ApiObject]] = {}
    changes = Changes()
    for one in sorted(present, key=name_of):
        ports = ports_in(one)
        if ports in groups:
            by_ports.setdefault(ports, []).append(one)
        else:
            changes.delete.append(one)
    for ports, members in groups.items():
        _fill(service, ports, members, by_ports.get(ports, []), changes)
    return changes


def ports_in(slice_: ApiObject) -> tuple[Port, ...]:
    """Return the ports of a stored slice."""
    return tuple(
        (
            port.get("name") or "",
            int(port.get("port") or 0),
            port.get("protocol") or "TCP",
            port.get("appProtocol") or "",
        )
        for port in slice_.get("ports") or ()
    )


def _fill(
    service: ApiObject,
    ports: tuple[Port, ...],
    members: Sequence[Address],
    present: Sequence[ApiObject],
    changes: Changes,
) -> None:
    """Leave each address in the slice where it is; new ones take free places, then new slices."""
    waiting = {(member.uid, member.ip): endpoint_of(member) for member in members}
    kept: list[tuple[ApiObject, list[dict[str, Any]]]] = []
    for one in present:
        places = [_identity(endpoint) for endpoint in one.get("endpoints") or ()]
        kept.append((one, [waiting.pop(place) for place in places if place in waiting]))
    left = list(waiting.values())
    for _, endpoints in kept:
        room = max(0, SIZE - len(endpoints))
        endpoints.extend(left[:room])
        left = left[room:]
    for number, (one, endpoints) in enumerate(kept):
        if not endpoints and (members or number):
            changes.delete.append(one)
        elif (wanted := _with(service, one, endpoints)) != one:
            changes.update.append(wanted)
    while left or not (kept or members or changes.create):
        changes.create.append(_new(service, ports, left[:SIZE]))
        left = left[SIZE:]


def _identity(endpoint: dict[str, Any]) -> tuple[str, str]:
    reference = endpoint.get("targetRef") or {}
    return (reference.get("uid", ""), next(iter(endpoint.get("addresses") or ()), ""))


def endpoint_of(address: Address) -> dict[str, Any]:
    """Return the address as a discovery.k8s.io/v1 Endpoint."""
    endpoint: dict[str, Any] = {
        "addresses": [address.ip],
        "conditions": {
            "ready": address.ready,
            "serving": address.serving,
            "terminating": address.terminating,
        },
        "targetRef": address.reference,
    }
    if address.node:
        endpoint["nodeName"] = address.node
    if address.hostname:
        endpoint["hostname"] = address.hostname
    return endpoint


def labels_for(service: ApiObject) -> dict[str, str]:
    """Return the labels of a slice: the Service's, and ours."""
    labels = {**labels_of(service), SERVICE_NAME: name_of(service), MANAGED_BY: MANAGER}
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS] = ""
    else:
        labels.pop(HEADLESS, None)
    return labels


def _with(service: ApiObject, slice_: ApiObject, endpoints: list[dict[str, Any]]) -> ApiObject:
    changed = copy.deepcopy(slice_)
    changed["metadata"]["labels"] = labels_for(service)
    changed["metadata"]["ownerReferences"] = [owner_reference(service)]
    if endpoints or changed.get("endpoints"):
        changed["endpoints"] = endpoints
    return changed


def _new(service: ApiObject, ports: tuple[Port, ...], endpoints: list[dict[str, Any]]) -> ApiObject:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name_of(service)}-",
            "namespace": namespace_of(service),
            "labels": labels_for(service),
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [_port(port) for port in ports],
    }


def _port(port: Port) -> dict[str, Any]:
    name, number, protocol, application = port
    found: dict[str, Any] = {"name": name, "port": number, "protocol": protocol}
    return {**found, "appProtocol": application} if application else found
