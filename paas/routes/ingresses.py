"""Which Routes an Ingress means: one for each path of a rule. Pure.

What cannot be served is said in words, and whatever Route such a path has stays as it is: neither
its address nor its certificate is lost because a Service is away for a moment.
Source: github.com/openshift/route-controller-manager/pkg/route/ingress; unlike there, paths of
type Exact are served, and certificates are named, not copied.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paas.core.objects import (
    ApiObject,
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from paas.core.shape import maps, submap, text, values
from paas.core.wellknown import PATH_TYPE
from paas.routes.claims import place_of
from paas.routes.hosts import is_below
from paas.routes.kinds import fill_in
from paas.routes.rules import validate

TERMINATION = "route.openshift.io/termination"


@dataclass(slots=True)
class Plan:
    """What to do with the Routes of an Ingress, and what of it is not served, in words."""

    create: list[ApiObject] = field(default_factory=list)
    update: list[ApiObject] = field(default_factory=list)
    delete: list[ApiObject] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Path:
    """A path of a rule, and where it is written."""

    host: str
    one: dict[str, Any]
    at: str

    @property
    def service(self) -> str:
        return text(self.one, "backend", "service", "name")


def plan(
    ingress: ApiObject, routes: Iterable[ApiObject], services: Mapping[str, ApiObject]
) -> Plan:
    """Compare the paths of an Ingress with the Routes that it owns; `services` are by name."""
    have: dict[str, ApiObject] = {}
    todo = Plan(problems=list(_unsupported(ingress)))
    for route in routes:
        if have.setdefault(place_of(route), route) is not route:
            todo.delete.append(route)
    seen: set[str] = set()
    for path in _paths(ingress):
        wanted, problem = _route(ingress, path, services)
        place = place_of(wanted)
        if place in seen:
            problem = f"Duplicate host and path at {path.at}"
        elif problem:
            have.pop(place, None)
        else:
            _add(todo, wanted, have.pop(place, None))
        if problem:
            todo.problems.append(problem)
        seen.add(place)
    todo.delete += have.values()
    return todo


def services_of(ingress: ApiObject) -> set[str]:
    """Return the names of the Services behind an Ingress."""
    return {path.service for path in _paths(ingress)} - {""}


def _add(todo: Plan, wanted: ApiObject, have: ApiObject | None) -> None:
    if have is None:
        todo.create.append(wanted)
    elif have.get("spec") != wanted["spec"]:
        todo.update.append({**have, "spec": wanted["spec"]})


def _unsupported(ingress: ApiObject) -> Iterator[str]:
    if submap(ingress, "spec", "defaultBackend"):
        yield "Unsupported default backend: only hosts that a rule names are served"
    for number, rule in enumerate(maps(ingress, "spec", "rules")):
        host = text(rule, "host")
        if not submap(rule, "http"):
            yield f"Missing http field in rule at index {number}"
        elif not host:
            yield f"Missing host field in rule at index {number}"
        elif host.startswith("*"):
            yield f"Unsupported wildcard host in rule at index {number}"


def _paths(ingress: ApiObject) -> Iterator[_Path]:
    for number, rule in enumerate(maps(ingress, "spec", "rules")):
        host = text(rule, "host")
        if not host or host.startswith("*"):
            continue
        for place, one in enumerate(maps(rule, "http", "paths")):
            yield _Path(host, one, f"index {number}, path index {place}")


def _route(
    ingress: ApiObject, path: _Path, services: Mapping[str, ApiObject]
) -> tuple[ApiObject, str]:
    """Return the Route of a path, and why it cannot be made; nothing where it can."""
    port, problem = _port(path, services)
    spec: dict[str, Any] = {"host": path.host, "to": {"kind": "Service", "name": path.service}}
    if wanted := text(path.one, "path"):
        spec["path"] = wanted
    if port:
        spec["port"] = {"targetPort": port}
    if tls := _tls(ingress, path.host):
        spec["tls"] = tls
    exact = path.one.get("pathType") == "Exact"
    route: ApiObject = {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {
            "generateName": f"{name_of(ingress)}-",
            "namespace": namespace_of(ingress),
            "labels": dict(labels_of(ingress)),
            "annotations": {PATH_TYPE: "Exact"} if exact else {},
            "ownerReferences": [owner_reference(ingress)],
        },
        "spec": spec,
    }
    fill_in(route)
    if not problem and (causes := validate(route)):
        problem = f"{causes[0].field}: {causes[0].message} at {path.at}"
    return route, problem


def _port(path: _Path, services: Mapping[str, ApiObject]) -> tuple[str, str]:
    """Return the name of the Service's port, and a problem. A port without a name is the only one.

    A Route's port is one of the endpoints, which has the name, not the number, of the Service's.
    """
    if not path.service:
        return "", f"Missing backend service field in rule at {path.at}"
    service = services.get(path.service)
    if service is None:
        return "", f'Backend service "{path.service}" not found at {path.at}'
    wanted = submap(path.one, "backend", "service", "port")
    for port in maps(service, "spec", "ports"):
        name = text(port, "name")
        if (name == wanted["name"]) if wanted.get("name") else _has_number(port, wanted):
            return name, ""
    return "", f'No valid target port for backend service "{path.service}" at {path.at}'


def _has_number(port: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return port.get("port") is not None and port.get("port") == wanted.get("number")


def _tls(ingress: ApiObject, host: str) -> dict[str, Any]:
    """Return how a host is reached by TLS: with the first Secret that is for it.

    An entry without hosts is for all of them; one without a Secret means the router's certificate.
    """
    every = maps(ingress, "spec", "tls")
    fits = [one for one in every if any(_covers(str(name), host) for name in values(one, "hosts"))]
    fits += [one for one in every if not values(one, "hosts")]
    termination = annotations_of(ingress).get(TERMINATION)
    if not fits and not termination:
        return {}
    tls: dict[str, Any] = {
        "termination": termination or "edge",
        "insecureEdgeTerminationPolicy": "Redirect",
    }
    secrets: Sequence[str] = [name for one in fits if (name := text(one, "secretName"))]
    return {**tls, "externalCertificate": {"name": secrets[0]}} if secrets else tls


def _covers(name: str, host: str) -> bool:
    return name == host or (name.startswith("*.") and is_below(host, name.removeprefix("*.")))
