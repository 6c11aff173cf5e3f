"""What becomes of the refs of a push: built, stored or refused. Decides, touches nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from paas.git.repository import HEADS, TAGS, ZERO

PREFERRED = ("refs/heads/main", "refs/heads/master")
NO_RIGHT = "needs the right to update the BuildConfig (role 'edit')"


@dataclass(frozen=True, slots=True)
class Command:
    """One ref as the pusher wants it: `old` is what they have seen, zeros where nothing."""

    old: str
    new: str
    ref: str

    @property
    def deletes(self) -> bool:
        """Say whether the ref shall go."""
        return self.new == ZERO

    @property
    def creates(self) -> bool:
        """Say whether the pusher has seen no such ref."""
        return self.old == ZERO


class Action(Enum):
    """What is done with a command."""

    BUILD = "build"
    STORE = "store"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Step:
    """A command with what is done about it; `reason` says why it is refused."""

    command: Command
    action: Action
    reason: str = ""


def built_branch(configured: str, commands: Sequence[Command]) -> str:
    """Return the ref that is built: the configured one, else the first branch ever pushed.

    "" where nothing is configured and no branch is pushed. A configured tag is never built by a
    push. `configured` is a BuildConfig's `spec.source.git.ref`.
    """
    if configured:
        return configured if configured.startswith("refs/") else HEADS + configured
    pushed = [one.ref for one in commands if one.ref.startswith(HEADS) and not one.deletes]
    return next((ref for ref in PREFERRED if ref in pushed), pushed[0] if pushed else "")


def plan(commands: Sequence[Command], *, built: str, may_rewrite: bool) -> list[Step]:
    """Return a step for each command, in their order."""
    return [_step(command, built, may_rewrite=may_rewrite) for command in commands]


def _step(command: Command, built: str, *, may_rewrite: bool) -> Step:
    if reason := _refusal(command, built, may_rewrite=may_rewrite):
        return Step(command, Action.REFUSE, reason)
    is_built = command.ref == built and command.ref.startswith(HEADS)
    return Step(command, Action.BUILD if is_built else Action.STORE)


def _refusal(command: Command, built: str, *, may_rewrite: bool) -> str:
    if not command.ref.startswith((HEADS, TAGS)):
        return "only branches and tags are kept here"
    if any(part.startswith("-") for part in command.ref.split("/")):
        return "a name may not begin with '-'"
    if command.deletes and command.ref == built:
        return "this branch is the one that is built"
    if command.deletes and not may_rewrite:
        return f"deleting {NO_RIGHT}"
    if command.ref.startswith(TAGS) and not command.creates and not may_rewrite:
        return f"moving a tag {NO_RIGHT}"
    return ""
