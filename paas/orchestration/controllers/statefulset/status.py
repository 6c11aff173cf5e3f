"""What a StatefulSet's status says. Pure. Source: apps/v1 StatefulSetStatus."""

from paas.core.objects import is_deleting, labels_of
from paas.core.shape import Json, number, text
from paas.orchestration.controllers.revisions.plan import HASH_LABEL
from paas.orchestration.controllers.statefulset.plan import Facts, is_running_ready


def status_of(facts: Facts) -> Json:
    """Count the pods; a roll-out that is complete makes its revision the current one."""
    owner = facts.owner
    pods = [*facts.pods.values(), *facts.condemned]
    marks = [labels_of(pod).get(HASH_LABEL) for pod in pods if not is_deleting(pod)]
    ready = [pod for pod in pods if is_running_ready(pod)]
    counts = {
        "readyReplicas": len(ready),
        "currentReplicas": marks.count(facts.current),
        "updatedReplicas": marks.count(facts.update),
    }
    current = facts.current
    if _is_complete(facts, counts, len(pods)):
        current, counts["currentReplicas"] = facts.update, counts["updatedReplicas"]
    return {
        "observedGeneration": owner["metadata"].get("generation", 0),
        "replicas": len(pods),
        "availableReplicas": sum(1 for pod in ready if facts.is_available(pod)),
        "currentRevision": current,
        "updateRevision": facts.update,
        "collisionCount": number(owner, "status", "collisionCount") or 0,
        **{name: count for name, count in counts.items() if count},
    }


def _is_complete(facts: Facts, counts: Json, total: int) -> bool:
    wanted = number(facts.owner, "spec", "replicas") or 0
    rolls = text(facts.owner, "spec", "updateStrategy", "type") == "RollingUpdate"
    return rolls and {counts["updatedReplicas"], counts["readyReplicas"], total} == {wanted}


def next_available_s(facts: Facts) -> float | None:
    """Return the seconds until the next ready pod becomes available, or None."""
    pods = [*facts.pods.values(), *facts.condemned]
    waits = (facts.available_in_s(pod) for pod in pods)
    return min((wait for wait in waits if wait), default=None)
