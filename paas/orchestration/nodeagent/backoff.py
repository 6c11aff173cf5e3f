"""How long a crashed container or a failed pull waits. Pure; nothing is remembered here.

Source: kubelet: 10 s, doubled up to 300 s, forgotten after 10 minutes; the first restart at once.
"""

from datetime import datetime, timedelta

from paas.orchestration.nodeagent.labels import backoff_of
from paas.runtime.base import ContainerState

FIRST_S = 10
MAX_S = 300
FORGOTTEN_AFTER_S = 600


def doubled_s(previous_s: int) -> int:
    """Return the delay after one of `previous_s`; 0 means there was none yet."""
    return min(previous_s * 2, MAX_S) if previous_s else FIRST_S


def restart_delay_s(applied_s: int | None, ran_s: float) -> int:
    """Return the delay before the next start.

    `applied_s` is the delay that preceded the start that ended, None if that was the first one;
    `ran_s` is how long it ran.
    """
    if applied_s is None or ran_s >= FORGOTTEN_AFTER_S:
        return 0
    return doubled_s(applied_s)


def ended_at(state: ContainerState, default: datetime) -> datetime:
    """Return when a container ended; one that never started ended when it was created."""
    return state.finished_at or state.created_at or default


def restart_due(state: ContainerState, now: datetime) -> tuple[int, datetime]:
    """Return the delay (s) an ended container waits, and the moment that delay is over."""
    end = ended_at(state, now)
    ran_s = (end - state.started_at).total_seconds() if state.started_at else 0.0
    delay_s = restart_delay_s(backoff_of(state), ran_s)
    return delay_s, end + timedelta(seconds=delay_s)
