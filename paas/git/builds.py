"""What a push needs of builds and roll-outs: the seam, its data, and a way to stop waiting."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from paas.core.actors import Actor
from paas.git.locations import RepositoryName
from paas.git.repository import Commit


class Stop:
    """Tells a thread that nobody waits for it any more. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closers: list[Callable[[], None]] = []
        self.event = threading.Event()

    def set(self) -> None:
        """Stop, once."""
        with self._lock:
            self.event.set()
            closers, self._closers = self._closers, []
        for close in closers:
            close()

    def on_set(self, close: Callable[[], None]) -> None:
        """Call `close` when it is set; at once if it is."""
        with self._lock:
            if not self.event.is_set():
                self._closers.append(close)
                return
        close()


@dataclass(frozen=True, slots=True)
class PushedBuild:
    """A build of a commit. `number` counts the builds of its BuildConfig."""

    name: str
    number: int
    commit: str


@dataclass(frozen=True, slots=True)
class BuildResult:
    """How a build ended. `reason` is one word, `message` says more and what to do."""

    succeeded: bool
    reason: str = ""
    message: str = ""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Release:
    """How the roll-out of a build's image ended; `said` is what a pod wrote last that failed."""

    ready: bool
    message: str = ""
    said: bytes = b""
    urls: tuple[str, ...] = ()
    duration_s: float = 0.0


class PushBuilds(Protocol):
    """Builds, as a push sees them. Blocking; what waits ends soon after `stop` is set."""

    def start(self, actor: Actor, repository: RepositoryName, commit: Commit) -> PushedBuild:
        """Start a build of a commit that is in the repository. Raises PaasError."""

    def pending(self, repository: RepositoryName) -> Sequence[PushedBuild]:
        """Return the builds that have not ended, oldest first."""

    def log(self, repository: RepositoryName, build: PushedBuild, stop: Stop) -> Iterator[bytes]:
        """Yield the build's log from its beginning, as it is written, to its end."""

    def result(
        self, repository: RepositoryName, build: PushedBuild, stop: Stop
    ) -> BuildResult | None:
        """Return how the build ended, when it has; None when stopped."""

    def release(self, repository: RepositoryName, build: PushedBuild, stop: Stop) -> Release | None:
        """Return how the roll-out of its image ended, when it has; None when stopped."""
