"""Whether a pod spec's selectors and tolerations allow it on a node. Pure.

Source: "Taints and Tolerations", "Assigning Pods to Nodes"; k8s.io/component-helpers/scheduling.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from paas.core.conditions import condition_of
from paas.core.objects import ApiObject, labels_of, name_of
from paas.core.selectors import LabelSelector, Requirement

NOT_READY = "node.kubernetes.io/not-ready"
BLOCKING = frozenset({"NoSchedule", "NoExecute"})
UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}

Taint = Mapping[str, Any]


def taints_of(node: ApiObject) -> list[Taint]:
    """Return the node's taints, and the one of a node that is not ready."""
    taints = list((node.get("spec") or {}).get("taints") or ())
    ready = condition_of(node.get("status") or {}, "Ready")
    if ready is None or ready["status"] != "True":
        taints.append({"key": NOT_READY, "effect": "NoSchedule"})
    return taints


def untolerated(
    spec: Mapping[str, Any], taints: Sequence[Taint], effects: Collection[str]
) -> Taint | None:
    """Return the first taint of these effects that the pod does not tolerate."""
    blocking = [taint for taint in taints if taint.get("effect") in effects]
    return next((taint for taint in blocking if not tolerates_all(spec, [taint])), None)


def tolerates_all(spec: Mapping[str, Any], taints: Sequence[Taint]) -> bool:
    """Say whether each taint is tolerated."""
    tolerations = spec.get("tolerations") or ()
    return all(any(_tolerates(one, taint) for one in tolerations) for taint in taints)


def _tolerates(toleration: Mapping[str, Any], taint: Taint) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if (toleration.get("operator") or "Equal") == "Exists":
        return True
    same = (toleration.get("value") or "") == (taint.get("value") or "")
    return bool(toleration.get("key")) and same


def selects(spec: Mapping[str, Any], node: ApiObject) -> bool:
    """Say whether node selector and required node affinity take the node."""
    labels = labels_of(node)
    if not (spec.get("nodeSelector") or {}).items() <= labels.items():
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or selects_terms(required, node)


def selects_terms(selector: Mapping[str, Any], node: ApiObject) -> bool:
    """Say whether one of a node selector's terms takes the node. Source: core/v1 NodeSelector."""
    return any(_matches_term(term, node) for term in selector.get("nodeSelectorTerms") or ())


def _matches_term(term: Mapping[str, Any], node: ApiObject) -> bool:
    expressions = term.get("matchExpressions") or ()
    fields = term.get("matchFields") or ()
    if not expressions and not fields:  # an empty term selects nothing
        return False
    place = {"metadata.name": name_of(node)}
    return _all_hold(expressions, labels_of(node)) and _all_hold(fields, place)


def _all_hold(terms: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> bool:
    needs = [
        Requirement(one["key"], one["operator"], frozenset(one.get("values") or ()))
        for one in terms
    ]
    return LabelSelector(tuple(needs)).matches(labels)
