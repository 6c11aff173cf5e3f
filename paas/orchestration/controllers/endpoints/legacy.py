"""core/v1 Endpoints, for clients that still read them. Pure.

Source: core/v1 EndpointSubset; at most 1000 addresses.
"""

from collections.abc import Sequence
from typing import Any

from paas.core.objects import ApiObject, labels_of, name_of, namespace_of
from paas.orchestration.controllers.endpoints.addresses import Address, Port
from paas.orchestration.controllers.endpoints.slices import HEADLESS

MOST = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGER = "endpoint-controller"


def endpoints_of(service: ApiObject, addresses: Sequence[Address]) -> ApiObject:
    """Return the Endpoints object: one subset for each set of ports."""
    shown = [one for one in addresses if not one.terminating or one.ready]
    metadata: dict[str, Any] = {
        "name": name_of(service),
        "namespace": namespace_of(service),
        "labels": _labels(service),
    }
    if len(shown) > MOST:
        metadata["annotations"] = {OVER_CAPACITY: "truncated"}
        shown = sorted(shown, key=lambda one: not one.ready)[:MOST]
    groups: dict[tuple[Port, ...], list[Address]] = {}
    for one in shown:
        groups.setdefault(one.ports, []).append(one)
    made: ApiObject = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}
    if groups:
        made["subsets"] = [_subset(ports, members) for ports, members in groups.items()]
    return made


def _labels(service: ApiObject) -> dict[str, str]:
    labels = {**labels_of(service), MANAGED_BY: MANAGER}
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS] = ""
    return labels


def _subset(ports: tuple[Port, ...], members: Sequence[Address]) -> dict[str, Any]:
    parts = {
        "addresses": [_address(one) for one in members if one.ready],
        "notReadyAddresses": [_address(one) for one in members if not one.ready],
        "ports": [_port(port) for port in ports],
    }
    return {name: part for name, part in parts.items() if part}


def _address(address: Address) -> dict[str, Any]:
    found: dict[str, Any] = {"ip": address.ip, "targetRef": address.reference}
    if address.node:
        found["nodeName"] = address.node
    if address.hostname:
        found["hostname"] = address.hostname
    return found


def _port(port: Port) -> dict[str, Any]:
    name, number, protocol, application = port
    found: dict[str, Any] = {"port": number, "protocol": protocol}
    if name:
        found["name"] = name
    return {**found, "appProtocol": application} if application else found
