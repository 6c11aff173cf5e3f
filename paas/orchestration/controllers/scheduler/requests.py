"""What a pod asks of a node, in base units. Source: k8s.io/component-helpers/resource."""

from collections.abc import Mapping
from typing import Any

from paas.core.objects import ApiObject
from paas.core.quantities import parse_quantity
from paas.orchestration.podspec.resources import Amounts, pod_amounts


def requests_of(pod: ApiObject) -> Amounts:
    """Return the pod's requests: what runs together, or its largest init step if that is more."""
    return pod_amounts(pod["spec"], "requests")


def amounts_of(quantities: Mapping[str, Any] | None) -> Amounts:
    """Parse a resource list."""
    return {name: parse_quantity(value) for name, value in (quantities or {}).items()}
