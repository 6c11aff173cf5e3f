"""A push builds and ends in a URL, or is refused and says why: real git, real server, real door."""

import pytest

from paas.git import pushes
from paas.git.branches import Moved, branch_move
from paas.git.builds import BuildResult, Release
from tests.git.clients import finished
from tests.git.conftest import GitServer

GOOD = BuildResult(succeeded=True, duration_s=1.5)
BAD = BuildResult(False, "AssembleFailed", "pip ended with 1. See the log.")


def test_an_empty_repository_can_be_cloned(server: GitServer):
    token = server.members.person("vera", role="view")
    client = server.client("vera", token)
    done = client.run("clone", client.url(), str(client.path))
    assert done.code == 0
    assert "empty repository" in done.err


def test_a_push_shows_its_build_and_ends_with_the_url(server: GitServer):
    client = server.pusher()
    commit = client.commit("one")
    push = client.start("push", "origin", "main")
    build = server.builds.wait_for(1)
    build.write("installing flask\n")
    build.end(GOOD, Release(ready=True, urls=("https://web-shop.apps.localhost:8443/",)))
    done = finished(push)
    assert done.code == 0, done.err
    assert "-----> Building web-1: main at" in done.shown
    assert "installing flask" in done.shown
    assert done.shown.endswith("       https://web-shop.apps.localhost:8443/")
    assert client.remote_refs()["refs/heads/main"] == commit
    assert build.commit.subject == "one"
    assert build.commit.author == ("Ann", "ann@example.org")
    assert (build.actor.name, build.actor.source) == ("pat", "127.0.0.1")


def test_a_failed_build_refuses_the_branch_with_its_reason_and_keeps_the_commit(server: GitServer):
    server.builds.automatic = BAD
    client = server.pusher()
    commit = client.commit("one")
    done = client.run("push", "origin", "main")
    assert done.code == 1
    assert "web-1 failed: AssembleFailed\n       pip ended with 1. See the log." in done.shown
    assert "[remote rejected] main -> main (build failed: AssembleFailed)" in done.err
    assert client.remote_refs() == {}
    assert server.repository.refs("refs/builds/") == {"refs/builds/1": commit}


def test_a_commit_is_kept_before_its_build_exists_and_a_death_in_between_loses_nothing(
    server: GitServer, monkeypatch: pytest.MonkeyPatch
):
    kept_at_start: list[list[str]] = []
    start = server.builds.start

    def watched(*args):
        kept_at_start.append(list(server.repository.refs("refs/pushes/").values()))
        return start(*args)

    def dies(*_):
        raise OSError("the process ends here")

    monkeypatch.setattr(server.builds, "start", watched)
    monkeypatch.setattr(pushes, "_record", dies)
    client = server.pusher()
    commit = client.commit("one")
    assert client.run("push", "origin", "main").code != 0
    assert kept_at_start == [[commit]]
    built = server.builds.wait_for(1).build
    moved = branch_move(server.repository, branch="main", number=built.number, commit=commit)
    assert moved is Moved.MOVED
    assert client.remote_refs()["refs/heads/main"] == commit
    assert server.repository.refs("refs/builds/") == {"refs/builds/1": commit}


def test_a_refused_commit_may_be_pushed_again_as_it_is(server: GitServer):
    server.builds.automatic = BAD
    client = server.pusher()
    commit = client.commit("one")
    assert client.run("push", "origin", "main").code == 1
    server.builds.automatic = GOOD
    assert client.run("push", "origin", "main").code == 0
    assert client.remote_refs()["refs/heads/main"] == commit
    assert [one.build.number for one in server.builds.made] == [1, 2]


@pytest.mark.parametrize("branch", ["master", "trunk"])
def test_the_first_branch_pushed_is_the_one_that_is_built_and_cloned(
    server: GitServer, branch: str
):
    server.builds.automatic = GOOD
    client = server.client("pat", server.members.person("pat", role="edit")).init(branch)
    client.commit("one")
    client.git("push", "origin", branch)
    assert server.configured()["spec"]["source"]["git"]["ref"] == branch
    assert client.git("ls-remote", "--symref", "origin", "HEAD").startswith(
        f"ref: refs/heads/{branch}"
    )
    client.git("checkout", "--quiet", "-b", "other")
    client.commit("two")
    done = client.run("push", "origin", "other")
    assert done.code == 0
    assert f"other is stored; only {branch} is built" in done.shown
    assert len(server.builds.made) == 1
