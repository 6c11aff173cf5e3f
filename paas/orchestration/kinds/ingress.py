"""networking.k8s.io/v1 Ingress and IngressClass.

Source: k8s.io/kubernetes/pkg/{apis/networking/v1/defaults.go,registry/networking,printers}.
"""

from paas.apimachinery.columns import AGE, NAME, NONE, shortened
from paas.apimachinery.kinds import Column, Kind, WriteContext
from paas.core.ingresses import is_default_class
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject, name_of
from paas.core.shape import default, ensure, maps, submap, text
from paas.orchestration.kinds.ingress_rules import (
    class_errors,
    class_update_errors,
    ingress_errors,
)


def _forget_status(ingress: ApiObject, _: WriteContext) -> None:
    ingress["status"] = {"loadBalancer": {}}


def _default(ingress: ApiObject) -> None:
    ensure(ingress, "status", "loadBalancer")


def _default_class(ingress_class: ApiObject) -> None:
    if parameters := submap(ingress_class, "spec", "parameters"):
        default(parameters, "scope", "Cluster")


def _hosts(ingress: ApiObject) -> str:
    rules = maps(ingress, "spec", "rules")
    return shortened((host for rule in rules if (host := text(rule, "host"))), "*")


def _address(ingress: ApiObject) -> str:
    points = maps(ingress, "status", "loadBalancer", "ingress")
    found = {text(one, "ip") or text(one, "hostname") for one in points}
    return ",".join(sorted(found - {""}))


def _ports(ingress: ApiObject) -> str:
    return "80, 443" if maps(ingress, "spec", "tls") else "80"


def _class_name(ingress_class: ApiObject) -> str:
    mark = " (default)" if is_default_class(ingress_class) else ""
    return f"{name_of(ingress_class)}{mark}"


def _parameters(ingress_class: ApiObject) -> str:
    parameters = submap(ingress_class, "spec", "parameters")
    if not parameters:
        return NONE
    group = parameters.get("apiGroup")
    kind = text(parameters, "kind") if group is None else f"{text(parameters, 'kind')}.{group}"
    return f"{kind}/{text(parameters, 'name')}"


INGRESS = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="Ingress",
    plural="ingresses",
    name_errors=subdomain_errors,
    schema="io.k8s.api.networking.v1.Ingress",
    short_names=("ing",),
    status=True,
    default=_default,
    prepare_create=_forget_status,
    validate=ingress_errors,
    columns=(
        NAME,
        Column(
            "Class",
            lambda ingress: text(ingress, "spec", "ingressClassName") or NONE,
            description="The class that serves it.",
        ),
        Column("Hosts", _hosts, description="The hosts of its rules."),
        Column("Address", _address, description="Where the router is."),
        Column("Ports", _ports, description="The ports on which it is served."),
        AGE,
    ),
)

INGRESS_CLASS = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="IngressClass",
    plural="ingressclasses",
    name_errors=subdomain_errors,
    schema="io.k8s.api.networking.v1.IngressClass",
    namespaced=False,
    default=_default_class,
    validate=class_errors,
    validate_update=class_update_errors,
    columns=(
        Column("Name", _class_name, format="name", description="The name; the default is marked."),
        Column("Controller", lambda obj: text(obj, "spec", "controller")),
        Column("Parameters", _parameters, description="What configures the controller."),
        AGE,
    ),
)

KINDS = (INGRESS, INGRESS_CLASS)
