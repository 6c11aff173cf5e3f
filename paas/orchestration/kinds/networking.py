"""networking.k8s.io/v1 NetworkPolicy.

Source: k8s.io/kubernetes/pkg/{apis/networking/validation,apis/networking/v1/defaults.go}.
"""

from paas.apimachinery.columns import AGE, NAME, selector_text
from paas.apimachinery.fielderrors import forbidden, invalid, not_supported, required
from paas.apimachinery.kinds import Column, Kind
from paas.apimachinery.metadata import label_selector_errors
from paas.core.cidrs import Network, network_of
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import Json, default, ensure, maps, number, submap, text, values
from paas.orchestration.podspec.ports import port_errors

_PROTOCOLS = ("TCP", "UDP", "SCTP")
_TYPES = ("Ingress", "Egress")
_DIRECTIONS = (("ingress", "from"), ("egress", "to"))
_CIDR_RULE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def _default(obj: ApiObject) -> None:
    spec = ensure(obj, "spec")
    default(spec, "podSelector", {})
    if not values(spec, "policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if values(spec, "egress") else [])]
    for direction, _ in _DIRECTIONS:
        for rule in maps(spec, direction):
            for port in maps(rule, "ports"):
                default(port, "protocol", "TCP")


def _errors(obj: ApiObject) -> list[Cause]:
    spec = submap(obj, "spec")
    wrong = label_selector_errors(submap(spec, "podSelector"), "spec.podSelector")
    for direction, peers in _DIRECTIONS:
        for place, rule in enumerate(maps(spec, direction)):
            at = f"spec.{direction}[{place}]"
            for position, port in enumerate(maps(rule, "ports")):
                wrong += _port_errors(port, f"{at}.ports[{position}]")
            for position, peer in enumerate(maps(rule, peers)):
                wrong += _peer_errors(peer, f"{at}.{peers}[{position}]")
    return [*wrong, *_types_errors(values(spec, "policyTypes"))]


def _types_errors(types: list[str]) -> list[Cause]:
    if len(types) > len(_TYPES):
        return [invalid("spec.policyTypes", types, "may not specify more than two policyTypes")]
    return [
        not_supported(f"spec.policyTypes[{position}]", kind, _TYPES)
        for position, kind in enumerate(types)
        if kind not in _TYPES
    ]


def _port_errors(port: Json, path: str) -> list[Cause]:
    protocol, first, last = text(port, "protocol"), port.get("port"), number(port, "endPort")
    wrong: list[Cause] = []
    if protocol not in _PROTOCOLS:
        wrong.append(not_supported(f"{path}.protocol", protocol, _PROTOCOLS))
    if last is not None:
        wrong += _end_errors(first, last, f"{path}.endPort")
    return wrong if first is None else [*wrong, *port_errors(first, f"{path}.port")]


def _end_errors(first: object, last: int, path: str) -> list[Cause]:
    if first is None:
        return [invalid(path, last, "may not be specified when `port` is not specified")]
    if not isinstance(first, int):
        return [invalid(path, last, "may not be specified when `port` is non-numeric")]
    # upstream shows `port` here, not `endPort`
    wrong = (
        [invalid(path, first, "must be greater than or equal to `port`")] if last < first else []
    )
    return [*wrong, *port_errors(last, path)]


def _peer_errors(peer: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    given = [field for field in ("podSelector", "namespaceSelector") if peer.get(field) is not None]
    for field in given:
        wrong += label_selector_errors(submap(peer, field), f"{path}.{field}")
    if peer.get("ipBlock") is not None:
        wrong += _block_errors(submap(peer, "ipBlock"), f"{path}.ipBlock")
        if given:
            wrong.append(forbidden(path, "may not specify both ipBlock and another peer"))
    elif not given:
        wrong.append(required(path, "must specify a peer"))
    return wrong


def _block_errors(block: Json, path: str) -> list[Cause]:
    cidr = text(block, "cidr")
    if not cidr:
        return [required(f"{path}.cidr")]
    network = network_of(cidr)
    if network is None:
        return [invalid(f"{path}.cidr", cidr, _CIDR_RULE)]
    wrong: list[Cause] = []
    for position, except_ in enumerate(values(block, "except")):
        at, inner = f"{path}.except[{position}]", network_of(str(except_))
        if inner is None:
            wrong.append(invalid(at, except_, _CIDR_RULE))
        elif not _is_strictly_inside(inner, network):
            wrong.append(invalid(at, except_, "must be a strict subset of `cidr`"))
    return wrong


def _is_strictly_inside(inner: Network, outer: Network) -> bool:
    return inner.prefixlen > outer.prefixlen and inner.network_address in outer


NETWORK_POLICY = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="NetworkPolicy",
    plural="networkpolicies",
    name_errors=subdomain_errors,
    schema="io.k8s.api.networking.v1.NetworkPolicy",
    short_names=("netpol",),
    default=_default,
    validate=_errors,
    columns=(
        NAME,
        Column(
            "Pod-Selector",
            lambda obj: selector_text(submap(obj, "spec", "podSelector")),
            description="The pods that it selects.",
        ),
        AGE,
    ),
)

KINDS = (NETWORK_POLICY,)
