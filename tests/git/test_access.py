"""Who may fetch and push, and what the others learn."""

import base64
import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from paas.apimachinery.options import DeleteOptions
from paas.git.builds import BuildResult
from paas.git.locations import RepositoryName
from tests.git.conftest import WEB, GitServer, build_config
from tests.images.people import ADMIN

GOOD = BuildResult(succeeded=True)
UPLOAD = "/git/shop/web.git/info/refs?service=git-upload-pack"
RECEIVE = "/git/shop/web.git/info/refs?service=git-receive-pack"
HOUR = timedelta(hours=1)


def ask(
    server: GitServer, path: str, token: str = "", method: str = "GET", **headers: str
) -> httpx.Response:
    if token:
        headers["Authorization"] = "Basic " + base64.b64encode(f"me:{token}".encode()).decode()
    trust = ssl.create_default_context(cafile=str(server.client("x", "").certificate.certificate))
    with httpx.Client(verify=trust, trust_env=False, timeout=60) as client:
        return client.request(method, server.url + path, headers=headers)


def test_without_a_token_one_is_asked_to_sign_in(server: GitServer):
    answer = ask(server, UPLOAD)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    "credentials", ["Basic !!!", "Basic", "Digest x", "Basic bWU6c2hhMjU2fng="]
)
def test_credentials_that_are_none_are_refused(server: GitServer, credentials: str):
    assert ask(server, UPLOAD, Authorization=credentials).status_code == 401


def test_git_tells_its_user_of_a_wrong_token(server: GitServer):
    client = server.client("eve", "sha256~wrong")
    done = client.run("clone", client.url(), str(client.path))
    assert done.code == 128
    assert "Authentication failed" in done.err


def test_a_bearer_token_opens_as_well(server: GitServer):
    token = server.members.person("vera", role="view")
    assert ask(server, UPLOAD, Authorization=f"Bearer {token}").status_code == 200


def test_a_viewer_fetches_and_is_told_why_they_may_not_push(server: GitServer):
    server.builds.automatic = GOOD
    pusher = server.pusher()
    commit = pusher.commit("one")
    pusher.git("push", "origin", "main")
    viewer = server.client("vera", server.members.person("vera", role="view"))
    viewer.git("clone", "--quiet", viewer.url(), str(viewer.path))
    assert viewer.git("rev-parse", "HEAD") == commit
    viewer.commit("two")
    done = viewer.run("push", "origin", "main")
    assert done.code == 128
    assert "vera may fetch from shop/web, but not push to it." in done.shown
    assert "role 'edit'" in done.shown
    assert len(server.builds.made) == 1


def test_a_stranger_cannot_tell_the_repository_from_one_that_is_not_there(server: GitServer):
    token = server.members.person("eve")
    there = ask(server, UPLOAD, token)
    nowhere = ask(server, "/git/none/web.git/info/refs?service=git-upload-pack", token)
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert there.text == nowhere.text.replace("none/web", "shop/web")
    assert ask(server, RECEIVE, token).status_code == 404


def test_who_sees_the_project_but_not_its_builds_is_told_so(server: GitServer):
    token = server.grant("sam", ("get", "project.openshift.io", "projects"))
    answer = ask(server, UPLOAD, token)
    assert answer.status_code == 403
    assert "sam may not fetch from shop/web." in answer.text


def test_a_service_account_pushes_by_its_role(server: GitServer):
    server.builds.automatic = GOOD
    token = server.members.account_token("shop", "ci")
    client = server.client("ci", token).init()
    client.commit("one")
    assert client.run("push", "origin", "main").code == 128
    subject = {"kind": "ServiceAccount", "namespace": "shop", "name": "ci"}
    server.bind({"kind": "ClusterRole", "name": "edit"}, subject)
    client.git("push", "origin", "main")
    assert server.builds.made[0].actor.name == "system:serviceaccount:shop:ci"


def test_a_builds_token_fetches_its_repository_and_does_nothing_else(server: GitServer):
    server.builds.automatic = GOOD
    pusher = server.pusher()
    commit = pusher.commit("one")
    pusher.git("push", "origin", "main")
    server.door.create(ADMIN, build_config("other"), "shop")
    token = server.tokens.issue(WEB, subject="web-1", ttl=HOUR, now=datetime.now(UTC))
    build = server.client("build", token).init()
    build.git("fetch", "--quiet", "--depth=1", "origin", commit)
    assert build.git("rev-parse", "FETCH_HEAD") == commit
    assert ask(server, RECEIVE, token).status_code == 403
    other = "/git/shop/other.git/info/refs?service=git-upload-pack"
    assert ask(server, other, token).status_code == 404


def test_the_commit_of_a_build_that_goes_on_can_be_fetched_by_it(server: GitServer):
    pusher = server.pusher()
    commit = pusher.commit("one")
    push = pusher.start("push", "origin", "main")
    running = server.builds.wait_for(1)
    token = server.tokens.issue(WEB, subject="web-1", ttl=HOUR, now=datetime.now(UTC))
    build = server.client("build", token).init()
    build.git("fetch", "--quiet", "--depth=1", "origin", commit)
    running.end(GOOD)
    assert push.wait(60) == 0
    push.communicate()


@pytest.mark.parametrize("token", ["git~nonsense", "git~"])
def test_a_builds_token_that_is_none_is_refused(server: GitServer, token: str):
    assert ask(server, UPLOAD, token).status_code == 401


def test_a_builds_token_ends(server: GitServer):
    old = server.tokens.issue(WEB, subject="b", ttl=HOUR, now=datetime.now(UTC) - 2 * HOUR)
    assert ask(server, UPLOAD, old).status_code == 401


def test_a_build_config_without_the_annotation_has_no_repository(server: GitServer):
    token = server.members.person("pat", role="edit")
    plain = build_config("plain")
    del plain["metadata"]["annotations"]
    server.door.create(ADMIN, plain, "shop")
    path = "/git/shop/plain.git/info/refs?service=git-upload-pack"
    assert ask(server, path, token).status_code == 404
    assert not server.repositories.at(RepositoryName("shop", "plain")).path.exists()


def test_a_new_build_config_of_an_old_name_does_not_see_the_old_history(server: GitServer):
    server.builds.automatic = GOOD
    client = server.pusher()
    client.commit("one")
    client.git("push", "origin", "main")
    place = ("buildconfigs.build.openshift.io", "web", "shop")
    server.door.delete(ADMIN, *place, options=DeleteOptions(propagation="Background"))
    assert client.run("ls-remote", "origin").code == 128
    server.door.create(ADMIN, build_config(), "shop")
    assert client.remote_refs() == {}


@pytest.mark.parametrize("path", ["/", "/git/shop/web.git/HEAD", "/git/%00/web.git/info/refs"])
def test_a_path_that_is_no_repositorys_is_not_found(server: GitServer, path: str):
    assert ask(server, path, server.members.person("pat", role="edit")).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?service=git-upload-archive",
        "?service=git-upload-pack&service=git-receive-pack",
        "?service=git-upload-pack%20--strict",
        "?Service=git-upload-pack",
    ],
)
def test_the_dumb_protocol_and_other_services_are_not_offered(server: GitServer, query: str):
    token = server.members.person("pat", role="edit")
    answer = ask(server, f"/git/shop/web.git/info/refs{query}", token)
    assert answer.status_code == 400
    assert "smart HTTP" in answer.text


def test_methods_and_media_types_of_other_protocols_are_refused(server: GitServer):
    token = server.members.person("pat", role="edit")
    assert ask(server, UPLOAD, token, "POST").status_code == 405
    assert ask(server, "/git/shop/web.git/git-upload-pack", token).status_code == 405
    plain = {"Content-Type": "text/plain"}
    answer = ask(server, "/git/shop/web.git/git-receive-pack", token, "POST", **plain)
    assert answer.status_code == 400


def test_an_answer_of_the_server_is_never_kept_by_a_cache(server: GitServer):
    answer = ask(server, UPLOAD, server.members.person("pat", role="view"))
    assert answer.status_code == 200
    assert "no-cache" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
