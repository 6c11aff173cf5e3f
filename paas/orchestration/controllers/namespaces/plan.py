"""What a terminating namespace says about what is left in it. Pure.

Source: k8s.io/kubernetes/pkg/controller/namespace/deletion (conditions and their words).
"""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from paas.apimachinery.kinds import Kind
from paas.core.conditions import set_condition
from paas.core.objects import ApiObject

FINALIZER = "kubernetes"


def left_message(left: Mapping[str, Sequence[ApiObject]]) -> str:
    """Return how many objects of each resource remain, in upstream's words."""
    pieces = [
        f"{spelled(resource)} has {len(objects)} resource instances"
        for resource, objects in sorted(left.items())
        if objects
    ]
    return f"Some resources are remaining: {', '.join(pieces)}" if pieces else ""


def finalizers_message(left: Mapping[str, Sequence[ApiObject]]) -> str:
    """Return which finalizers hold them."""
    names = Counter(
        name
        for objects in left.values()
        for obj in objects
        for name in obj["metadata"].get("finalizers") or ()
    )
    pieces = [f"{name} in {count} resource instances" for name, count in sorted(names.items())]
    if not pieces:
        return ""
    return f"Some content in the namespace has finalizers remaining: {', '.join(pieces)}"


def spelled(resource: str) -> str:
    """Return `pods.` for `pods`: upstream writes the empty group too."""
    return resource if "." in resource else f"{resource}."


def status_of(
    namespace: ApiObject,
    left: Mapping[str, Sequence[ApiObject]],
    failures: Sequence[str],
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return the Namespace's status with all five conditions."""
    status = copy.deepcopy(namespace.get("status") or {})
    status["phase"] = "Terminating"
    facts = (
        (
            "NamespaceDeletionDiscoveryFailure",
            "",
            ("", "ResourcesDiscovered", "All resources successfully discovered"),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "",
            ("", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ),
        (
            "NamespaceDeletionContentFailure",
            ", ".join(failures),
            (
                "ContentDeletionFailed",
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
        ),
        (
            "NamespaceContentRemaining",
            left_message(left),
            ("SomeResourcesRemain", "ContentRemoved", "All content successfully removed"),
        ),
        (
            "NamespaceFinalizersRemaining",
            finalizers_message(left),
            (
                "SomeFinalizersRemain",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
        ),
    )
    for kind, trouble, (bad, good, words) in facts:
        set_condition(
            status,
            kind=kind,
            value=bool(trouble),
            reason=bad if trouble else good,
            message=trouble or words,
            now=now,
        )
    return status


def in_order(kinds: Sequence[Kind]) -> list[list[Kind]]:
    """Return the kinds in the order they are emptied: pods first, then what pods need."""
    pods = [kind for kind in kinds if kind.resource == "pods"]
    return [pods, [kind for kind in kinds if kind.resource != "pods"]]
