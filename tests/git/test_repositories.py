"""Repositories on disk: one life of a BuildConfig each; branches moved; old refs pruned."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from paas.apimachinery.options import DeleteOptions
from paas.git.branches import Moved, branch_move
from paas.git.errors import GitFailedError, RepositoryBusyError
from paas.git.housekeeping import (
    BUILDS_KEPT,
    TRASH_KEPT_S,
    refs_prune,
    repositories_sweep,
    repositories_tend,
)
from paas.git.repositories import Repositories, uid_of
from paas.git.repository import ZERO, Repository
from tests.git.conftest import WEB, GitServer
from tests.images.people import ADMIN

NOW_S = 2_000_000_000.0


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    return Repositories(tmp_path / "git")


@pytest.fixture
def repository(repositories: Repositories) -> Repository:
    return repositories.open(WEB, "uid-1")


def commit(repository: Repository, *parents: str, text: str = "x") -> str:
    """Make a commit of an empty tree; return it."""
    path = str(repository.path)
    people = {
        f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }

    def git(*arguments: str) -> str:
        command = ["git", "-C", path, *arguments]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, input="", env=os.environ | people
        )
        return done.stdout.strip()

    tree = git("mktree")
    given = [word for parent in parents for word in ("-p", parent)]
    return git("commit-tree", tree, *given, "-m", text)


def test_a_repository_is_made_once_and_found_again(repositories: Repositories):
    first = repositories.open(WEB, "uid-1")
    inode = first.path.stat().st_ino
    assert repositories.open(WEB, "uid-1").path.stat().st_ino == inode
    assert list(repositories.all()) == [(WEB, "uid-1")]


def test_many_at_once_make_one_repository(repositories: Repositories):
    failures: list[BaseException] = []

    def make() -> None:
        try:
            repositories.open(WEB, "uid-1")
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(repositories.all()) == [(WEB, "uid-1")]
    assert not list((repositories.root / ".new").glob("*"))


def test_a_new_life_begins_empty_and_the_old_one_comes_back_with_its_build_config(
    repositories: Repositories,
):
    old = repositories.open(WEB, "uid-1")
    made = commit(old)
    old.transact(f"create refs/heads/main {made}")
    assert repositories.open(WEB, "uid-2").refs() == {}
    assert repositories.open(WEB, "uid-1").refs() == {"refs/heads/main": made}


def test_what_is_discarded_is_deleted_after_a_while_and_not_before(repositories: Repositories):
    repositories.open(WEB, "uid-1")
    repositories.discard(WEB)
    repositories.discard(WEB)  # safe to repeat
    assert list(repositories.all()) == []
    assert repositories.purge(before=0.0) == []
    assert repositories.purge(before=NOW_S) == ["uid-1"]
    assert repositories.open(WEB, "uid-1").refs() == {}


def test_a_sweep_takes_only_what_has_lost_its_build_config(server: GitServer):
    kept = server.repository
    assert repositories_sweep(server.cluster, server.repositories, now_s=0.0) == []
    place = ("buildconfigs.build.openshift.io", "web", "shop")
    server.door.delete(ADMIN, *place, options=DeleteOptions(propagation="Background"))
    assert repositories_sweep(server.cluster, server.repositories, now_s=0.0) == [WEB]
    assert not kept.path.exists()
    assert list((server.repositories.root / ".trash").iterdir())
    repositories_sweep(server.cluster, server.repositories, now_s=NOW_S + TRASH_KEPT_S)
    assert not list((server.repositories.root / ".trash").iterdir())


def test_tending_packs_a_repository_and_keeps_its_branches(server: GitServer):
    repository = server.repository
    made = commit(repository)
    repository.transact(f"create refs/heads/main {made}")
    repositories_tend(server.cluster, server.repositories)
    assert repository.refs() == {"refs/heads/main": made}


def test_refs_of_builds_that_are_gone_are_pruned_but_for_the_newest(repository: Repository):
    made = commit(repository)
    numbers = range(1, BUILDS_KEPT + 4)
    repository.transact(*(f"create refs/builds/{number} {made}" for number in numbers))
    old, fresh = int(NOW_S) - 100_000, int(NOW_S) - 10
    repository.transact(
        f"create refs/pushes/{old}-a {made}",
        f"create refs/pushes/{fresh}-b {made}",
        f"create refs/bases/1 {made}",
    )
    stale = refs_prune(repository, {2}, NOW_S)
    assert set(stale) == {
        "refs/builds/1",
        "refs/builds/3",
        "refs/bases/1",
        f"refs/pushes/{old}-a",
    }
    assert refs_prune(repository, {2}, NOW_S) == []


def test_a_branch_is_made_by_the_first_build_that_succeeds(repository: Repository):
    made = commit(repository)
    assert branch_move(repository, branch="main", number=1, commit=made) is Moved.MOVED
    assert repository.refs() == {"refs/heads/main": made, "refs/builds/1": made}
    assert branch_move(repository, branch="main", number=1, commit=made) is Moved.ALREADY


def test_builds_that_end_out_of_order_never_take_a_branch_back(repository: Repository):
    one = commit(repository)
    two = commit(repository, one)
    assert branch_move(repository, branch="main", number=2, commit=two) is Moved.MOVED
    assert branch_move(repository, branch="main", number=1, commit=one) is Moved.ALREADY
    assert repository.read("refs/heads/main") == two


def test_a_forced_push_moves_the_branch_only_from_what_its_pusher_saw(repository: Repository):
    one = commit(repository)
    other = commit(repository, text="other")
    repository.transact(f"create refs/heads/main {one}", f"create refs/bases/2 {one}")
    assert branch_move(repository, branch="main", number=2, commit=other) is Moved.MOVED
    third = commit(repository, text="third")
    repository.transact(f"create refs/bases/3 {one}")
    assert branch_move(repository, branch="main", number=3, commit=third) is Moved.ELSEWHERE
    assert repository.read("refs/heads/main") == other


def test_a_commit_that_is_not_there_moves_nothing(repository: Repository):
    with pytest.raises(GitFailedError):
        branch_move(repository, branch="main", number=1, commit="a" * 40)
    assert repository.read("refs/heads/main") == ZERO


def test_whoever_holds_a_repository_keeps_the_others_waiting(repository: Repository):
    with (
        repository.lock(),
        pytest.raises(RepositoryBusyError),
        Repository(repository.path).lock(wait_s=0.05),
    ):
        pass
    with repository.lock(wait_s=0.0):
        assert uid_of(repository.path) == "uid-1"
