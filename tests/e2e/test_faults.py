"""Processes are killed in the middle of a push: it ends live or visibly, and nothing is doubled."""

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import psycopg
import pytest

from deploy.configs.postgres import DATABASE, ROLE
from deploy.health import status_of
from paas.core.objects import ApiObject
from tests.e2e.machine import Person, eventually, get, person
from tests.e2e.test_push import app_files
from tests.fixtures.platform import Platform

pytestmark = pytest.mark.timeout(600)

PROJECT = "storm"
VICTIMS = ("web", "worker", "orchestrator", "podman", "redis")
MOMENTS = {
    "Cloning": VICTIMS,
    "Generating the image": ("worker", "orchestrator", "podman", "redis"),
    "Pushing image": ("web", "worker", "orchestrator", "podman"),
    "rolling out": VICTIMS,
}
STORMS = [(victim, moment) for moment, victims in MOMENTS.items() for victim in victims]
LAST_WORDS = 8  # the URL, then what git itself says of the branch
ACTIVE = {"New", "Pending", "Running"}
TAKEOVER_S = 60.0
"""Within which the build of a worker that died is another's, or has ended.

`tests/builds/test_leases.py` says how long that is; here a worker has to start before.
"""


@pytest.fixture(scope="module")
def moe(platform: Platform, tmp_path_factory) -> Person:
    one = person(platform, "moe", tmp_path_factory.mktemp("moe"))
    made = platform.minato("project", "create", PROJECT, "--owner", "moe")
    assert made.returncode == 0, made.stdout
    return one


def application(platform: Platform, moe: Person, name: str) -> ApiObject:
    """Make an application, push it once, and return what `app create` said with its work tree."""
    done = platform.minato("app", "create", name, "-p", PROJECT, "--push", "-o", "json")
    assert done.returncode == 0, done.stdout
    said = json.loads(done.stdout)
    place = moe.repository(name, app_files(f"{name} at first"))
    moe.git("remote", "add", "minato", said["git_url"], cwd=place)
    pushed = moe.git("push", "minato", "main", cwd=place)
    assert said["url"] in pushed.stderr
    return {**said, "place": place}


@pytest.fixture(scope="module")
def apps(platform: Platform, moe: Person) -> tuple[ApiObject, ApiObject]:
    """Return one that nobody touches and that must answer all the time, and one to push to."""
    return application(platform, moe, "steady"), application(platform, moe, "changing")


@contextmanager
def asked_all_the_time(platform: Platform, url: str) -> Iterator[list[str]]:
    """Ask an application again and again; yield what went wrong."""
    wrong: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.05):
            try:
                answer = get(platform, url)
            except httpx.HTTPError as error:
                wrong.append(repr(error))
            else:
                if answer.status_code != 200:
                    wrong.append(f"{answer.status_code}: {answer.text[:200]}")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        thread.join()


def kill(platform: Platform, victim: str, pid: int) -> None:
    """Kill a process with all that it has begun in its own name; Redis loses its data as well."""
    if victim == "redis":
        for file in (platform.instance.home / "redis").iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()
    children = subprocess.run(
        ["pgrep", "--parent", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    for one in (pid, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def holders(platform: Platform) -> set[tuple[str, str]]:
    """Return the builds that somebody attends to, and who."""
    dsn = f"host={platform.instance.postgres_socket_dir} user={ROLE} dbname={DATABASE}"
    with psycopg.connect(dsn) as database:
        rows = database.execute("SELECT name, holder FROM minato_build_lease").fetchall()
    return {(name, holder) for name, holder in rows}


def until_taken_over(platform: Platform, left: set[tuple[str, str]]) -> None:
    """Wait until nobody holds a build who held one then; one that has ended was taken over too."""
    eventually(lambda: not left & holders(platform), within_s=TAKEOVER_S)


def push_and_kill(
    platform: Platform, moe: Person, place, victim: str, moment: str
) -> tuple[int, str]:
    """Push, kill the victim as soon as the terminal shows the moment; return how git ended."""
    # by the function behind `minato status`, whose command takes seconds to start
    (pid,) = (one.pid for one in status_of(platform.instance).processes if one.name == victim)
    assert pid > 0, f"{victim} does not run"
    push = moe.git_begin("push", "minato", "main", cwd=place)
    shown = []
    assert push.stderr is not None
    for line in push.stderr:
        shown.append(line)
        if moment in line:
            left = holders(platform)
            kill(platform, victim, pid)
            if victim == "worker":
                assert left or moment == "rolling out"
                until_taken_over(platform, left)
            break
    rest = push.communicate(timeout=300)[1]
    return push.returncode, "".join(shown) + rest


def is_told(code: int, shown: str, url: str) -> bool:
    """Say whether git's last words are the URL where it succeeded, else a reason."""
    last = shown.strip().splitlines()[-LAST_WORDS:]
    wanted = [url] if code == 0 else ["fatal: ", "error: ", "[remote rejected]"]
    return any(words in line for line in last for words in wanted)


def builds(moe: Person) -> list[ApiObject]:
    found = moe.json("-n", PROJECT, "get", "builds")["items"]
    return [one for one in found if one["metadata"]["name"].startswith("changing-")]


@pytest.mark.parametrize(("victim", "moment"), STORMS)
def test_a_push_outlives_a_killed(platform, moe, apps, victim, moment):
    steady, changing = apps
    place, words = changing["place"], f"{victim}, moment {[*MOMENTS].index(moment)}"
    commit = moe.commit(place, app_files(words), words)

    with asked_all_the_time(platform, steady["url"]) as wrong:
        code, shown = push_and_kill(platform, moe, place, victim, moment)
        eventually(lambda: status_of(platform.instance).ready)
        eventually(lambda: not [one for one in builds(moe) if phase(one) in ACTIVE])
        eventually(lambda: get(platform, changing["url"]).text.startswith(words))

    assert not wrong
    assert moment in shown
    assert is_told(code, shown, changing["url"]), (code, shown)
    mine = [one for one in builds(moe) if commit_of(one) == commit]
    assert [phase(one) for one in mine] == ["Complete"], shown
    branch = moe.git("ls-remote", "minato", "refs/heads/main", cwd=place).stdout
    assert branch.startswith(commit), shown
    moe.kubectl("-n", PROJECT, "rollout", "status", "deploy/changing", "--timeout=180s")
    pods = moe.json("-n", PROJECT, "get", "pods", "-l", "app.kubernetes.io/instance=changing")
    serving = [one for one in pods["items"] if not one["metadata"].get("deletionTimestamp")]
    assert len([one for one in serving if one["status"]["phase"] == "Running"]) == 1


def phase(build: ApiObject) -> str:
    return str(build["status"]["phase"])


def commit_of(build: ApiObject) -> str:
    return str(build["spec"]["revision"]["git"]["commit"])
