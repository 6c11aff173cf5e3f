"""Requests and limits: their names, rules, sums over a pod, and the QoS class.

Source: k8s.io/kubernetes/pkg/apis/core/{helper,validation}, k8s.io/component-helpers/resource.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from paas.apimachinery.fielderrors import forbidden, invalid, invalid_all, required
from paas.core.errors import Cause
from paas.core.names import qualified_errors
from paas.core.quantities import RULE, parse_quantity
from paas.core.shape import Json, maps, submap

NOT_INTEGER = "must be an integer"
_NOT_NEGATIVE = "must be greater than or equal to 0"
_HUGE_PAGES = "hugepages-"
CONTAINER_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})
INTEGER_RESOURCES = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    }
)
QUOTA_RESOURCES = INTEGER_RESOURCES | {
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
}
_STANDARD = QUOTA_RESOURCES | {"storage"}
_COMPUTE = ("cpu", "memory")

Amounts = dict[str, Decimal]


def is_native(name: str) -> bool:
    """Say whether a resource belongs to Kubernetes, not to a device's vendor."""
    return "/" not in name or "kubernetes.io/" in name


def is_overcommit_allowed(name: str) -> bool:
    """Say whether requests may be lower than limits."""
    return is_native(name) and not name.startswith(_HUGE_PAGES)


def resource_name_errors(name: str, path: str) -> list[Cause]:
    """Check that a resource is one of Kubernetes' own or fully qualified."""
    if wrong := invalid_all(path, name, qualified_errors(name)):
        return wrong
    if "/" not in name and name not in _STANDARD and not _is_huge(name):
        return [invalid(path, name, "must be a standard resource type or fully qualified")]
    return []


def container_resource_errors(name: str, path: str) -> list[Cause]:
    """Check that a container may ask for this resource."""
    if wrong := resource_name_errors(name, path):
        return wrong
    if "/" not in name:
        if name in CONTAINER_RESOURCES or name.startswith(_HUGE_PAGES):
            return []
        return [invalid(path, name, "must be a standard resource for containers")]
    if not is_native(name) and name.startswith("requests."):
        return [invalid(path, name, "doesn't follow extended resource name standard")]
    return []


def quota_resource_errors(name: str, path: str) -> list[Cause]:
    """Check that a quota may limit this resource; `count/…` and other prefixed names pass."""
    if wrong := resource_name_errors(name, path):
        return wrong
    if "/" not in name and name not in QUOTA_RESOURCES and not _is_huge(name):
        return [invalid(path, name, "must be a standard resource for quota")]
    return []


def _is_huge(name: str) -> bool:
    return name.startswith((_HUGE_PAGES, f"requests.{_HUGE_PAGES}"))


def quantity_errors(name: str, value: Any, path: str) -> list[Cause]:
    """Check a quantity: readable, not negative, whole where the resource is counted."""
    try:
        amount = parse_quantity(value)
    except ValueError:
        return [invalid(path, value, RULE)]
    wrong = [invalid(path, str(value), _NOT_NEGATIVE)] if amount < 0 else []
    whole = name in INTEGER_RESOURCES or (not is_native(name) and not name.startswith("count/"))
    if whole and amount != amount.to_integral_value():
        wrong.append(invalid(path, value, NOT_INTEGER))
    return wrong


def list_errors(
    amounts: Mapping[str, Any], path: str, rule: Callable[[str, str], list[Cause]]
) -> list[Cause]:
    """Check each name by `rule` and each quantity."""
    wrong: list[Cause] = []
    for name, value in amounts.items():
        wrong += rule(name, f"{path}[{name}]")
        wrong += quantity_errors(name, value, f"{path}[{name}]")
    return wrong


def requirements_errors(resources: Json, path: str) -> list[Cause]:
    """Check `resources` of a container: names, quantities, requests within limits."""
    limits, requests = submap(resources, "limits"), submap(resources, "requests")
    wrong = list_errors(limits, f"{path}.limits", container_resource_errors)
    wrong += list_errors(requests, f"{path}.requests", container_resource_errors)
    if wrong:
        return wrong
    for name, value in requests.items():
        wrong += _request_errors(name, value, limits.get(name), path)
    names = limits.keys() | requests.keys()
    if any(name.startswith(_HUGE_PAGES) for name in names) and not names & set(_COMPUTE):
        wrong.append(forbidden(path, "HugePages require cpu or memory"))
    return wrong


def _request_errors(name: str, value: Any, limit: Any, path: str) -> list[Cause]:
    overcommit = is_overcommit_allowed(name)
    if limit is None:
        why = "Limit must be set for non overcommitable resources"
        return [] if overcommit else [required(f"{path}.limits", why)]
    wanted, bound = parse_quantity(value), parse_quantity(limit)
    if wanted != bound and not overcommit:
        why = f"must be equal to {name} limit of {limit}"
    elif wanted > bound:
        why = f"must be less than or equal to {name} limit of {limit}"
    else:
        return []
    return [invalid(f"{path}.requests", str(value), why)]


def amounts_of(container: Json, field: str) -> Amounts:
    """Return a container's `requests` or `limits` as numbers in base units."""
    return {
        name: parse_quantity(value) for name, value in submap(container, "resources", field).items()
    }


def pod_amounts(spec: Json, field: str) -> Amounts:
    """Return what a pod asks for in all, `field` being requests or limits.

    Containers and sidecars run together; an ordinary init container runs alone beside the
    sidecars started before it, so the larger counts. Overhead is added to requests, and to
    limits that exist. Pod-level resources (`spec.resources`), where set, win.
    """
    total: Amounts = {}
    for container in maps(spec, "containers"):
        _add(total, amounts_of(container, field))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in maps(spec, "initContainers"):
        needs = amounts_of(container, field)
        if container.get("restartPolicy") == "Always":
            _add(total, needs)
            _add(sidecars, needs)
            needs = dict(sidecars)
        else:
            _add(needs, sidecars)
        _raise_to(peak, needs)
    _raise_to(total, peak)
    total.update(amounts_of(spec, field))
    for name, value in submap(spec, "overhead").items():
        if field == "requests" or name in total:
            _add(total, {name: parse_quantity(value)})
    return total


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Decimal(0)) + amount


def _raise_to(total: Amounts, peak: Amounts) -> None:
    for name, amount in peak.items():
        total[name] = max(total.get(name, Decimal(0)), amount)


def qos_class(spec: Json) -> str:
    """Return Guaranteed, Burstable or BestEffort. Source: pkg/apis/core/v1/helper/qos."""
    containers = [*maps(spec, "containers"), *maps(spec, "initContainers")]
    if submap(spec, "resources"):  # set for the whole pod: its containers do not matter
        containers = [spec]
    try:
        asked = [(_positive(one, "requests"), _positive(one, "limits")) for one in containers]
    except ValueError:  # not a quantity: validation says so in a moment
        return "BestEffort"
    if not any(requests or limits for requests, limits in asked):
        return "BestEffort"
    for requests, limits in asked:
        if limits.keys() != set(_COMPUTE) or {**limits, **requests} != limits:
            return "Burstable"
    return "Guaranteed"


def _positive(container: Json, field: str) -> Amounts:
    return {
        name: amount
        for name, amount in amounts_of(container, field).items()
        if name in _COMPUTE and amount > 0
    }
