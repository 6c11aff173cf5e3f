"""On which nodes a daemon runs, and what its pods are given for it. Pure.

Source: k8s.io/kubernetes/pkg/controller/daemon (NodeShouldRunDaemonPod) and daemon/util.
"""

import copy
from dataclasses import dataclass

from paas.core.objects import ApiObject, annotations_of, dig, name_of
from paas.core.shape import Json, ensure, maps, text, values
from paas.core.wellknown import TEMPLATE_GENERATION
from paas.orchestration.controllers.revisions.plan import HASH_LABEL
from paas.orchestration.controllers.scheduler.fit import (
    BLOCKING,
    selects,
    taints_of,
    untolerated,
)

GENERATION_LABEL = "pod-template-generation"
NODE_NAME = "metadata.name"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
_NO_NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a node should get a pod, and whether one that is there may stay."""

    should_run: bool
    may_stay: bool


NEVER = Verdict(should_run=False, may_stay=False)


def verdict_of(daemon_set: ApiObject, node: ApiObject) -> Verdict:
    """Judge a node by name, selector, affinity and taints; whether it has room is not asked."""
    spec = template_of(daemon_set)["spec"]
    if spec.get("nodeName") and spec["nodeName"] != name_of(node):
        return NEVER
    if not selects(spec, node):
        return NEVER
    taints = taints_of(node)
    if untolerated(spec, taints, BLOCKING) is None:
        return Verdict(should_run=True, may_stay=True)
    evicted = untolerated(spec, taints, ("NoExecute",)) is not None
    return Verdict(should_run=False, may_stay=not evicted)


def template_of(daemon_set: ApiObject) -> Json:
    """Return a copy of the template that tolerates what every daemon does."""
    template: Json = copy.deepcopy(daemon_set["spec"]["template"])
    spec = ensure(template, "spec")
    tolerated = (*_TOLERATED, *((_NO_NETWORK,) if spec.get("hostNetwork") else ()))
    tolerations = list(values(spec, "tolerations"))
    for key, effect in tolerated:
        _tolerate(tolerations, {"key": key, "operator": "Exists", "effect": effect})
    spec["tolerations"] = tolerations
    return template


def _tolerate(tolerations: list[Json], wanted: Json) -> None:
    """Add a toleration, or make the same one for a time one for ever."""
    fields = ("key", "operator", "value", "effect")
    for position, one in enumerate(tolerations):
        if all((one.get(field) or "") == wanted.get(field, "") for field in fields):
            tolerations[position] = wanted
            return
    tolerations.append(wanted)


def template_for(daemon_set: ApiObject, node: str, revision_hash: str) -> Json:
    """Return the template of the pod for one node: bound to it by the scheduler, by affinity."""
    template = template_of(daemon_set)
    labels = ensure(template, "metadata", "labels")
    if generation := annotations_of(daemon_set).get(TEMPLATE_GENERATION):
        labels[GENERATION_LABEL] = generation
    labels[HASH_LABEL] = revision_hash
    required = ensure(template, "spec", "affinity", "nodeAffinity", _REQUIRED)
    field = {"key": NODE_NAME, "operator": "In", "values": [node]}
    required["nodeSelectorTerms"] = [{"matchFields": [field]}]
    return template


def node_of(pod: ApiObject) -> str:
    """Return the node that a pod runs on or is meant for; empty where it does not say."""
    if name := text(pod, "spec", "nodeName"):
        return name
    required = dig(pod, "spec", "affinity", "nodeAffinity", _REQUIRED) or {}
    for term in maps(required, "nodeSelectorTerms"):
        for field in maps(term, "matchFields"):
            if field.get("key") == NODE_NAME and field.get("operator") == "In":
                names = values(field, "values")
                return str(names[0]) if len(names) == 1 else ""
    return ""
