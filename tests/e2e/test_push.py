"""The story of a push, with applications written for the occasion."""

import json

import pytest

from tests.e2e.machine import Person, eventually, get, person

pytestmark = pytest.mark.timeout(900)

APP = """
import http.server, os
WORDS = {words!r}
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write((WORDS + ' ' + os.environ.get('GREETING', '')).encode())
http.server.ThreadingHTTPServer(('', int(os.environ['PORT'])), Page).serve_forever()
"""


def app_files(words: str) -> dict[str, str]:
    return {"app.py": APP.format(words=words), "requirements.txt": ""}


@pytest.fixture(scope="module")
def bea(platform, tmp_path_factory) -> Person:
    one = person(platform, "bea", tmp_path_factory.mktemp("bea"))
    made = platform.minato("project", "create", "harbour", "--owner", "bea")
    assert made.returncode == 0, made.stdout
    return one


@pytest.fixture(scope="module")
def web(platform, bea):
    """Return the application's repository on the person's side, pushed once and live."""
    done = platform.minato(
        "app", "create", "web", "-p", "harbour", "--push", "--as", "bea", "-o", "json"
    )
    assert done.returncode == 0, done.stdout
    said = json.loads(done.stdout)
    place = bea.repository("web", app_files("one"))
    bea.git("remote", "add", "minato", said["git_url"], cwd=place)
    pushed = bea.git("push", "minato", "main", cwd=place, ok=False)
    return {**said, "place": place, "pushed": pushed}


def test_a_push_ends_in_a_live_url(platform, web):
    assert web["pushed"].returncode == 0, web["pushed"].stderr
    assert web["url"] in web["pushed"].stderr
    assert get(platform, web["url"]).text.startswith("one")


def test_a_second_push_is_live_when_git_says_so(platform, bea, web):
    bea.commit(web["place"], app_files("two"), "Second")

    done = bea.git("push", "minato", "main", cwd=web["place"])

    assert web["url"] in done.stderr
    assert get(platform, web["url"]).text.startswith("two")


def test_a_push_that_does_not_build_is_refused_and_the_old_version_serves(platform, bea, web):
    bea.commit(web["place"], {"requirements.txt": "no-such-package-anywhere==9.9\n"}, "Broken")

    done = bea.git("push", "minato", "main", cwd=web["place"], ok=False)

    assert done.returncode == 1
    assert "AssembleFailed" in done.stderr or "GenericBuildFailed" in done.stderr
    assert get(platform, web["url"]).text.startswith("two")
    moved = bea.git("ls-remote", "minato", "refs/heads/main", cwd=web["place"]).stdout
    assert bea.git("rev-parse", "HEAD", cwd=web["place"]).stdout.strip() not in moved


def patience(bea: Person, seconds: int) -> None:
    """Give the application's roll-outs so long to get ready."""
    deadline = json.dumps({"spec": {"progressDeadlineSeconds": seconds}})
    bea.kubectl("-n", "harbour", "patch", "deploy", "web", "-p", deadline)


@pytest.fixture
def impatient(bea, web):
    """Give the application's roll-outs 15 s, as what is to fail; what is to succeed has more."""
    patience(bea, 15)
    yield
    patience(bea, 120)


WRONG_PORT = "print('still counting the gulls', flush=True)\n" + APP.format(
    words="somewhere else"
).replace("int(os.environ['PORT'])", "9999")


@pytest.mark.usefixtures("impatient")
def test_a_push_that_does_not_get_ready_is_told_why_and_the_old_version_serves(platform, bea, web):
    files = {"requirements.txt": "", "app.py": WRONG_PORT}
    bea.commit(web["place"], files, "Not where it should be")

    done = bea.git("push", "minato", "main", cwd=web["place"], ok=False)

    assert done.returncode == 1
    assert "Readiness probe failed" in done.stderr, done.stderr
    assert ":8080" in done.stderr
    assert "still counting the gulls" in done.stderr
    assert "The version before goes on serving." in done.stderr
    assert get(platform, web["url"]).text.startswith("two")
    bea.kubectl("-n", "harbour", "rollout", "status", "deploy/web", "--timeout=180s")


@pytest.mark.usefixtures("impatient")
def test_a_push_that_does_not_start_is_told_why_and_the_old_version_serves(platform, bea, web):
    files = {"requirements.txt": "", "app.py": "raise SystemExit('no harbour in sight')\n"}
    bea.commit(web["place"], files, "Does not start")

    done = bea.git("push", "minato", "main", cwd=web["place"], ok=False)

    assert done.returncode == 1
    assert "exit code 1" in done.stderr, done.stderr
    assert "no harbour in sight" in done.stderr
    assert "The version before goes on serving." in done.stderr
    assert get(platform, web["url"]).text.startswith("two")
    eventually(lambda: bea.json("-n", "harbour", "get", "deploy", "web")["status"]["readyReplicas"])
    bea.kubectl("-n", "harbour", "rollout", "status", "deploy/web", "--timeout=180s")
    events = bea.kubectl("-n", "harbour", "get", "events", "-o", "wide")
    assert "back" in events.lower()
    patience(bea, 120)
    bea.commit(web["place"], app_files("two"), "Starts again")
    assert bea.git("push", "minato", "main", cwd=web["place"]).returncode == 0


def test_a_changed_variable_rolls_out(platform, bea, web):
    bea.kubectl("-n", "harbour", "set", "env", "deploy/web", "GREETING=ahoy")
    bea.kubectl("-n", "harbour", "rollout", "status", "deploy/web", "--timeout=180s")

    eventually(lambda: get(platform, web["url"]).text == "two ahoy")


def test_scaling_and_rolling_back(platform, bea, web):
    bea.kubectl("-n", "harbour", "scale", "deploy/web", "--replicas=3")
    bea.kubectl("-n", "harbour", "rollout", "status", "deploy/web", "--timeout=180s")
    bea.kubectl("-n", "harbour", "rollout", "undo", "deploy/web")
    bea.kubectl("-n", "harbour", "rollout", "status", "deploy/web", "--timeout=180s")

    eventually(lambda: get(platform, web["url"]).text == "two ")
    deployment = bea.json("-n", "harbour", "get", "deploy", "web")
    assert deployment["status"]["readyReplicas"] == 3


def test_somebody_without_rights_cannot_push(platform, web, tmp_path_factory):
    eve = person(platform, "eve", tmp_path_factory.mktemp("eve"))
    place = eve.repository("web", app_files("evil"))
    eve.git("remote", "add", "minato", web["git_url"], cwd=place)

    done = eve.git("push", "minato", "main", cwd=place, ok=False)

    assert done.returncode != 0
    assert get(platform, web["url"]).text.startswith("two")
