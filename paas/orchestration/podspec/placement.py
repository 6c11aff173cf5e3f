"""Rules for where a pod runs and what names it sees: selectors, tolerations, DNS, aliases.

Source: k8s.io/kubernetes/pkg/apis/core/validation.
"""

from ipaddress import ip_address

from paas.apimachinery.fielderrors import (
    duplicate,
    invalid,
    invalid_all,
    not_supported,
    required,
)
from paas.apimachinery.metadata import labels_errors
from paas.core.errors import Cause
from paas.core.names import label_value_errors, qualified_errors, subdomain_errors
from paas.core.shape import Json, maps, submap, text, values

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NAMESERVERS_MAX = 3
_SEARCHES_MAX = 32
_SEARCH_CHARACTERS_MAX = 2048
IP_RULE = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def placement_errors(spec: Json, path: str) -> list[Cause]:
    """Check everything of a pod spec that is about its place and its names."""
    wrong = labels_errors(submap(spec, "nodeSelector"), f"{path}.nodeSelector")
    for position, toleration in enumerate(maps(spec, "tolerations")):
        wrong += _toleration_errors(toleration, f"{path}.tolerations[{position}]")
    wrong += _dns_errors(spec, f"{path}.dnsConfig")
    for position, alias in enumerate(maps(spec, "hostAliases")):
        wrong += _alias_errors(alias, f"{path}.hostAliases[{position}]")
    for position, gate in enumerate(maps(spec, "readinessGates")):
        kind = text(gate, "conditionType")
        at = f"{path}.readinessGates[{position}].conditionType"
        wrong += invalid_all(at, kind, qualified_errors(kind))
    return [*wrong, *_gates_errors(spec, f"{path}.schedulingGates")]


def ip_errors(address: str, path: str) -> list[Cause]:
    """Check an IP address."""
    try:
        ip_address(address)
    except ValueError:
        return [invalid(path, address, IP_RULE)]
    return []


def effect_errors(effect: str, path: str) -> list[Cause]:
    """Check the effect of a taint or toleration."""
    return [] if effect in _EFFECTS else [not_supported(path, effect, _EFFECTS)]


def _toleration_errors(toleration: Json, path: str) -> list[Cause]:
    key, operator = text(toleration, "key"), text(toleration, "operator")
    effect, at = text(toleration, "effect"), f"{path}.operator"
    wrong = invalid_all(f"{path}.key", key, qualified_errors(key)) if key else []
    if not key and operator != "Exists":
        why = (
            "operator must be Exists when `key` is empty, which means "
            '"match all values and all keys"'
        )
        wrong.append(invalid(at, operator, why))
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        wrong.append(invalid(f"{path}.effect", effect, why))
    wrong += _operator_errors(operator, text(toleration, "value"), at)
    return [*wrong, *(effect_errors(effect, f"{path}.effect") if effect else [])]


def _operator_errors(operator: str, value: str, path: str) -> list[Cause]:
    if operator in {"", "Equal"}:
        rules = label_value_errors(value)
        return [invalid(path, value, ";".join(rules))] if rules else []
    if operator != "Exists":
        return [not_supported(path, operator, ("Equal", "Exists"))]
    why = "value must be empty when `operator` is 'Exists'"
    return [invalid(path, value, why)] if value else []


def _dns_errors(spec: Json, path: str) -> list[Cause]:
    config, servers = submap(spec, "dnsConfig"), values(spec, "dnsConfig", "nameservers")
    if text(spec, "dnsPolicy") == "None":
        if not config:
            return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not servers:
            why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            return [required(f"{path}.nameservers", why)]
    wrong: list[Cause] = []
    if len(servers) > _NAMESERVERS_MAX:
        why = f"must not have more than {_NAMESERVERS_MAX} nameservers"
        wrong.append(invalid(f"{path}.nameservers", servers, why))
    for position, server in enumerate(servers):
        wrong += ip_errors(str(server), f"{path}.nameservers[{position}]")
    wrong += _searches_errors(values(config, "searches"), f"{path}.searches")
    for position, option in enumerate(maps(config, "options")):
        if not text(option, "name"):
            wrong.append(required(f"{path}.options[{position}]", "must not be empty"))
    return wrong


def _searches_errors(searches: list[str], path: str) -> list[Cause]:
    wrong: list[Cause] = []
    if len(searches) > _SEARCHES_MAX:
        why = f"must not have more than {_SEARCHES_MAX} search paths"
        wrong.append(invalid(path, searches, why))
    if len(" ".join(searches)) > _SEARCH_CHARACTERS_MAX:
        why = (
            f"must not have more than {_SEARCH_CHARACTERS_MAX} characters (including spaces) in "
            "the search list"
        )
        wrong.append(invalid(path, searches, why))
    for position, search in enumerate(searches):
        name = search.removesuffix(".").replace("_", "-")  # upstream lets underscores pass
        if search != ".":
            wrong += invalid_all(f"{path}[{position}]", search, subdomain_errors(name))
    return wrong


def _alias_errors(alias: Json, path: str) -> list[Cause]:
    wrong = ip_errors(text(alias, "ip"), f"{path}.ip")
    for position, host in enumerate(values(alias, "hostnames")):
        wrong += invalid_all(f"{path}.hostnames[{position}]", host, subdomain_errors(str(host)))
    return wrong


def _gates_errors(spec: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    names: set[str] = set()
    for position, gate in enumerate(maps(spec, "schedulingGates")):
        name, at = text(gate, "name"), f"{path}[{position}]"
        wrong += invalid_all(at, name, qualified_errors(name))
        if name in names:
            wrong.append(duplicate(at, name))
        names.add(name)
    return wrong
