"""The repositories on disk: made when first used, kept as long as their BuildConfig.

A repository belongs to one life of a BuildConfig, by its uid: a new one of an old name never sees
what the old one held. What is discarded lies in the trash for a while, from which it comes back
when its BuildConfig does (a restored backup).
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from paas.core.objects import new_uid
from paas.git.commands import git
from paas.git.locations import RepositoryName
from paas.git.repository import Repository

TRASH, FRESH = ".trash", ".new"
UID_FILE = "minato-uid"
FIRST_BRANCH = "main"


@dataclass(frozen=True, slots=True)
class Repositories:
    """All repositories below `root`, `<project>/<app>.git` each."""

    root: Path

    def open(self, name: RepositoryName, uid: str) -> Repository:
        """Return the repository of a BuildConfig with this uid, made or taken back if need be."""
        repository = self.at(name)
        held = uid_of(repository.path)
        if held == uid:
            return repository
        if held:
            self.discard(name)
        self._place(repository.path, uid)
        return repository

    def at(self, name: RepositoryName) -> Repository:
        """Return a repository by its name, whether or not it is there."""
        return Repository(self.root / name.project / f"{name.app}.git")

    def all(self) -> Iterator[tuple[RepositoryName, str]]:
        """Yield each repository with the uid of its BuildConfig."""
        for path in sorted(self.root.glob("[!.]*/*.git")):
            yield RepositoryName(path.parent.name, path.name.removesuffix(".git")), uid_of(path)

    def discard(self, name: RepositoryName) -> None:
        """Put a repository into the trash."""
        path = self.at(name).path
        target = self.root / TRASH / (uid_of(path) or new_uid())
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if target.exists():
            target = target.with_name(new_uid())
        with suppress(FileNotFoundError):  # another process was quicker
            path.rename(target)
            (target / "minato-discarded").write_text(str(int(time.time())))
        with suppress(OSError):  # other repositories of the project are still there
            path.parent.rmdir()

    def purge(self, *, before: float) -> list[str]:
        """Delete for good what was discarded before a time (seconds since 1970); return it."""
        gone = []
        for path in (self.root / TRASH).glob("*"):
            if _discarded_at(path) < before:
                shutil.rmtree(path, ignore_errors=True)
                gone.append(path.name)
        for path in (self.root / FRESH).glob("*"):
            if path.stat().st_mtime < before:
                shutil.rmtree(path, ignore_errors=True)
        return gone

    def _place(self, path: Path, uid: str) -> None:
        """Put a repository at a path in one rename; another process may be quicker."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        thrown_away = self.root / TRASH / uid
        source = thrown_away if thrown_away.exists() else self._fresh(uid)
        (source / "minato-discarded").unlink(missing_ok=True)
        try:
            source.rename(path)
        except OSError:
            if uid_of(path) != uid:
                raise
            shutil.rmtree(source, ignore_errors=True)

    def _fresh(self, uid: str) -> Path:
        path = self.root / FRESH / new_uid()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = ("--bare", "--quiet", "--template=", f"--initial-branch={FIRST_BRANCH}")
        git(path, "init", *options, str(path))
        (path / UID_FILE).write_text(uid)
        return path


def uid_of(path: Path) -> str:
    """Return the uid of the BuildConfig that a repository belongs to; "" without repository."""
    try:
        return (path / UID_FILE).read_text()
    except FileNotFoundError:
        return ""


def _discarded_at(path: Path) -> float:
    try:
        return float((path / "minato-discarded").read_text())
    except (FileNotFoundError, ValueError):
        return path.stat().st_mtime
