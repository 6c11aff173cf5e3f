"""The rules of Ingresses and their classes.

Upstream lets stay what older versions of it had stored; there is nothing of the kind here.
Source: k8s.io/kubernetes/pkg/apis/networking/validation.
"""

import re
from ipaddress import ip_address

from paas.apimachinery.fielderrors import (
    forbidden,
    immutable,
    invalid,
    invalid_all,
    not_supported,
    required,
    too_long,
)
from paas.core.errors import Cause
from paas.core.names import (
    label_1035_errors,
    label_errors,
    path_segment_errors,
    subdomain_errors,
)
from paas.core.objects import ApiObject
from paas.core.shape import Json, maps, submap, text, values
from paas.orchestration.podspec.ports import port_name_errors, port_number_errors

PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_SUFFIXES = ("/..", "/.")
_SCOPES = ("Cluster", "Namespace")
_CONTROLLER_MAX = 250
_NO_ADDRESS = "must be a DNS name, not an IP address"
_WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    r"character (e.g. '*.example.com', regex used for validation is '\*\.[a-z0-9]([-a-z0-9]*"
    r"[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_HTTP_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
_HTTP_PATH_RULE = r"Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+')"


def ingress_errors(ingress: ApiObject) -> list[Cause]:
    """Return every rule that an Ingress breaks."""
    spec = submap(ingress, "spec")
    rules, fallback, wrong = maps(spec, "rules"), spec.get("defaultBackend"), []
    if not rules and fallback is None:
        why = "either `defaultBackend` or `rules` must be specified"
        wrong.append(invalid("spec", spec.get("rules"), why))
    if fallback is not None:
        wrong += _backend_errors(submap(spec, "defaultBackend"), "spec.defaultBackend")
    for place, rule in enumerate(rules):
        wrong += _rule_errors(rule, f"spec.rules[{place}]")
    for place, one in enumerate(maps(spec, "tls")):
        wrong += _tls_errors(one, f"spec.tls[{place}]")
    if (name := spec.get("ingressClassName")) is not None:
        wrong += invalid_all("spec.ingressClassName", name, subdomain_errors(str(name)))
    return [*wrong, *_status_errors(ingress)]


def _tls_errors(tls: Json, path: str) -> list[Cause]:
    wrong = []
    for place, host in enumerate(values(tls, "hosts")):
        wrong += _host_errors(str(host), f"{path}.hosts[{place}]")
    if name := text(tls, "secretName"):
        wrong += invalid_all(f"{path}.secretName", name, subdomain_errors(name))
    return wrong


def _host_errors(host: str, path: str) -> list[Cause]:
    if "*" not in host:
        return invalid_all(path, host, subdomain_errors(host))
    fits = host.startswith("*.") and not subdomain_errors(host.removeprefix("*."))
    return [] if fits else [invalid(path, host, _WILDCARD_RULE)]


def _rule_errors(rule: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    if host := text(rule, "host"):
        if _is_address(host):
            wrong.append(invalid(f"{path}.host", host, _NO_ADDRESS))
        wrong += _host_errors(host, f"{path}.host")
    if rule.get("http") is None:
        return wrong
    paths = maps(rule, "http", "paths")
    if not paths:
        wrong.append(required(f"{path}.http.paths"))
    for place, one in enumerate(paths):
        wrong += _path_errors(one, f"{path}.http.paths[{place}]")
    return wrong


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _path_errors(one: Json, path: str) -> list[Cause]:
    kind, value = one.get("pathType"), text(one, "path")
    if kind is None:
        return [required(f"{path}.pathType", "pathType must be specified")]
    wrong: list[Cause] = []
    if kind not in PATH_TYPES:
        wrong.append(not_supported(f"{path}.pathType", kind, PATH_TYPES))
    elif not value.startswith("/") and (value or kind != "ImplementationSpecific"):
        wrong.append(invalid(f"{path}.path", value, "must be an absolute path"))
    if kind in {"Exact", "Prefix"}:
        wrong += [
            invalid(f"{path}.path", value, f"must not contain '{piece}'")
            for piece in _SEQUENCES
            if piece in value
        ]
        wrong += [
            invalid(f"{path}.path", value, f"cannot end with '{piece}'")
            for piece in _SUFFIXES
            if value.endswith(piece)
        ]
    return [*wrong, *_backend_errors(submap(one, "backend"), f"{path}.backend")]


def _backend_errors(backend: Json, path: str) -> list[Cause]:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        return [invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return _reference_errors(submap(backend, "resource"), f"{path}.resource")
    if service is None:
        return [invalid(path, "", "resource or service backend is required")]
    wrong: list[Cause] = []
    if name := text(backend, "service", "name"):
        wrong += invalid_all(f"{path}.service.name", name, label_1035_errors(name))
    else:
        wrong.append(required(f"{path}.service.name"))
    return [*wrong, *_port_errors(submap(backend, "service", "port"), path)]


def _port_errors(port: Json, path: str) -> list[Cause]:
    name, number = text(port, "name"), port.get("number") or 0
    if name and number:
        return [invalid(path, "", "cannot set both port name & port number")]
    if name:
        return invalid_all(f"{path}.service.port.name", name, port_name_errors(name))
    if number:
        return invalid_all(f"{path}.service.port.number", number, port_number_errors(number))
    return [required(path, "port name or number is required")]


def _reference_errors(reference: Json, path: str) -> list[Cause]:
    """Check the reference to an object in the same place, as backends and parameters have."""
    wrong: list[Cause] = []
    if (group := reference.get("apiGroup")) is not None:
        wrong += invalid_all(f"{path}.apiGroup", group, subdomain_errors(str(group)))
    for field in ("kind", "name"):
        if value := text(reference, field):
            wrong += invalid_all(f"{path}.{field}", value, path_segment_errors(value))
        else:
            wrong.append(required(f"{path}.{field}"))
    return wrong


def _status_errors(ingress: ApiObject) -> list[Cause]:
    wrong: list[Cause] = []
    for place, one in enumerate(maps(ingress, "status", "loadBalancer", "ingress")):
        path = f"status.loadBalancer.ingress[{place}]"
        address, host = text(one, "ip"), text(one, "hostname")
        if address and not _is_address(address):
            why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            wrong.append(invalid(f"{path}.ip", address, why))
        if host:
            wrong += invalid_all(f"{path}.hostname", host, subdomain_errors(host))
        if host and _is_address(host):
            wrong.append(invalid(f"{path}.hostname", host, _NO_ADDRESS))
    return wrong


def class_errors(ingress_class: ApiObject) -> list[Cause]:
    """Return every rule that an IngressClass breaks."""
    spec = submap(ingress_class, "spec")
    wrong = _controller_errors(text(spec, "controller"), "spec.controller")
    if spec.get("parameters") is not None:
        wrong += _parameters_errors(submap(spec, "parameters"), "spec.parameters")
    return wrong


def _controller_errors(controller: str, path: str) -> list[Cause]:
    if not controller:
        return [required(path)]
    wrong: list[Cause] = []
    if len(controller) > _CONTROLLER_MAX:
        wrong.append(too_long(path, _CONTROLLER_MAX))
    host, _, rest = controller.partition("/")
    if not host or not rest:
        why = 'must be a domain-prefixed path (such as "acme.io/foo")'
        return [*wrong, invalid(path, controller, why)]
    wrong += invalid_all(path, host, subdomain_errors(host))
    if not _HTTP_PATH.fullmatch(rest):
        wrong.append(invalid(path, rest, _HTTP_PATH_RULE))
    return wrong


def _parameters_errors(parameters: Json, path: str) -> list[Cause]:
    wrong = _reference_errors(parameters, path)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope is None:
        return [*wrong, required(f"{path}.scope")]
    if scope not in _SCOPES:
        return [*wrong, not_supported(f"{path}.scope", scope, _SCOPES)]
    place = f"{path}.namespace"
    if scope == "Cluster":
        why = "`parameters.scope` is set to 'Cluster'"
        return wrong if namespace is None else [*wrong, forbidden(place, why)]
    if namespace is None:
        return [*wrong, required(place, "`parameters.scope` is set to 'Namespace'")]
    return [*wrong, *invalid_all(place, namespace, label_errors(str(namespace)))]


def class_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Return a cause if the class went to another controller."""
    after, before = text(new, "spec", "controller"), text(old, "spec", "controller")
    return immutable("spec.controller", after, before)
