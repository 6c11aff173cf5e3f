"""Route: defaults, rules and columns. Source: route.openshift.io/v1."""

from collections.abc import Mapping
from typing import Any

from paas.apimachinery.admission import AdmissionPlugin
from paas.apimachinery.columns import NAME
from paas.apimachinery.kinds import Column, Kind
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import default, ensure, maps, submap, text
from paas.routes.hosts import IngressHosts, RouteHosts
from paas.routes.rules import validate
from paas.routes.schemas import ROUTE
from paas.settings.instance import Instance

WEIGHT = 100


def route_plugins(instance: Instance) -> tuple[AdmissionPlugin, ...]:
    """Return what looks at every write of a route or an Ingress."""
    return (RouteHosts(instance), IngressHosts(instance))


def fill_in(route: ApiObject) -> None:
    """Set what a route leaves out. Source: route.openshift.io/v1, defaults."""
    spec = ensure(route, "spec")
    default(spec, "wildcardPolicy", "None")
    for target in (submap(spec, "to"), *maps(spec, "alternateBackends")):
        default(target, "kind", "Service")
        if target.get("weight") is None:
            target["weight"] = WEIGHT
    if tls := submap(spec, "tls"):
        default(tls, "termination", "edge")


def _fields(route: ApiObject) -> Mapping[str, str]:
    spec = submap(route, "spec")
    return {
        "spec.host": text(spec, "host"),
        "spec.path": text(spec, "path"),
        "spec.to.name": text(spec, "to", "name"),
    }


def admission_of(ingress: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the condition Admitted of one ingress, or nothing."""
    found = (one for one in maps(ingress, "conditions") if text(one, "type") == "Admitted")
    return next(found, {})


def _host(route: ApiObject) -> str:
    """Return the host, or why it is not served. Source: OpenShift's printers; one router here."""
    every = maps(route, "status", "ingress")
    if not every:
        return text(route, "spec", "host")
    refused = [one for one in every if admission_of(one).get("status") == "False"]
    admitted = [one for one in every if admission_of(one).get("status") == "True"]
    if admitted:
        host = text(admitted[0], "host")
        return f"{host} ... {len(refused)} rejected" if refused else host
    return text(dict(admission_of(refused[-1])), "reason") if refused else "Pending"


def _services(route: ApiObject) -> str:
    targets = [submap(route, "spec", "to"), *maps(route, "spec", "alternateBackends")]
    weights = [int(one.get("weight") or 0) for one in targets]
    total = sum(weights)
    if len(targets) == 1 and total:
        return text(targets[0], "name")
    pairs = zip(targets, weights, strict=True)
    shares = ((text(one, "name"), weight * 100 // (total or 1)) for one, weight in pairs)
    return ",".join(f"{name}({share}%)" for name, share in shares)


def _port(route: ApiObject) -> str:
    wanted = submap(route, "spec", "port").get("targetPort")
    return str(wanted) if wanted else "<all>"


def _termination(route: ApiObject) -> str:
    tls = submap(route, "spec", "tls")
    parts = (text(tls, "termination"), text(tls, "insecureEdgeTerminationPolicy"))
    return "/".join(part for part in parts if part)


ROUTES = Kind(
    group="route.openshift.io",
    version="v1",
    kind="Route",
    plural="routes",
    categories=("all",),
    name_errors=subdomain_errors,
    schema=ROUTE,
    status=True,
    default=fill_in,
    validate=validate,
    fields=_fields,
    sealed=("spec",),  # a private key may be in it
    columns=(
        NAME,
        Column("Host/Port", _host, description="The host name, or why it was refused."),
        Column("Path", lambda route: text(route, "spec", "path"), description="The path."),
        Column("Services", _services, description="The services, and their shares."),
        Column("Port", _port, description="The port of the services."),
        Column("Termination", _termination, description="How TLS ends, and what HTTP gets."),
        Column(
            "Wildcard",
            lambda route: text(route, "spec", "wildcardPolicy"),
            description="The wildcard policy.",
        ),
    ),
)
KINDS = (ROUTES,)
