"""The rules of a Service. Source: k8s.io/kubernetes/pkg/apis/core/validation (validateService)."""

from ipaddress import ip_address
from typing import Any

from paas.apimachinery.fielderrors import (
    duplicate,
    forbidden,
    invalid,
    invalid_all,
    not_supported,
    required,
)
from paas.apimachinery.metadata import labels_errors
from paas.core.errors import Cause
from paas.core.names import label_errors, qualified_errors, subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import Json, maps, number, submap, text, values
from paas.orchestration.podspec.placement import ip_errors
from paas.orchestration.podspec.ports import PROTOCOLS, port_errors, port_number_errors

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_AFFINITIES = ("ClientIP", "None")
_AFFINITY_MAX_S = 86400
_POLICIES = ("Cluster", "Local")
_FAMILY_POLICIES = ("SingleStack", "PreferDualStack", "RequireDualStack")
_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")


def is_headless(spec: Json) -> bool:
    """Say whether the service has no address of its own."""
    addresses = values(spec, "clusterIPs")
    return addresses == ["None"] or (not addresses and spec.get("clusterIP") == "None")


def service_errors(obj: ApiObject) -> list[Cause]:
    """Return every rule that a filled-in Service breaks."""
    spec, kind = submap(obj, "spec"), text(obj, "spec", "type")
    wrong: list[Cause] = []
    if not maps(spec, "ports") and not is_headless(spec) and kind != "ExternalName":
        wrong.append(required("spec.ports"))
    if kind not in TYPES:
        wrong.append(not_supported("spec.type", kind, TYPES))
    if kind == "ExternalName":
        wrong += _external_name_errors(spec)
    else:
        wrong += _addresses_errors(spec)
    wrong += _ports_errors(spec, kind)
    wrong += labels_errors(submap(spec, "selector"), "spec.selector")
    wrong += _affinity_errors(spec)
    for position, address in enumerate(values(spec, "externalIPs")):
        at = f"spec.externalIPs[{position}]"
        wrong += ip_errors(str(address), at) or endpoint_ip_errors(str(address), at)
    return [*wrong, *_load_balancer_errors(spec, kind), *_policies_errors(spec, kind)]


def service_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Return what may not change: the address, while the type stays one that has one."""
    after, before = submap(new, "spec"), submap(old, "spec")
    if "ExternalName" in {text(after, "type"), text(before, "type")}:
        return []
    addresses, known = values(after, "clusterIPs"), values(before, "clusterIPs")
    if not known or addresses[:1] == known[:1]:
        return []
    if not addresses:
        return [invalid("spec.clusterIPs[0]", addresses, "primary clusterIP can not be unset")]
    return [invalid("spec.clusterIPs[0]", addresses, "may not change once set")]


def endpoint_ip_errors(address: str, path: str) -> list[Cause]:
    """Refuse addresses that would lead to the node itself; the text is an address."""
    ip = ip_address(address)
    rules = {
        f"may not be unspecified ({address})": ip.is_unspecified,
        "may not be in the loopback range (127.0.0.0/8, ::1/128)": ip.is_loopback,
        "may not be in the link-local range (169.254.0.0/16, fe80::/10)": ip.is_link_local,
        "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)": ip.is_multicast,
    }
    return [invalid(path, address, why) for why, broken in rules.items() if broken]


def _external_name_errors(spec: Json) -> list[Cause]:
    why = "may not be set for ExternalName services"
    wrong = [
        forbidden(f"spec.{field}", why)
        for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        if spec.get(field)
    ]
    name = text(spec, "externalName").removesuffix(".")
    if not name:
        return [*wrong, required("spec.externalName")]
    return [*wrong, *invalid_all("spec.externalName", name, subdomain_errors(name))]


def _addresses_errors(spec: Json) -> list[Cause]:
    addresses, first = values(spec, "clusterIPs"), text(spec, "clusterIP")
    wrong: list[Cause] = []
    if addresses and addresses[0] != first:
        why = (
            "first value must match `clusterIP`"
            if first
            else "must be empty when `clusterIP` is not specified"
        )
        wrong.append(invalid("spec.clusterIPs", addresses, why))
    if is_headless(spec) and text(spec, "type") != "ClusterIP":
        why = f"may not be set to 'None' for {text(spec, 'type')} services"
        wrong.append(invalid("spec.clusterIPs[0]", "None", why))
    wrong += _cluster_ips_errors(addresses, first)
    policy = text(spec, "ipFamilyPolicy")
    if policy and policy not in _FAMILY_POLICIES:
        wrong.append(not_supported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES))
    for position, family in enumerate(values(spec, "ipFamilies")):
        if family not in {"IPv4", "IPv6"}:
            at = f"spec.ipFamilies[{position}]"
            wrong.append(not_supported(at, family, ("IPv4", "IPv6")))
    return wrong


def _cluster_ips_errors(addresses: list[Any], first: str) -> list[Cause]:
    if first and first != "None" and not addresses:
        return ip_errors(first, "spec.clusterIP")
    wrong: list[Cause] = []
    if len(addresses) > 2:  # noqa: PLR2004 -- one of each family
        why = "may only hold up to 2 values"
        wrong.append(invalid("spec.clusterIPs", addresses, why))
    for position, address in enumerate(addresses):
        at = f"spec.clusterIPs[{position}]"
        if address == "None":
            if len(addresses) > 1:
                why = "'None' must be the first and only value"
                wrong.append(invalid(at, address, why))
        else:
            wrong += ip_errors(str(address), at)
    return wrong


def _ports_errors(spec: Json, kind: str) -> list[Cause]:
    ports = maps(spec, "ports")
    wrong: list[Cause] = []
    names: set[str] = set()
    taken: set[tuple[Any, Any]] = set()
    outside: set[tuple[Any, Any]] = set()
    for position, port in enumerate(ports):
        at, protocol = f"spec.ports[{position}]", text(port, "protocol")
        wrong += _port_errors(port, names, at, named=len(ports) > 1)
        if (protocol, port.get("port")) in taken:
            wrong.append(duplicate(at, {"protocol": protocol, "port": port.get("port")}))
        taken.add((protocol, port.get("port")))
        if not port.get("nodePort"):
            continue
        if kind == "ClusterIP":
            why = "may not be used when `type` is 'ClusterIP'"
            wrong.append(forbidden(f"{at}.nodePort", why))
        if (protocol, port["nodePort"]) in outside:
            wrong.append(duplicate(f"{at}.nodePort", port["nodePort"]))
        outside.add((protocol, port["nodePort"]))
    return wrong


def _port_errors(port: Json, names: set[str], path: str, *, named: bool) -> list[Cause]:
    name, count = text(port, "name"), number(port, "port") or 0
    wrong: list[Cause] = [required(f"{path}.name")] if named and not name else []
    if name:
        wrong += invalid_all(f"{path}.name", name, label_errors(name))
        wrong += [duplicate(f"{path}.name", name)] if name in names else []
        names.add(name)
    wrong += invalid_all(f"{path}.port", count, port_number_errors(count))
    protocol = text(port, "protocol")
    if protocol not in PROTOCOLS:
        wrong.append(not_supported(f"{path}.protocol", protocol, PROTOCOLS))
    wrong += port_errors(port.get("targetPort"), f"{path}.targetPort")
    if application := text(port, "appProtocol"):
        rules = qualified_errors(application)
        wrong += invalid_all(f"{path}.appProtocol", application, rules)
    return wrong


def _affinity_errors(spec: Json) -> list[Cause]:
    affinity = text(spec, "sessionAffinity")
    if affinity not in _AFFINITIES:
        return [not_supported("spec.sessionAffinity", affinity, _AFFINITIES)]
    path = "spec.sessionAffinityConfig"
    if affinity == "None":
        why = "must not be set when session affinity is None"
        return [forbidden(path, why)] if spec.get("sessionAffinityConfig") else []
    timeout_s = number(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds") or 0
    if 0 < timeout_s <= _AFFINITY_MAX_S:
        return []
    why = f"must be greater than 0 and less than {_AFFINITY_MAX_S}"
    return [invalid(f"{path}.clientIP.timeoutSeconds", timeout_s, why)]


def _load_balancer_errors(spec: Json, kind: str) -> list[Cause]:
    if kind == "LoadBalancer":
        return []
    why = "may only be used when `type` is 'LoadBalancer'"
    fields = {
        "loadBalancerSourceRanges": "LoadBalancerSourceRanges",
        "allocateLoadBalancerNodePorts": "allocateLoadBalancerNodePorts",
        "loadBalancerClass": "loadBalancerClass",
    }
    return [forbidden(f"spec.{path}", why) for field, path in fields.items() if spec.get(field)]


def _policies_errors(spec: Json, kind: str) -> list[Cause]:
    wrong: list[Cause] = []
    outside, inside = text(spec, "externalTrafficPolicy"), text(spec, "internalTrafficPolicy")
    exposed = kind in {"NodePort", "LoadBalancer"} or bool(values(spec, "externalIPs"))
    if outside and not exposed:
        why = "may only be set for externally-accessible services"
        wrong.append(invalid("spec.externalTrafficPolicy", outside, why))
    elif outside and outside not in _POLICIES:
        wrong.append(not_supported("spec.externalTrafficPolicy", outside, _POLICIES))
    if inside and inside not in _POLICIES:
        wrong.append(not_supported("spec.internalTrafficPolicy", inside, _POLICIES))
    spread = text(spec, "trafficDistribution")
    if spread and spread not in _DISTRIBUTIONS:
        wrong.append(not_supported("spec.trafficDistribution", spread, _DISTRIBUTIONS))
    return wrong
