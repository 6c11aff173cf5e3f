"""What a probe's results mean: thresholds and times. Pure. Source: pkg/kubelet/prober/worker.go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STARTUP, LIVENESS, READINESS = "startup", "liveness", "readiness"
KINDS = {STARTUP: "startupProbe", LIVENESS: "livenessProbe", READINESS: "readinessProbe"}
TITLES = {STARTUP: "Startup", LIVENESS: "Liveness", READINESS: "Readiness"}
EAGER_FIRST_S = 0.02
EAGER_EXEC_FIRST_S = 0.25


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is held to be true (None: nothing yet), and the run of equal results it rests on."""

    ok: bool | None = None
    last: bool | None = None
    run: int = 0


def after(verdict: Verdict, *, success: bool, probe: Mapping[str, Any]) -> Verdict:
    """Return the verdict after one more result."""
    run = verdict.run + 1 if verdict.last is success else 1
    key, default = ("successThreshold", 1) if success else ("failureThreshold", 3)
    needed = int(probe.get(key) or default)
    return Verdict(success if run >= needed else verdict.ok, success, run)


def period_s(probe: Mapping[str, Any]) -> float:
    """Return the time between two checks."""
    return float(probe.get("periodSeconds") or 10)


def first_delay_s(probe: Mapping[str, Any], *, running_s: float) -> float:
    """Return how long the first check still waits, for a container that has run so long."""
    return max(0.0, float(probe.get("initialDelaySeconds") or 0) - running_s)


def eager_delay_s(probe: Mapping[str, Any], count: int) -> float | None:
    """Return the wait before the n-th extra check of a container that is not ready yet.

    Upstream allows readiness checks at other times while a container is not ready; ours come
    ever more seldom until the period is reached, then None. They never count as failures.
    """
    first_s = EAGER_EXEC_FIRST_S if "exec" in probe else EAGER_FIRST_S
    delay_s = first_s * 2.0**count
    return delay_s if delay_s < period_s(probe) else None
