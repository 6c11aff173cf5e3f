"""`minato app` on a whole platform: from a repository elsewhere, from an image, before a push."""

import json
import threading

import pytest

from tests.e2e.machine import eventually, get, person
from tests.e2e.remote import remote_git
from tests.e2e.test_push import app_files

pytestmark = pytest.mark.timeout(600)

PROJECT = "dock"
BUILD_S = 240


@pytest.fixture(scope="module")
def ben(platform, tmp_path_factory):
    one = person(platform, "ben", tmp_path_factory.mktemp("ben"))
    made = platform.minato("project", "create", PROJECT, "--owner", "ben")
    assert made.returncode == 0, made.stdout
    return one


@pytest.fixture
def app(platform, ben):
    """Return a function that runs `minato app` as the owner, and the command's end."""

    def run(*arguments):
        return platform.minato("app", *arguments, "-p", PROJECT, "--as", "ben")

    return run


def said(done):
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)


def test_a_repository_elsewhere_becomes_an_application_that_answers(platform, app, tmp_path):
    with remote_git(platform, tmp_path) as elsewhere:
        address = elsewhere.repository("web.git", app_files("from afar"))
        made = said(app("create", "far", "--from-git", address, "--ref", "main", "-o", "json"))
        assert made["git_url"] == ""
        url = app("url", "far").stdout.strip()
        assert url == made["url"]
        eventually(lambda: get(platform, url).text.startswith("from afar"), within_s=BUILD_S)

        elsewhere.repository("web.git", app_files("once more"))
        assert said(app("build", "far", "-o", "json")) == {"build": "far-2"}
        eventually(lambda: get(platform, url).text.startswith("once more"), within_s=BUILD_S)

    follows_its_log(platform, app, url)


def follows_its_log(platform, app, url):
    get(platform, url)
    eventually(lambda: "GET / HTTP/1.1" in app("logs", "far", "--tail", "1").stdout)
    going = platform.minato_begin("app", "logs", "far", "-p", PROJECT, "-f", "--tail", "0")
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(going.stdout.readline()))
    reader.start()
    try:
        eventually(lambda: get(platform, url) and lines)  # asked before it follows, it shows none
    finally:
        going.kill()
        reader.join()
        going.communicate()
    assert "GET / HTTP/1.1" in "".join(lines)


def test_a_repository_that_is_not_there_is_said_to_be_missing(platform, app, tmp_path):
    with remote_git(platform, tmp_path) as elsewhere:
        made = app("create", "lost", "--from-git", f"{elsewhere.url}/none.git", "-o", "json")
        url = said(made)["url"]
        row = eventually(lambda: failed(app, "lost"), within_s=BUILD_S)

    assert "lost-1 failed" in row["detail"]
    assert "none.git" in row["detail"] or "repository" in row["detail"].lower()
    eventually(lambda: "could not be built" in get(platform, url).text)


def test_an_image_that_does_not_exist_is_named(platform, app):
    url = said(app("create", "gone", "--image", "none/such", "-o", "json"))["url"]

    row = eventually(lambda: failed(app, "gone"))

    assert "Pull" in row["detail"]
    assert "none/such" in row["detail"]
    eventually(lambda: "fails to start" in get(platform, url).text)


def test_before_its_first_push_it_has_no_pod_and_says_so(platform, ben, app):
    url = said(app("create", "new", "--push", "-o", "json"))["url"]

    def deployment():
        return ben.json("-n", PROJECT, "get", "deploy", "new")

    eventually(lambda: deployment().get("status", {}).get("observedGeneration"))
    selected = ("get", "pods", "-l", "deployment=new")
    assert ben.json("-n", PROJECT, *selected)["items"] == []
    eventually(lambda: "waits for its code" in get(platform, url).text)
    log = app("logs", "new")
    assert log.returncode == 1
    assert "Push your code to begin." in log.stdout


def failed(app, name):
    rows = {one["name"]: one for one in said(app("list", "-o", "json"))}
    return rows[name] if rows[name]["state"] == "Failed" else None
