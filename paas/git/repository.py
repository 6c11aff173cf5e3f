"""One bare repository: its refs, its commits, its size, and the lock that orders its pushes."""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from paas.git.commands import attempt, git
from paas.git.errors import GitFailedError, RepositoryBusyError

ZERO = "0" * 40
HEADS, TAGS = "refs/heads/", "refs/tags/"
LOCK_S = 20.0
_LOCK_TICK_S = 0.02
_LOG_FORMAT = "--format=%H%x00%an%x00%ae%x00%cn%x00%ce%x00%s"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, as a Build's revision tells of it."""

    oid: str
    author: tuple[str, str]  # name, address
    committer: tuple[str, str]
    subject: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at `path`."""

    path: Path

    def refs(self, prefix: str = "") -> dict[str, str]:
        """Return refs with what they point to, by name; `prefix` ends with a slash."""
        arguments = ["--format=%(objectname) %(refname)", *([prefix] if prefix else [])]
        lines = git(self.path, "for-each-ref", *arguments).splitlines()
        return {ref: oid for oid, ref in (line.split(" ", 1) for line in lines)}

    def read(self, ref: str) -> str:
        """Return what a ref points to; zeros where there is none."""
        done = attempt(self.path, "rev-parse", "--verify", "--quiet", "--end-of-options", ref)
        return done.stdout.strip() or ZERO

    def transact(self, *lines: str) -> None:
        """Change refs all together or not at all, as `git update-ref --stdin` reads it.

        Raises GitFailedError where a ref is not what a line says, or may not be what it would.
        """
        git(self.path, "update-ref", "--stdin", text="".join(f"{line}\n" for line in lines))

    def commit(self, oid: str) -> Commit:
        """Return a commit. Raises GitFailedError where this is none, or is not here."""
        text = git(self.path, "log", "-1", "--no-show-signature", _LOG_FORMAT, oid, "--")
        found, *people, subject = text.rstrip("\n").split("\0")
        if found != oid:
            raise GitFailedError(f"{oid} is not a commit")
        return Commit(oid, (people[0], people[1]), (people[2], people[3]), subject)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Say whether the history of `new` contains `old`; false where either is no commit."""
        return attempt(self.path, "merge-base", "--is-ancestor", old, new).returncode == 0

    def set_head(self, ref: str) -> None:
        """Let clones check out a branch."""
        head = self.path / "HEAD"
        if head.read_text().strip() != f"ref: {ref}":
            git(self.path, "symbolic-ref", "HEAD", ref)

    def size_bytes(self) -> int:
        """Return how much the objects take: few files, as every push is kept as a pack."""
        total = 0
        for folder, _, names in os.walk(self.path / "objects"):
            for name in names:
                with suppress(FileNotFoundError):  # packed away meanwhile
                    total += (Path(folder) / name).stat().st_size
        return total

    @contextmanager
    def lock(self, *, wait_s: float = LOCK_S) -> Iterator[None]:
        """Hold the repository for a moment, against all processes. Raises RepositoryBusyError."""
        deadline = time.monotonic() + wait_s
        descriptor = os.open(
            self.path / "minato.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            while not _try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise RepositoryBusyError("Another push is busy.", hint="Push again.")
                time.sleep(_LOCK_TICK_S)
            yield
        finally:
            os.close(descriptor)

    def collect_garbage(self, *, timeout_s: float) -> None:
        """Pack what has become much; pushes may go on meanwhile."""
        git(self.path, "gc", "--auto", "--quiet", timeout_s=timeout_s)

    def delete_refs(self, refs: Sequence[str]) -> None:
        """Delete refs of ours."""
        if refs:
            self.transact(*(f"delete {ref}" for ref in refs))


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
