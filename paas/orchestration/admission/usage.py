"""What an object counts against a quota. Pure: admission and the quota's status share it.

Source: k8s.io/kubernetes/pkg/quota/v1/evaluator/core.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from paas.apimachinery.kinds import Kind
from paas.core.objects import ApiObject, parse_timestamp
from paas.core.quantities import format_quantity, is_binary, parse_quantity
from paas.core.shape import Json, maps, number, submap, text, values
from paas.core.volumes import CLAIMS, class_of, request_of
from paas.orchestration.podspec.resources import Amounts, is_native, pod_amounts, qos_class

ONE = Decimal(1)
COUNTED = frozenset({"configmaps", "resourcequotas", "secrets"})
"""Kinds that a quota may also count without the prefix `count/`."""
UNCOUNTED = frozenset({"events", "events.events.k8s.io"})
_TERMINAL = frozenset({"Succeeded", "Failed"})
_REQUIRED = frozenset(
    {"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"}
)
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_BINARY = ("memory", "storage")
_OF_A_CLASS = ".storageclass.storage.k8s.io/"


def usage_of(obj: ApiObject, kind: Kind, *, now: datetime | None = None) -> Amounts:
    """Return what the object uses of each resource that a quota may limit, in base units.

    Pods that have ended count only as `count/pods`; with `now`, so do those whose deletion is
    overdue.
    """
    usage = {f"count/{kind.resource}": ONE}
    if kind.resource == "pods":
        return usage if _is_over(obj, now) else {**usage, **_pod_usage(submap(obj, "spec"))}
    if kind.resource == "services":
        return {**usage, **_service_usage(submap(obj, "spec"))}
    if kind.resource == CLAIMS:
        return {**usage, **_claim_usage(obj)}
    if kind.resource in COUNTED:
        usage[kind.resource] = ONE
    return usage


def is_counted(kind: Kind) -> bool:
    """Say whether quotas look at this kind at all."""
    return kind.namespaced and kind.backend is None and kind.resource not in UNCOUNTED


def is_plain_count(kind: Kind) -> bool:
    """Say whether every object of the kind uses the same, so that counting rows is enough."""
    return kind.resource not in {"pods", "services", CLAIMS}


def hard_of(quota: ApiObject) -> Amounts:
    """Return what the quota allows, from its spec."""
    return {name: parse_quantity(value) for name, value in submap(quota, "spec", "hard").items()}


def matches(quota: ApiObject, obj: ApiObject, kind: Kind) -> bool:
    """Say whether the quota's scopes cover the object; scopes are about pods only."""
    terms = [
        {"scopeName": scope, "operator": "Exists"} for scope in values(quota, "spec", "scopes")
    ]
    terms += maps(quota, "spec", "scopeSelector", "matchExpressions")
    if not terms:
        return True
    return kind.resource == "pods" and all(_in_scope(term, submap(obj, "spec")) for term in terms)


def missing_requirements(quota: ApiObject, pod: ApiObject) -> str:
    """Return upstream's sentence if the quota limits what a container does not ask for."""
    if submap(pod, "spec", "resources"):  # set for the whole pod
        return ""
    required = _REQUIRED & hard_of(quota).keys()
    missing: dict[str, set[str]] = {}
    for field in ("containers", "initContainers"):
        for container in maps(pod, "spec", field):
            given = _asked_names(submap(container, "resources"))
            for name in required - given:
                missing.setdefault(name, set()).add(text(container, "name"))
    pieces = [f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing)]
    return f"must specify {'; '.join(pieces)}" if pieces else ""


def total(usages: Iterable[Amounts]) -> Amounts:
    """Return the sum."""
    result: Amounts = {}
    for usage in usages:
        for name, amount in usage.items():
            result[name] = result.get(name, Decimal(0)) + amount
    return result


def amount_text(name: str, amount: Decimal, hard: Any = "") -> str:
    """Return an amount as `status.used` and refusals spell it; `hard` gives the style."""
    sized = name.endswith(_BINARY) and (not hard or is_binary(hard) or amount % 1024 == 0)
    return format_quantity(amount, binary=sized)


def status_of(quota: ApiObject, used: Mapping[str, Decimal]) -> Json:
    """Return the quota's status: `hard` as in its spec, `used` for exactly those resources."""
    hard = submap(quota, "spec", "hard")
    return {
        "hard": dict(hard),
        "used": {
            name: amount_text(name, used.get(name, Decimal(0)), value)
            for name, value in hard.items()
        },
    }


def _is_over(pod: ApiObject, now: datetime | None) -> bool:
    if text(pod, "status", "phase") in _TERMINAL:
        return True
    gone, grace = (
        text(pod, "metadata", "deletionTimestamp"),
        number(pod, "metadata", "deletionGracePeriodSeconds"),
    )
    if now is None or not gone or grace is None:
        return False
    return now > parse_timestamp(gone) + timedelta(seconds=grace)


def _pod_usage(spec: Json) -> Amounts:
    requests, limits = pod_amounts(spec, "requests"), pod_amounts(spec, "limits")
    usage = {"pods": ONE}
    for name in _COMPUTE:
        if name in requests:
            usage[name] = usage[f"requests.{name}"] = requests[name]
        if name in limits:
            usage[f"limits.{name}"] = limits[name]
    for name, amount in requests.items():
        if name.startswith("hugepages-"):
            usage[name] = usage[f"requests.{name}"] = amount
        elif not is_native(name):
            usage[f"requests.{name}"] = amount
    return usage


def _service_usage(spec: Json) -> Amounts:
    kind, ports = text(spec, "type"), maps(spec, "ports")
    usage = {"services": ONE}
    if kind == "NodePort":
        usage["services.nodeports"] = Decimal(len(ports))
    elif kind == "LoadBalancer":
        usage["services.loadbalancers"] = ONE
        if spec.get("allocateLoadBalancerNodePorts") is False:
            ports = [port for port in ports if port.get("nodePort")]
        usage["services.nodeports"] = Decimal(len(ports))
    return usage


def _claim_usage(claim: ApiObject) -> Amounts:
    usage = {CLAIMS: ONE, "requests.storage": request_of(claim)}
    if name := class_of(claim):
        prefix = f"{name}{_OF_A_CLASS}"
        usage |= {f"{prefix}{resource}": amount for resource, amount in usage.items()}
    return usage


def _asked_names(resources: Json) -> set[str]:
    requests, limits = submap(resources, "requests"), submap(resources, "limits")
    names = {prefix + name for name in requests for prefix in ("", "requests.")}
    return names | {f"limits.{name}" for name in limits}


def _in_scope(term: Json, spec: Json) -> bool:
    scope = text(term, "scopeName")
    if scope in {"Terminating", "NotTerminating"}:
        return (number(spec, "activeDeadlineSeconds") is not None) is (scope == "Terminating")
    if scope in {"BestEffort", "NotBestEffort"}:
        return (qos_class(spec) == "BestEffort") is (scope == "BestEffort")
    if scope == "PriorityClass":
        return _priority_matches(term, text(spec, "priorityClassName"))
    return scope == "CrossNamespacePodAffinity" and _crosses_namespaces(spec)


def _priority_matches(term: Json, name: str) -> bool:
    operator, wanted = text(term, "operator"), values(term, "values")
    if operator == "Exists":
        return bool(name)
    if operator == "DoesNotExist":
        return not name
    return (name in wanted) is (operator == "In")


def _crosses_namespaces(spec: Json) -> bool:
    terms: list[Json] = []
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = submap(spec, "affinity", kind)
        terms += maps(rules, "requiredDuringSchedulingIgnoredDuringExecution")
        terms += [
            submap(term, "podAffinityTerm")
            for term in maps(rules, "preferredDuringSchedulingIgnoredDuringExecution")
        ]
    return any(
        term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms
    )
