"""The work queue: each key once, never with two workers at once, delays and back-off per key.

Behaves as client-go's rate-limiting queue. Nothing polls: a waiting worker sleeps until a key is
added or the first delayed one is due. Source: k8s.io/client-go/util/workqueue.
"""

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from paas.core.objects import ObjectKey


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait after the n-th failure in a row: `base_s` doubled each time up to `max_s`.

    The defaults are client-go's (5 ms to 1000 s).
    """

    base_s: float = 0.005
    max_s: float = 1000.0

    def delay_s(self, failures: int) -> float:
        """Return the wait after so many failures in a row (1 is the first)."""
        return min(self.base_s * 2.0 ** min(failures - 1, 60), self.max_s)


@dataclass(slots=True)
class QueueMetrics:
    """Counters since the start; `depth` and `delayed` are of now.

    `waited_s` sums the time keys lay ready before a worker took them, `worked_s` the time workers
    spent on them.
    """

    depth: int = 0
    delayed: int = 0
    adds: int = 0
    retries: int = 0
    taken: int = 0
    waited_s: float = 0.0
    worked_s: float = 0.0


class WorkQueue:
    """Keys to look at. Safe from any thread. `clock` counts seconds and never goes back."""

    def __init__(
        self,
        *,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._changed = threading.Condition()
        self._ready: deque[ObjectKey] = deque()
        self._dirty: dict[ObjectKey, float] = {}
        self._working: dict[ObjectKey, float] = {}
        self._due: dict[ObjectKey, float] = {}
        self._heap: list[tuple[float, int, ObjectKey]] = []
        self._order = itertools.count()
        self._failures: dict[ObjectKey, int] = {}
        self._closed = False
        self._metrics = QueueMetrics()

    def __len__(self) -> int:
        with self._changed:
            return len(self._ready)

    def add(self, key: ObjectKey) -> None:
        """Queue a key; nothing happens if it lies ready. One being worked on comes back after."""
        with self._changed:
            self._add(key)

    def add_after(self, key: ObjectKey, delay_s: float) -> None:
        """Queue a key once `delay_s` have passed; of several delays the earliest holds."""
        if delay_s <= 0:
            self.add(key)
            return
        with self._changed:
            due = self._clock() + delay_s
            if self._closed or self._due.get(key, due + 1) <= due:
                return
            self._due[key] = due
            heapq.heappush(self._heap, (due, next(self._order), key))
            self._changed.notify()

    def retry(self, key: ObjectKey) -> float:
        """Queue a key that failed, after its back-off; return the seconds it waits."""
        with self._changed:
            failures = self._failures.get(key, 0) + 1
            self._failures[key] = failures
            self._metrics.retries += 1
        delay_s = self._backoff.delay_s(failures)
        self.add_after(key, delay_s)
        return delay_s

    def forget(self, key: ObjectKey) -> None:
        """Take the key's failures as healed."""
        with self._changed:
            self._failures.pop(key, None)

    def failures(self, key: ObjectKey) -> int:
        """Return how often in a row the key has failed."""
        with self._changed:
            return self._failures.get(key, 0)

    def get(self, timeout_s: float | None = None) -> ObjectKey | None:
        """Wait for a key and take it; None when the queue is closed or the time is over.

        Whoever takes a key calls `done` when finished.
        """
        give_up = None if timeout_s is None else self._clock() + timeout_s
        with self._changed:
            while True:
                self._release_due()
                if self._closed:
                    return None
                if self._ready:
                    return self._take()
                if give_up is not None and self._clock() >= give_up:
                    return None
                wait_s = self._patience(give_up)
                if wait_s is None or wait_s > 0:  # else a key has just become due: not the end
                    self._changed.wait(wait_s)

    def done(self, key: ObjectKey) -> None:
        """Give a key back; it lies ready again at once if it was added meanwhile."""
        with self._changed:
            self._metrics.worked_s += self._clock() - self._working.pop(key)
            if key in self._dirty:
                self._ready.append(key)
                self._changed.notify()

    def close(self) -> None:
        """End every wait; from now on `get` returns None and nothing is added."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def metrics(self) -> QueueMetrics:
        """Return a copy of the counters."""
        with self._changed:
            now = self._metrics
            return QueueMetrics(
                depth=len(self._ready),
                delayed=len(self._due),
                adds=now.adds,
                retries=now.retries,
                taken=now.taken,
                waited_s=now.waited_s,
                worked_s=now.worked_s,
            )

    def _add(self, key: ObjectKey) -> None:
        if self._closed or key in self._dirty:
            return
        self._metrics.adds += 1
        self._dirty[key] = self._clock()
        if key not in self._working:
            self._ready.append(key)
            self._changed.notify()

    def _take(self) -> ObjectKey:
        key = self._ready.popleft()
        now = self._clock()
        self._metrics.taken += 1
        self._metrics.waited_s += now - self._dirty.pop(key)
        self._working[key] = now
        return key

    def _release_due(self) -> None:
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:  # else an earlier delay has replaced this entry
                del self._due[key]
                self._add(key)

    def _patience(self, give_up: float | None) -> float | None:
        moments = [moment for moment in (give_up, self._next_due()) if moment is not None]
        return min(moments) - self._clock() if moments else None

    def _next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None
