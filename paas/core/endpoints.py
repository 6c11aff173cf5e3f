"""What the conditions of one endpoint of an EndpointSlice mean to those who send there.

Source: discovery.k8s.io/v1 EndpointConditions.
"""

from collections.abc import Mapping
from typing import Any


def is_ready(conditions: Mapping[str, Any]) -> bool:
    """Say whether an endpoint is to be told of. Unknown means ready."""
    return conditions.get("ready") is not False


def gets_new(conditions: Mapping[str, Any]) -> bool:
    """Say whether an endpoint gets new connections.

    Upstream calls a terminating pod ready where its Service publishes pods that are not; here it
    leaves every load balancer all the same, or it would never be drained.
    """
    return is_ready(conditions) and not conditions.get("terminating")


def is_last_resort(conditions: Mapping[str, Any]) -> bool:
    """Say whether a terminating endpoint serves on while there is no other. Source: KEP-1669."""
    serves = conditions.get("serving") or is_ready(conditions)
    return bool(conditions.get("terminating") and serves)
