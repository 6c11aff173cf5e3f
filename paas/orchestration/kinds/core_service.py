"""core/v1 Service and Endpoints. Addresses are given out by the network's admission plugin.

Source: k8s.io/kubernetes/pkg/{apis/core/validation,registry/core/service}.
"""

from typing import Any

from paas.apimachinery.columns import AGE, NAME, NONE, labels_text, shortened, wide
from paas.apimachinery.fielderrors import invalid_all, not_supported, required
from paas.apimachinery.kinds import Column, Kind, WriteContext
from paas.core.errors import Cause
from paas.core.names import label_1035_errors, label_errors, subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import Json, default, ensure, maps, number, submap, text, values
from paas.orchestration.kinds.service_rules import (
    endpoint_ip_errors,
    service_errors,
    service_update_errors,
)
from paas.orchestration.podspec.placement import ip_errors
from paas.orchestration.podspec.ports import PROTOCOLS, port_number_errors

AFFINITY_TIMEOUT_S = 10800
_WITH_NODE_PORT = ("NodePort", "LoadBalancer")
_SHORT_WIDTH = 16


def _default_service(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    default(spec, "type", "ClusterIP")
    default(spec, "sessionAffinity", "None")
    _default_affinity(spec)
    for port in maps(spec, "ports"):
        default(port, "protocol", "TCP")
        if port.get("targetPort") in {None, 0, ""}:
            port["targetPort"] = port.get("port")
    kind = spec["type"]
    if kind == "ExternalName":
        return
    default(spec, "internalTrafficPolicy", "Cluster")
    default(spec, "ipFamilies", ["IPv4"])
    default(spec, "ipFamilyPolicy", "SingleStack")
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    if kind in _WITH_NODE_PORT or values(spec, "externalIPs"):
        default(spec, "externalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        default(spec, "allocateLoadBalancerNodePorts", True)


def _default_affinity(spec: Json) -> None:
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif number(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds") is None:
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": AFFINITY_TIMEOUT_S}}


def _prepare_create(obj: ApiObject, _: WriteContext) -> None:
    obj["status"] = {"loadBalancer": {}}


def _prepare_update(new: ApiObject, old: ApiObject, _: WriteContext) -> None:
    after, before = ensure(new, "spec"), submap(old, "spec")
    kind = after.get("type") or "ClusterIP"
    if kind == "ExternalName":
        _drop_addresses(after, before)
    elif before.get("type") != "ExternalName":
        _keep_addresses(after, before)
    if kind in _WITH_NODE_PORT:
        _keep_node_ports(after, before)
    else:
        _drop_node_ports(after, before)


def _keep_addresses(after: Json, before: Json) -> None:
    # a client that applies its own file knows nothing of what was given out
    if not after.get("clusterIP") and not after.get("clusterIPs"):
        for field in ("clusterIP", "clusterIPs"):
            if before.get(field):
                after[field] = before[field]
    elif after.get("clusterIP") != before.get("clusterIP") and (
        after.get("clusterIPs") == before.get("clusterIPs")
    ):
        after["clusterIPs"] = [after["clusterIP"]] if after.get("clusterIP") else []


def _drop_addresses(after: Json, before: Json) -> None:
    for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if after.get(field) == before.get(field):
            after.pop(field, None)
    after.pop("internalTrafficPolicy", None)


def _keep_node_ports(after: Json, before: Json) -> None:
    known = {
        (port.get("port"), port.get("protocol") or "TCP"): port["nodePort"]
        for port in maps(before, "ports")
        if port.get("nodePort")
    }
    for port in maps(after, "ports"):
        given = known.get((port.get("port"), port.get("protocol") or "TCP"))
        if not port.get("nodePort") and given:
            port["nodePort"] = given


def _drop_node_ports(after: Json, before: Json) -> None:
    # the type has changed: what the old type needed goes, unless the client changed it too
    if before.get("type") not in _WITH_NODE_PORT:
        return
    given = {port.get("nodePort") for port in maps(before, "ports")}
    for port in maps(after, "ports"):
        if port.get("nodePort") in given:
            port.pop("nodePort", None)
    for field in ("externalTrafficPolicy", "allocateLoadBalancerNodePorts", "healthCheckNodePort"):
        if after.get(field) == before.get(field):
            after.pop(field, None)


def _cluster_ip(obj: ApiObject) -> str:
    addresses = values(obj, "spec", "clusterIPs")
    return str(addresses[0]) if addresses else text(obj, "spec", "clusterIP") or NONE


def _external_ip(obj: ApiObject) -> str:
    kind, outside = text(obj, "spec", "type"), values(obj, "spec", "externalIPs")
    if kind == "ExternalName":
        return text(obj, "spec", "externalName")
    if kind != "LoadBalancer":
        return ",".join(outside) or NONE
    ingress = maps(obj, "status", "loadBalancer", "ingress")
    given = ",".join(sorted({text(one, "ip") or text(one, "hostname") for one in ingress}))
    if len(given) > _SHORT_WIDTH:
        given = f"{given[: _SHORT_WIDTH - 3]}..."
    return ",".join([*([given] if given else []), *outside]) or "<pending>"


def _ports(obj: ApiObject) -> str:
    pieces = [
        f"{port.get('port')}:{port['nodePort']}/{port.get('protocol')}"
        if port.get("nodePort")
        else f"{port.get('port')}/{port.get('protocol')}"
        for port in maps(obj, "spec", "ports")
    ]
    return ",".join(pieces) or NONE


def _service_fields(obj: ApiObject) -> dict[str, Any]:
    return {
        "spec.clusterIP": text(obj, "spec", "clusterIP"),
        "spec.type": text(obj, "spec", "type"),
    }


SERVICE = Kind(
    group="",
    version="v1",
    kind="Service",
    plural="services",
    returns_deleted=True,
    name_errors=label_1035_errors,
    schema="io.k8s.api.core.v1.Service",
    short_names=("svc",),
    categories=("all",),
    generation=False,
    status=True,
    default=_default_service,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=service_errors,
    validate_update=service_update_errors,
    fields=_service_fields,
    columns=(
        NAME,
        Column("Type", lambda obj: text(obj, "spec", "type"), description="How it is exposed."),
        Column("Cluster-IP", _cluster_ip, description="Its address within the cluster."),
        Column("External-IP", _external_ip, description="Its addresses outside."),
        Column("Port(s)", _ports, description="The ports it listens on."),
        AGE,
        wide(Column("Selector", lambda obj: labels_text(submap(obj, "spec", "selector")))),
    ),
)


def _default_endpoints(obj: ApiObject) -> None:
    for subset in maps(obj, "subsets"):
        for port in maps(subset, "ports"):
            default(port, "protocol", "TCP")


def _endpoints_errors(obj: ApiObject) -> list[Cause]:
    wrong: list[Cause] = []
    for position, subset in enumerate(maps(obj, "subsets")):
        at, ports = f"subsets[{position}]", maps(subset, "ports")
        if not values(subset, "addresses") and not values(subset, "notReadyAddresses"):
            wrong.append(required(at, "must specify `addresses` or `notReadyAddresses`"))
        for field in ("addresses", "notReadyAddresses"):
            for place, address in enumerate(maps(subset, field)):
                wrong += _address_errors(address, f"{at}.{field}[{place}]")
        for place, port in enumerate(ports):
            wrong += _port_errors(port, f"{at}.ports[{place}]", named=len(ports) > 1)
    return wrong


def _address_errors(address: Json, path: str) -> list[Cause]:
    ip, host, node = text(address, "ip"), text(address, "hostname"), text(address, "nodeName")
    wrong = ip_errors(ip, f"{path}.ip") or endpoint_ip_errors(ip, f"{path}.ip")
    if host:
        wrong += invalid_all(f"{path}.hostname", host, label_errors(host))
    if node:
        wrong += invalid_all(f"{path}.nodeName", node, subdomain_errors(node))
    return wrong


def _port_errors(port: Json, path: str, *, named: bool) -> list[Cause]:
    name, count = text(port, "name"), number(port, "port") or 0
    wrong = [required(f"{path}.name")] if named and not name else []
    if name:
        wrong += invalid_all(f"{path}.name", name, label_errors(name))
    wrong += invalid_all(f"{path}.port", count, port_number_errors(count))
    if text(port, "protocol") not in PROTOCOLS:
        wrong.append(not_supported(f"{path}.protocol", text(port, "protocol"), PROTOCOLS))
    return wrong


def _endpoints_text(obj: ApiObject) -> str:
    found: list[str] = []
    for subset in maps(obj, "subsets"):
        hosts = [text(address, "ip") for address in maps(subset, "addresses")]
        ports = maps(subset, "ports")
        found += hosts if not ports else []
        found += [_joined(host, port.get("port")) for port in ports for host in hosts]
    return shortened(found, NONE if not maps(obj, "subsets") else "")


def _joined(host: str, port: Any) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


ENDPOINTS = Kind(
    group="",
    version="v1",
    kind="Endpoints",
    plural="endpoints",
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.Endpoints",
    singular="endpoints",
    short_names=("ep",),
    generation=False,
    default=_default_endpoints,
    validate=_endpoints_errors,
    columns=(NAME, Column("Endpoints", _endpoints_text, description="Ready addresses."), AGE),
)

KINDS = (SERVICE, ENDPOINTS)
