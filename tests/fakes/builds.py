"""Builds as a push sees them, in memory: each goes exactly as far as the test lets it."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from paas.core.actors import Actor
from paas.core.errors import ForbiddenError
from paas.git.builds import BuildResult, PushedBuild, Release, Stop
from paas.git.locations import RepositoryName
from paas.git.repository import Commit

WAIT_S = 60.0


@dataclass(slots=True)
class FakeBuild:
    """One build. The test writes to its log and ends it."""

    repository: RepositoryName
    build: PushedBuild
    actor: Actor
    commit: Commit
    changed: threading.Condition = field(default_factory=threading.Condition)
    pieces: list[bytes] = field(default_factory=list)
    ended: BuildResult | None = None
    released: Release | None = None

    def write(self, text: str | bytes) -> None:
        with self.changed:
            self.pieces.append(text if isinstance(text, bytes) else text.encode())
            self.changed.notify_all()

    def end(self, result: BuildResult, release: Release | None = None) -> None:
        with self.changed:
            self.ended = result
            self.released = release or Release(ready=True, urls=("https://web.example/",))
            self.changed.notify_all()

    def read(self, position: int, stop: Stop) -> bytes | None:
        """Wait for a piece of the log; None at its end."""

        def has_news() -> bool:
            return len(self.pieces) > position or bool(self.ended) or stop.event.is_set()

        with self.changed:
            assert self.changed.wait_for(has_news, WAIT_S), "the test let the build go on for ever"
            ends = stop.event.is_set() or len(self.pieces) == position
            return None if ends else self.pieces[position]

    def wake(self) -> None:
        with self.changed:
            self.changed.notify_all()


class FakeBuilds:
    """Builds of one repository. `automatic` ends each at once, with this result."""

    def __init__(self) -> None:
        self.made: list[FakeBuild] = []
        self.automatic: BuildResult | None = None
        self.automatic_release: Release | None = None
        self.refusal: str = ""
        self._news = threading.Condition()

    def start(self, actor: Actor, repository: RepositoryName, commit: Commit) -> PushedBuild:
        if self.refusal:
            raise ForbiddenError(self.refusal)
        with self._news:
            number = len(self.made) + 1
            build = PushedBuild(f"{repository.app}-{number}", number, commit.oid)
            one = FakeBuild(repository, build, actor, commit)
            self.made.append(one)
            if self.automatic is not None:
                one.write(f"building {commit.subject}\n")
                one.end(self.automatic, self.automatic_release)
            self._news.notify_all()
        return build

    def pending(self, repository: RepositoryName) -> Sequence[PushedBuild]:
        mine = (one for one in self.made if one.repository == repository)
        return [one.build for one in mine if one.ended is None]

    def log(self, repository: RepositoryName, build: PushedBuild, stop: Stop) -> Iterator[bytes]:
        one, position = self._of(repository, build), 0
        stop.on_set(one.wake)
        while (piece := one.read(position, stop)) is not None:
            yield piece
            position += 1

    def result(
        self, repository: RepositoryName, build: PushedBuild, stop: Stop
    ) -> BuildResult | None:
        return None if stop.event.is_set() else self._of(repository, build).ended

    def release(self, repository: RepositoryName, build: PushedBuild, stop: Stop) -> Release | None:
        return None if stop.event.is_set() else self._of(repository, build).released

    def wait_for(self, number: int) -> FakeBuild:
        """Return a build as soon as it has begun."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.made) >= number, WAIT_S), "no build began"
            return self.made[number - 1]

    def _of(self, repository: RepositoryName, build: PushedBuild) -> FakeBuild:
        one = self.made[build.number - 1]
        assert one.repository == repository
        return one
