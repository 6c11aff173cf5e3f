"""LimitRanger: gives containers the limits of their project and refuses what is outside them.

Source: k8s.io/kubernetes/plugin/pkg/admission/limitranger.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.lookups import all_of, refusal
from paas.core.objects import ApiObject
from paas.core.quantities import format_quantity, is_binary, parse_quantity
from paas.core.shape import Json, ensure, maps, submap, text
from paas.core.volumes import CLAIMS
from paas.orchestration.podspec import pod_amounts, qos_class
from paas.orchestration.podspec.resources import Amounts, amounts_of

ANNOTATION = "kubernetes.io/limit-ranger"
_LISTS = (("containers", "container"), ("initContainers", "init container"))


class LimitRanger(AdmissionPlugin):
    """Applies every LimitRange of the namespace to new pods, and to claims."""

    name = "LimitRanger"
    reads = frozenset({"limitranges"})
    resources = frozenset({"pods", CLAIMS})

    def admit(self, request: AdmissionRequest) -> None:
        """Fill in default requests and limits of pods."""
        if request.operation != "CREATE" or request.obj is None or _is_claim(request):
            return
        for limit_range in all_of(request, "limitranges"):
            limit_defaults(limit_range, request.obj)

    def validate(self, request: AdmissionRequest) -> None:
        """Raise ForbiddenError, naming every bound that does not hold."""
        if request.obj is None or request.subresource:
            return
        if request.operation != "CREATE" and not _is_claim(request):  # pods stay as they are
            return
        rule = claim_violations if _is_claim(request) else limit_violations
        for limit_range in all_of(request, "limitranges"):
            if wrong := rule(limit_range, submap(request.obj, "spec")):
                raise refusal(request, wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]")


def _is_claim(request: AdmissionRequest) -> bool:
    return request.kind.resource == CLAIMS


def limit_defaults(limit_range: ApiObject, pod: ApiObject) -> None:
    """Give the pod's containers the range's defaults, in place, and say so in an annotation."""
    limits: Json = {}
    requests: Json = {}
    for item in _items(limit_range, "Container"):
        limits.update(submap(item, "default"))
        requests.update(submap(item, "defaultRequest"))
    told = [
        words
        for field, called in _LISTS
        for container in maps(pod, "spec", field)
        for words in _fill(container, requests, limits, called)
    ]
    if told:
        notes = ensure(pod, "metadata", "annotations")
        notes[ANNOTATION] = f"LimitRanger plugin set: {'; '.join(told)}"
        ensure(pod, "status")["qosClass"] = qos_class(submap(pod, "spec"))


def _fill(container: Json, requests: Json, limits: Json, called: str) -> list[str]:
    told = []
    for field, word, amounts in (("requests", "request", requests), ("limits", "limit", limits)):
        missing = sorted(amounts.keys() - submap(container, "resources", field).keys())
        if missing:
            given = ensure(container, "resources", field)
            given.update({name: amounts[name] for name in missing})
            told.append(f"{', '.join(missing)} {word} for {called} {text(container, 'name')}")
    return told


def limit_violations(limit_range: ApiObject, spec: Json) -> list[str]:
    """Return every bound of the range that the pod breaks, in upstream's words."""
    wrong = []
    for item in _items(limit_range, "Container"):
        for field, _ in _LISTS:
            for container in maps(spec, field):
                asked = amounts_of(container, "requests"), amounts_of(container, "limits")
                shown = submap(container, "resources")
                wrong += _broken(item, "Container", *asked, shown)
    for item in _items(limit_range, "Pod"):
        asked = pod_amounts(spec, "requests"), pod_amounts(spec, "limits")
        wrong += _broken(item, "Pod", *asked, {})
    return wrong


def claim_violations(limit_range: ApiObject, spec: Json) -> list[str]:
    """Return every bound of the range that a claim breaks; claims have requests alone."""
    asked, shown = amounts_of(spec, "requests"), submap(spec, "resources")
    kind = "PersistentVolumeClaim"
    return [
        words
        for item in _items(limit_range, kind)
        for words in _broken(item, kind, asked, {}, shown, rules=_CLAIM_RULES)
    ]


def _items(limit_range: ApiObject, kind: str) -> list[Json]:
    return [item for item in maps(limit_range, "spec", "limits") if item.get("type") == kind]


def _broken(
    item: Json,
    kind: str,
    requests: Amounts,
    limits: Amounts,
    shown: Json,
    *,
    rules: "Rules | None" = None,
) -> list[str]:
    found = [
        rule(kind, name, value, _Asked(name, requests, limits, shown))
        for field, rule in rules or _RULES
        for name, value in sorted(submap(item, field).items())
    ]
    return [words for words in found if words]


class _Asked:
    """What is asked of one resource, as numbers and as they were written."""

    def __init__(self, name: str, requests: Amounts, limits: Amounts, shown: Json) -> None:
        self.request, self.limit = requests.get(name), limits.get(name)
        self.request_text = _text(submap(shown, "requests"), name, self.request)
        self.limit_text = _text(submap(shown, "limits"), name, self.limit)


def _text(written: Mapping[str, Any], name: str, amount: Decimal | None) -> str:
    if name in written:
        return canonical(written[name])
    binary = name in {"memory", "ephemeral-storage"}
    return format_quantity(amount or Decimal(0), binary=binary)


def canonical(value: str | float) -> str:
    """Return a quantity as upstream spells it."""
    return format_quantity(parse_quantity(value), binary=is_binary(value))


def _minimum(kind: str, name: str, value: str, asked: _Asked) -> str:
    bound = parse_quantity(value)
    words = f"minimum {name} usage per {kind} is {canonical(value)}"
    if asked.request is None:
        return f"{words}.  No request is specified"
    if asked.request < bound:
        return f"{words}, but request is {asked.request_text}"
    if asked.limit is not None and asked.limit < bound:
        return f"{words}, but limit is {asked.limit_text}"
    return ""


def _maximum(kind: str, name: str, value: str, asked: _Asked) -> str:
    bound = parse_quantity(value)
    words = f"maximum {name} usage per {kind} is {canonical(value)}"
    if asked.limit is None:
        return f"{words}.  No limit is specified"
    if asked.limit > bound:
        return f"{words}, but limit is {asked.limit_text}"
    if asked.request is not None and asked.request > bound:
        return f"{words}, but request is {asked.request_text}"
    return ""


def _maximum_request(kind: str, name: str, value: str, asked: _Asked) -> str:
    words = f"maximum {name} usage per {kind} is {canonical(value)}"
    if asked.request is None:
        return f"{words}.  No request is specified"
    return (
        f"{words}, but request is {asked.request_text}"
        if asked.request > parse_quantity(value)
        else ""
    )


def _ratio(kind: str, name: str, value: str, asked: _Asked) -> str:
    words = f"{name} max limit to request ratio per {kind} is {canonical(value)}"
    if not asked.request:
        return f"{words}, but no request is specified or request is 0"
    if not asked.limit:
        return f"{words}, but no limit is specified or limit is 0"
    given = asked.limit / asked.request
    return (
        f"{words}, but provided ratio is {float(given):f}" if given > parse_quantity(value) else ""
    )


Rules = tuple[tuple[str, Callable[[str, str, str, _Asked], str]], ...]
"""Fields of a limit, each with what it asks for."""

_RULES: Rules = (("min", _minimum), ("max", _maximum), ("maxLimitRequestRatio", _ratio))
_CLAIM_RULES: Rules = (("min", _minimum), ("max", _maximum_request))
