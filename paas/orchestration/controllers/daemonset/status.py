"""A DaemonSet's status, counted by nodes. Pure. Source: apps/v1 DaemonSetStatus."""

import copy
from typing import Any

from paas.core.pods import available_in_s, is_ready
from paas.core.shape import number, submap
from paas.orchestration.controllers.daemonset.plan import Facts


def status_of(facts: Facts) -> dict[str, Any]:
    """Return the status that these pods make; of each node the first pod counts.

    What else is in the status stays: collisionCount, and conditions, which are others' to write.
    """
    wanted = [name for name, verdict in facts.verdicts.items() if verdict.should_run]
    first = [facts.pods[name][0] for name in wanted if facts.pods.get(name)]
    stray = [
        name
        for name, verdict in facts.verdicts.items()
        if not verdict.should_run and facts.pods.get(name)
    ]
    available = sum(1 for pod in first if facts.is_available(pod))
    old = submap(facts.daemon_set, "status")
    status: dict[str, Any] = {
        **copy.deepcopy(old),
        "currentNumberScheduled": len(first),
        "numberMisscheduled": len(stray),
        "desiredNumberScheduled": len(wanted),
        "numberReady": sum(1 for pod in first if is_ready(pod)),
    }
    more = {
        "updatedNumberScheduled": sum(1 for pod in first if facts.is_updated(pod)),
        "numberAvailable": available,
        "numberUnavailable": len(wanted) - available,
        "observedGeneration": facts.daemon_set["metadata"].get("generation", 0),
    }
    for key, count in more.items():
        status.pop(key, None)
        if count:
            status[key] = count
    return status


def next_available_s(facts: Facts) -> float | None:
    """Return the seconds until the next ready pod becomes available, or None."""
    least_s = number(facts.daemon_set, "spec", "minReadySeconds") or 0
    waits = [
        available_in_s(pod, min_ready_s=least_s, now=facts.now)
        for pods in facts.pods.values()
        for pod in pods
    ]
    return min((wait for wait in waits if wait), default=None)
