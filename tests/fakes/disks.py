"""Volumes of a machine that is not there: names, sizes and what is written on them."""

import threading
from pathlib import Path

from paas.orchestration.nodeagent.errors import MountFailedError


class FakeDisks:
    """Remembers each volume with its size; `full` lets nothing more be made.

    `touched` are those that a pod has had.
    """

    def __init__(self):
        self.sizes: dict[str, int] = {}
        self.touched: set[str] = set()
        self.made = 0
        self.full = False
        self._lock = threading.Lock()

    def create(self, name: str, size_bytes: int) -> Path:
        with self._lock:
            if self.full:
                raise MountFailedError("the disk is full")
            if name not in self.sizes:
                self.made += 1
            self.sizes.setdefault(name, size_bytes)
        return Path("/volumes") / name / "data"

    def grow(self, name: str, size_bytes: int, *, is_used: bool) -> bool:
        with self._lock:
            if is_used:
                return self.sizes[name] >= size_bytes
            self.sizes[name] = max(self.sizes[name], size_bytes)
        return True

    def remove(self, name: str) -> None:
        with self._lock:
            self.sizes.pop(name, None)

    def untouched(self, besides) -> list[str]:
        with self._lock:
            return sorted(self.sizes.keys() - set(besides) - self.touched)
