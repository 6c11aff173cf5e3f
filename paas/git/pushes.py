"""Takes a push in: stores what is stored, begins what is built, refuses the rest. Blocking.

The pushed commit is durable under a ref of ours before its build exists. Whoever holds the
repository's lock sees all builds that earlier pushes began.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from paas.apimachinery.options import Patch
from paas.cluster.client import Cluster
from paas.core.errors import PaasError
from paas.core.objects import dig, new_uid, uid_of
from paas.git.access import ACTOR, BUILD_CONFIGS, Visitor
from paas.git.branches import Moved, branch_move
from paas.git.builds import PushBuilds, PushedBuild
from paas.git.errors import GitFailedError
from paas.git.plans import NO_RIGHT, Action, Command, Step, built_branch, plan
from paas.git.policy import BASES, BUILDS, PUSHES
from paas.git.repositories import Repositories
from paas.git.repository import HEADS, ZERO, Repository
from paas.git.terminal import short_name, stored

log = structlog.get_logger(__name__)
_STALE = "it has moved meanwhile; fetch first"


class RefusedError(Exception):
    """A command is refused; the text says why, in a line."""


@dataclass(frozen=True, slots=True)
class BuildBegun:
    """The command whose commit is being built; `joined` says that it was already."""

    command: Command
    build: PushedBuild
    joined: bool


@dataclass(slots=True)
class Taken:
    """What was done with a push. `refused` holds a reason by ref; `said` is for the terminal."""

    refused: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    begun: BuildBegun | None = None


class PushDesk:
    """Takes pushes in for any number of threads and processes."""

    def __init__(self, cluster: Cluster, repositories: Repositories, builds: PushBuilds) -> None:
        self._cluster = cluster
        self._repositories = repositories
        self._builds = builds

    def take(self, visitor: Visitor, commands: Sequence[Command]) -> Taken:
        """Do what can be done at once. Raises PaasError where the repository cannot be used."""
        repository = self._repositories.open(visitor.repository, uid_of(visitor.config))
        taken = Taken()
        with repository.lock():
            built = built_branch(self._configured(visitor), commands)
            for step in plan(commands, built=built, may_rewrite=visitor.may_rewrite):
                try:
                    self._do(visitor, repository, step, built, taken)
                except RefusedError as refusal:
                    taken.refused[step.command.ref] = str(refusal)
        return taken

    def finish(self, visitor: Visitor, begun: BuildBegun) -> Moved:
        """Move the branch after its build has succeeded; the worker may have been quicker."""
        build = begun.build
        repository = self._repositories.at(visitor.repository)
        return branch_move(
            repository, branch=begun.command.ref, number=build.number, commit=build.commit
        )

    def _configured(self, visitor: Visitor) -> str:
        """Return the branch of the BuildConfig as it is now: another push may have chosen it."""
        name = visitor.repository
        config = self._cluster.get(ACTOR, BUILD_CONFIGS, name.app, name.project)
        return str(dig(config, "spec", "source", "git", "ref") or "")

    def _do(
        self, visitor: Visitor, repository: Repository, step: Step, built: str, taken: Taken
    ) -> None:
        command = step.command
        if step.action is Action.REFUSE:
            raise RefusedError(step.reason)
        _check_rewrite(visitor, repository, command)
        if step.action is Action.STORE:
            _store(repository, command)
            taken.said.append(stored(command, built))
        else:
            taken.begun = self._build(visitor, repository, command)

    def _build(self, visitor: Visitor, repository: Repository, command: Command) -> BuildBegun:
        held = f"{PUSHES}{int(time.time())}-{new_uid()}"
        try:
            commit = repository.commit(command.new)
            repository.transact(
                f"verify {command.ref} {command.old}", f"create {held} {command.new}"
            )
        except GitFailedError as error:
            stale = repository.read(command.ref) != command.old
            raise RefusedError(_STALE if stale else "a branch points to a commit") from error
        try:
            if (running := self._running(visitor, repository, command)) is not None:
                repository.delete_refs([held])
                return BuildBegun(command, running, joined=True)
            self._remember_branch(visitor, command.ref)
            build = self._builds.start(visitor.actor, visitor.repository, commit)
        except PaasError as error:
            repository.delete_refs([held])
            raise RefusedError(str(error)) from error
        _record(repository, command, build, held)
        log.info("push_taken", repository=str(visitor.repository), build=build.name)
        return BuildBegun(command, build, joined=False)

    def _running(
        self, visitor: Visitor, repository: Repository, command: Command
    ) -> PushedBuild | None:
        """Return the build of this very commit that has not ended.

        Raises RefusedError where another commit is being built that this one would undo.
        """
        pending = self._builds.pending(visitor.repository)
        for build in pending:
            if not repository.is_ancestor(build.commit, command.new):
                raise RefusedError(
                    f"{build.name} builds another commit now; wait for its end or cancel it"
                )
        return next((one for one in reversed(pending) if one.commit == command.new), None)

    def _remember_branch(self, visitor: Visitor, ref: str) -> None:
        """Let the first branch pushed be the one that is built from now on."""
        name = visitor.repository
        if not self._configured(visitor):
            body = {"spec": {"source": {"git": {"ref": short_name(ref)}}}}
            patch = Patch("merge", body)
            self._cluster.patch(ACTOR, BUILD_CONFIGS, name.app, name.project, patch=patch)


def _check_rewrite(visitor: Visitor, repository: Repository, command: Command) -> None:
    """Raise RefusedError where history would be undone by somebody who may not."""
    if visitor.may_rewrite or command.creates or not command.ref.startswith(HEADS):
        return
    if not repository.is_ancestor(command.old, command.new):
        raise RefusedError(f"a push that is not a fast-forward {NO_RIGHT}")


def _store(repository: Repository, command: Command) -> None:
    if command.deletes:
        line = f"delete {command.ref} {command.old}"
    else:
        line = f"update {command.ref} {command.new} {command.old}"
    try:
        repository.transact(line)
    except GitFailedError as error:
        stale = repository.read(command.ref) != command.old
        raise RefusedError(_STALE if stale else error.output or error.message) from error


def _record(repository: Repository, command: Command, build: PushedBuild, held: str) -> None:
    """Keep the commit, and what it replaces, under the number of its build."""
    lines = [f"update {BUILDS}{build.number} {command.new}", f"delete {held}"]
    if command.old != ZERO:
        lines.append(f"update {BASES}{build.number} {command.old}")
    repository.transact(*lines)
    repository.set_head(command.ref)
