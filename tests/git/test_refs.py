"""What becomes of branches, tags and everything else that a push may name."""

import subprocess

import pytest

from paas.git.builds import BuildResult
from paas.git.plans import Action, Command, built_branch, plan
from tests.git.clients import Client
from tests.git.conftest import GitServer

GOOD = BuildResult(succeeded=True)
A, B, ZERO = "a" * 40, "b" * 40, "0" * 40


@pytest.fixture
def pushed(server: GitServer) -> Client:
    """Return the work tree of somebody who has pushed main."""
    server.builds.automatic = GOOD
    client = server.pusher()
    client.commit("one")
    client.git("push", "origin", "main")
    return client


def test_tags_are_stored_and_not_built(server: GitServer, pushed: Client):
    pushed.git("tag", "v1")
    done = pushed.run("push", "origin", "v1")
    assert done.code == 0
    assert "Tag v1 is stored" in done.shown
    assert "refs/tags/v1" in pushed.remote_refs()
    assert len(server.builds.made) == 1


def test_branch_and_tag_go_in_one_push_and_the_tag_stays_when_the_build_fails(
    server: GitServer, pushed: Client
):
    server.builds.automatic = BuildResult(False, "AssembleFailed")
    pushed.commit("two")
    pushed.git("tag", "v2")
    done = pushed.run("push", "origin", "main", "v2")
    assert done.code == 1
    assert "[new tag]" in done.err
    assert "[remote rejected] main -> main" in done.err
    assert "refs/tags/v2" in pushed.remote_refs()


def test_other_branches_may_be_rewritten_and_deleted(pushed: Client):
    pushed.git("push", "origin", "main:refs/heads/topic")
    pushed.commit("other", "--amend")
    pushed.git("push", "--force", "origin", "main:refs/heads/topic")
    done = pushed.run("push", "origin", ":topic")
    assert done.code == 0
    assert "topic is deleted" in done.shown
    assert "refs/heads/topic" not in pushed.remote_refs()


def test_the_built_branch_may_be_rewritten_but_not_deleted(server: GitServer, pushed: Client):
    commit = pushed.commit("again", "--amend")
    assert pushed.run("push", "origin", "main").code == 1
    pushed.git("push", "--force", "origin", "main")
    assert pushed.remote_refs()["refs/heads/main"] == commit
    done = pushed.run("push", "origin", ":main")
    assert done.code == 1
    assert "this branch is the one that is built" in done.err


def test_who_may_only_start_builds_cannot_rewrite_or_delete(server: GitServer, pushed: Client):
    pushed.git("push", "origin", "main:refs/heads/topic", "main:refs/tags/v1")
    token = server.grant(
        "sue",
        ("get", "build.openshift.io", "buildconfigs"),
        ("create", "build.openshift.io", "buildconfigs/instantiate"),
    )
    sue = server.client("sue", token)
    sue.git("clone", "--quiet", sue.url(), str(sue.path))
    sue.commit("two")
    sue.git("push", "origin", "main")
    sue.commit("rewritten", "--amend")
    for refspec in ("main", ":topic", ":v1", "main:v1"):
        done = sue.run("push", "--force", "origin", refspec)
        assert done.code == 1, refspec
        assert "needs the right to update the BuildConfig" in done.err


@pytest.mark.parametrize(
    "ref", ["refs/builds/9", "refs/bases/1", "refs/pushes/1-x", "refs/notes/a", "refs/pull/1"]
)
def test_nothing_but_branches_and_tags_is_taken(pushed: Client, ref: str):
    done = pushed.run("push", "origin", f"main:{ref}")
    assert done.code == 1
    assert "[remote rejected]" in done.err


def test_refs_of_ours_are_shown_to_nobody(server: GitServer, pushed: Client):
    assert server.repository.refs("refs/builds/")
    assert set(pushed.remote_refs()) == {"HEAD", "refs/heads/main"}
    assert pushed.run("fetch", "origin", "refs/builds/1").code == 128


def test_a_name_that_looks_like_an_option_is_refused(pushed: Client):
    done = pushed.run("push", "origin", "main:refs/heads/-x")
    assert done.code == 1
    assert "may not begin with '-'" in done.err


def test_a_branch_of_something_that_is_no_commit_is_refused(server: GitServer, pushed: Client):
    blob = pushed.git("hash-object", "-w", "app.py")
    pushed.git("tag", "blob", blob)
    assert pushed.run("push", "origin", "blob:refs/heads/topic").code != 0
    assert pushed.run("push", "--force", "origin", "blob:refs/heads/main").code != 0
    assert len(server.builds.made) == 1


def test_hooks_and_configuration_of_a_repository_are_never_run(server: GitServer, pushed: Client):
    """Even somebody who could write them there would gain nothing."""
    path, marker = server.repository.path, server.repository.path / "ran"
    (path / "hooks").mkdir()
    for name in ("pre-receive", "update", "post-receive", "post-update", "proc-receive"):
        hook = path / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
        hook.chmod(0o755)
    with (path / "config").open("a") as config:
        config.write(f"[core]\n\thooksPath = {path}/hooks\n\tfsmonitor = touch {marker}\n")
        config.write(f'[uploadpack]\n\tpackObjectsHook = "touch {marker}; git"\n')
    pushed.commit("two")
    pushed.git("push", "origin", "main")
    pushed.git("fetch", "origin")
    assert not marker.exists()


def test_a_submodule_that_would_run_a_command_is_refused(server: GitServer, pushed: Client):
    (pushed.path / ".gitmodules").write_text(
        '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch /tmp/pwned\n'
    )
    commit = pushed.commit("two")
    done = pushed.run("push", "origin", "main")
    assert done.code == 1
    assert "gitmodulesUrl" in done.err
    assert commit not in pushed.remote_refs().values()


def test_git_archive_is_not_offered(server: GitServer, pushed: Client):
    assert pushed.run("archive", "--remote", pushed.url(), "main").code != 0


def test_a_push_all_of_which_is_old_news_does_nothing(server: GitServer, pushed: Client):
    done = pushed.run("push", "origin", "main")
    assert (done.code, len(server.builds.made)) == (0, 1)


def test_old_and_new_versions_of_the_protocol_are_spoken(pushed: Client):
    for version in ("0", "1", "2"):
        assert pushed.git("-c", f"protocol.version={version}", "ls-remote", "origin", "main")


@pytest.mark.parametrize(
    ("configured", "refs", "built"),
    [
        ("", ["refs/heads/dev", "refs/heads/master"], "refs/heads/master"),
        ("", ["refs/heads/master", "refs/heads/main"], "refs/heads/main"),
        ("", ["refs/heads/dev", "refs/heads/dev2"], "refs/heads/dev"),
        ("", ["refs/tags/v1"], ""),
        ("dev", ["refs/heads/main"], "refs/heads/dev"),
        ("refs/heads/dev", ["refs/heads/main"], "refs/heads/dev"),
        ("refs/tags/v1", ["refs/heads/main"], "refs/tags/v1"),
    ],
)
def test_which_branch_is_built(configured: str, refs: list[str], built: str):
    assert built_branch(configured, [Command(ZERO, A, ref) for ref in refs]) == built


def test_a_branch_that_goes_does_not_become_the_built_one():
    assert built_branch("", [Command(A, ZERO, "refs/heads/main")]) == ""


def test_a_configured_tag_is_stored_and_not_built():
    (step,) = plan([Command(ZERO, A, "refs/tags/v1")], built="refs/tags/v1", may_rewrite=True)
    assert step.action is Action.STORE


def test_the_server_keeps_a_repository_that_git_finds_nothing_wrong_with(
    server: GitServer, pushed: Client
):
    command = ["git", "-C", str(server.repository.path), "fsck", "--strict"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
