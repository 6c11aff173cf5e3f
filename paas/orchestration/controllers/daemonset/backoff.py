"""How long failed pods of a node are left before the next try: 1 s, doubled up to 15 minutes.

Kept in memory, as upstream does: a process that starts anew begins at 1 s again.
Source: k8s.io/client-go/util/flowcontrol.Backoff as the DaemonSet controller uses it.
"""

import threading
from datetime import datetime, timedelta

FIRST_S, MAX_S = 1.0, 900.0

_Place = tuple[str, int, str]


class FailedPods:
    """Remembers, by DaemonSet, generation and node, when a failed pod was last deleted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries: dict[_Place, tuple[datetime, float]] = {}

    def waits(self, uid: str, generation: int, *, now: datetime) -> dict[str, float]:
        """Return the seconds left, for the nodes of a DaemonSet where there are any."""
        with self._lock:
            found = {
                node: (since + timedelta(seconds=delay_s) - now).total_seconds()
                for (owner, at, node), (since, delay_s) in self._tries.items()
                if (owner, at) == (uid, generation)
            }
        return {node: left_s for node, left_s in found.items() if left_s > 0}

    def note(self, uid: str, generation: int, node: str, *, now: datetime) -> None:
        """Count one more; after twice the longest wait without any, it is the first again."""
        place = (uid, generation, node)
        with self._lock:
            since, delay_s = self._tries.get(place, (now, 0.0))
            if now - since > timedelta(seconds=2 * MAX_S):
                delay_s = 0.0
            self._tries[place] = (now, min(2 * delay_s, MAX_S) if delay_s else FIRST_S)

    def forget(self, uid: str, *, keep: int | None = None) -> None:
        """Drop what is known of a DaemonSet, but for one generation."""
        with self._lock:
            gone = [place for place in self._tries if place[0] == uid and place[1] != keep]
            for place in gone:
                del self._tries[place]
