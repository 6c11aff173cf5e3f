"""Threads that all projects share, of which none may have more than its part.

They are made when they are needed. What a project asks for beyond its part waits for its own.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

Work = Callable[[], None]


class FairPool:
    """Runs work in at most `threads` threads, for each owner in at most `share` at a time."""

    def __init__(self, *, threads: int, share: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._share = share
        self._lock = threading.Lock()
        self._busy: Counter[str] = Counter()
        self._waiting: dict[str, deque[Work]] = {}

    def submit(self, owner: str, work: Work) -> None:
        """Run `work`, which must not raise, as soon as its owner has a turn."""
        with self._lock:
            if self._busy[owner] >= self._share:
                self._waiting.setdefault(owner, deque()).append(work)
                return
            self._busy[owner] += 1
        self._begin(owner, work)

    def stop(self) -> None:
        """Let running work end; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, owner: str, work: Work) -> None:
        with suppress(RuntimeError):  # stopped meanwhile
            self._pool.submit(self._run, owner, work)

    def _run(self, owner: str, work: Work) -> None:
        try:
            work()
        finally:
            if (following := self._next(owner)) is not None:
                self._begin(owner, following)  # behind what others have asked for

    def _next(self, owner: str) -> Work | None:
        """Return what the owner has waiting, or give its turn back."""
        with self._lock:
            if waiting := self._waiting.get(owner):
                return waiting.popleft()
            self._waiting.pop(owner, None)
            self._busy[owner] -= 1
            if not self._busy[owner]:
                del self._busy[owner]
            return None
