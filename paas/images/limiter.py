"""Slows down whoever guesses passwords: failures are counted by address and name."""

import threading
from collections import deque
from collections.abc import Callable

FAILURES_MAX = 10
WINDOW_S = 60.0
KEYS_MAX = 10_000


class FailureLimiter:
    """Ten failures a minute for one key, then refusal until the oldest is a minute old."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, deque[float]] = {}

    def wait_s(self, key: str) -> float:
        """Return how long the key must wait; 0 where it may try."""
        with self._lock:
            times = self._recent(key)
            if len(times) < FAILURES_MAX:
                return 0.0
            return max(times[0] + WINDOW_S - self._clock(), 0.001)

    def failed(self, key: str) -> None:
        """Count a failure."""
        with self._lock:
            if len(self._failures) >= KEYS_MAX:
                self._failures.clear()  # bounded memory is worth more than one minute's counts
            times = self._recent(key)
            times.append(self._clock())
            self._failures[key] = times

    def _recent(self, key: str) -> deque[float]:
        times = self._failures.get(key) or deque(maxlen=FAILURES_MAX)
        horizon = self._clock() - WINDOW_S
        while times and times[0] <= horizon:
            times.popleft()
        return times
