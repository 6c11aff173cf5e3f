"""Moves the built branch when a build has succeeded; safe to repeat, from any process.

The branch is moved only from what the pusher saw or along its own history, so that of two pushes
neither undoes the other unseen.
"""

from enum import Enum

from paas.git.errors import GitFailedError
from paas.git.policy import BASES, BUILDS
from paas.git.repository import HEADS, ZERO, Repository


class Moved(Enum):
    """What became of the branch."""

    MOVED = "moved"
    ALREADY = "already"
    """The branch has the commit, at its tip or in its history."""
    ELSEWHERE = "elsewhere"
    """The branch has meanwhile gone another way: it stays."""


def branch_move(repository: Repository, *, branch: str, number: int, commit: str) -> Moved:
    """Let the branch point to the commit that build `number` has built.

    `branch` may be short. Raises GitFailedError where the repository lacks the commit.
    """
    ref = branch if branch.startswith("refs/") else HEADS + branch
    with repository.lock():
        tip = repository.read(ref)
        base = repository.read(f"{BASES}{number}")
        keep = f"update {BUILDS}{number} {commit}"
        if tip == commit or (tip != ZERO and repository.is_ancestor(commit, tip)):
            return Moved.ALREADY
        if tip not in {ZERO, base} and not repository.is_ancestor(tip, commit):
            return Moved.ELSEWHERE
        if not ref.startswith(HEADS):
            raise GitFailedError(f"{ref} is not a branch")
        repository.transact(keep, f"update {ref} {commit} {tip}")
        return Moved.MOVED
