"""What a pod may know of itself: fieldRef and resourceFieldRef. Pure.

Source: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any

from paas.core.objects import (
    ApiObject,
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.quantities import parse_quantity
from paas.orchestration.nodeagent.errors import ContainerConfigError
from paas.orchestration.nodeagent.podspec import Container, container_named

_KEYED = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pod lives: its address, the node's, and what the node offers pods."""

    pod_ip: str = ""
    host_ip: str = ""
    allocatable: Mapping[str, str] = field(default_factory=dict)


def _quoted(values: Mapping[str, str]) -> str:
    pairs = sorted(values.items())
    return "\n".join(f'{key}="{_escaped(value)}"' for key, value in pairs)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


_FIELDS: Mapping[str, Callable[[ApiObject, Place], str]] = {
    "metadata.name": lambda pod, _: name_of(pod),
    "metadata.namespace": lambda pod, _: namespace_of(pod),
    "metadata.uid": lambda pod, _: uid_of(pod),
    "metadata.labels": lambda pod, _: _quoted(labels_of(pod)),
    "metadata.annotations": lambda pod, _: _quoted(annotations_of(pod)),
    "spec.nodeName": lambda pod, _: str(pod["spec"].get("nodeName", "")),
    "spec.serviceAccountName": lambda pod, _: str(pod["spec"].get("serviceAccountName", "")),
    "status.hostIP": lambda _, place: place.host_ip,
    "status.hostIPs": lambda _, place: place.host_ip,
    "status.podIP": lambda _, place: place.pod_ip,
    "status.podIPs": lambda _, place: place.pod_ip,
}


def field_value(pod: ApiObject, path: str, place: Place) -> str:
    """Return what a fieldRef names. Raises ContainerConfigError."""
    if found := _KEYED.fullmatch(path):
        values = labels_of(pod) if found[1] == "labels" else annotations_of(pod)
        return values.get(found[2], "")
    if path not in _FIELDS:
        raise ContainerConfigError(f"unsupported fieldPath: {path}")
    return _FIELDS[path](pod, place)


def resource_value(
    pod: ApiObject, reference: Mapping[str, Any], place: Place, container: Container | None = None
) -> str:
    """Return what a resourceFieldRef names, in units of its divisor, rounded up.

    A limit that is not set is what the node offers; a request that is not set is 0.
    """
    owner = container_named(pod, reference["containerName"]) if container is None else container
    if owner is None:
        raise ContainerConfigError(f"container {reference['containerName']} not found")
    section, _, name = str(reference["resource"]).partition(".")
    amounts = (owner.get("resources") or {}).get(section) or {}
    fallback = place.allocatable.get(name, "0") if section == "limits" else "0"
    divisor = parse_quantity(reference.get("divisor") or "1") or Decimal(1)
    amount = parse_quantity(amounts.get(name, fallback)) / divisor
    return str(int(amount.to_integral_value(ROUND_CEILING)))
