"""A push is interrupted: client, web process or both die; builds are real objects.

What was accepted goes on and its branch moves; nothing is built twice.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.options import Patch, WatchOptions
from paas.builds.logs import BuildLogs
from paas.core.objects import ApiObject, dig, name_of, uid_of
from paas.git.branches import Moved
from paas.git.repositories import Repositories
from paas.git.services import build_branch_move
from tests.fixtures.tls import Certificate
from tests.git.clients import Client, close_terminal, finished
from tests.git.conftest import MIB, WEB, build_config
from tests.git.processes import PeakMeter, WebProcess, web_process
from tests.images.people import ADMIN, Members

BUILDS = "builds.build.openshift.io"
WAIT_S = 110.0


@dataclass(slots=True)
class World:
    """A door that the test and a web process share."""

    door: Door
    members: Members
    repositories: Repositories
    config: ApiObject
    logs: BuildLogs
    start: Callable[[], WebProcess]
    client_at: Callable[[str, WebProcess], Client]

    def builds(self) -> list[ApiObject]:
        return self.door.list(ADMIN, BUILDS, "shop").items

    def wait_for(self, name: str) -> ApiObject:
        """Return a Build as soon as it exists."""
        for event in self.door.watch(ADMIN, BUILDS, "shop", WatchOptions(timeout_s=WAIT_S)):
            if name_of(event.obj) == name:
                return event.obj
        raise AssertionError(f"{name} was not made")

    def end(self, name: str, phase: str = "Complete", **status: str) -> ApiObject:
        """End a Build as its worker would: log, branch, phase."""
        build = self.door.get(ADMIN, BUILDS, name, "shop")
        self.logs.finish(uid_of(build))
        patch = Patch("merge", {"status": {"phase": phase, **status}})
        return self.door.patch(ADMIN, BUILDS, name, "shop", patch=patch)

    def branch(self, ref: str = "refs/heads/main") -> str:
        return self.repositories.open(WEB, uid_of(self.config)).read(ref)


@pytest.fixture
def world(
    platform_door: Door, empty_database: str, tmp_path: Path, loopback_certificate: Certificate
) -> Iterator[World]:
    members = Members(platform_door)
    members.project("shop")
    config = platform_door.create(ADMIN, build_config(), "shop")
    root = tmp_path / "git"
    root.mkdir()
    running = []

    def start() -> WebProcess:
        running.append(web_process(empty_database, root, loopback_certificate))
        return running[-1].__enter__()

    def client_at(name: str, web: WebProcess) -> Client:
        home = tmp_path / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        token = members.person(name, role="edit")
        return Client(home / "tree", web.url, loopback_certificate, token).init()

    logs = BuildLogs(platform_door.store.database)
    yield World(platform_door, members, Repositories(root), config, logs, start, client_at)
    for one in running:
        one.__exit__(None, None, None)


def test_a_push_starts_a_real_build_and_shows_its_log(world: World):
    client = world.client_at("pat", world.start())
    commit = client.commit("one")
    push = client.start("push", "origin", "main")
    build = world.wait_for("web-1")
    assert dig(build, "spec", "revision", "git", "commit") == commit
    assert dig(build, "spec", "revision", "git", "author", "name") == "Ann"
    assert dig(build, "spec", "source", "git", "ref") == "main"
    assert dig(build, "spec", "triggeredBy") == [{"message": "git push by pat"}]
    world.logs.append(uid_of(build), 0, b"collecting flask\n")
    world.end("web-1")
    done = finished(push)
    assert done.code == 0, done.err
    assert "collecting flask" in done.shown
    assert "Nothing is deployed from this image." in done.shown
    assert world.branch() == commit


def test_a_build_goes_on_when_its_pusher_closes_the_terminal(world: World):
    web = world.start()
    client = world.client_at("pat", web)
    commit = client.commit("one")
    push = client.start("push", "origin", "main")
    world.wait_for("web-1")
    assert push.stderr is not None
    while "Building" not in (line := push.stderr.readline()):
        assert line, "the push ended"
    close_terminal(push)
    _until(lambda: not web.children())  # no git is left behind for the build's time
    assert set(world.branch()) == {"0"}
    built = world.end("web-1")
    assert build_branch_move(world.repositories, built) is Moved.MOVED
    assert build_branch_move(world.repositories, built) is Moved.ALREADY
    assert client.remote_refs()["refs/heads/main"] == commit


def test_a_build_goes_on_when_the_web_process_is_killed(world: World):
    web = world.start()
    client = world.client_at("pat", web)
    commit = client.commit("one")
    push = client.start("push", "origin", "main")
    world.wait_for("web-1")
    _until(lambda: world.branch("refs/builds/1") == commit)
    hooks = web.children()
    web.kill()
    done = finished(push)
    assert done.code != 0
    assert set(world.branch()) == {"0"}
    _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in hooks))
    again = replace(client, base_url=world.start().url)
    again.git("remote", "set-url", "origin", again.url())
    push = again.start("push", "origin", "main")
    assert push.stderr is not None
    line = ""
    while "already" not in line:
        line = push.stderr.readline()
        assert line, "the push did not join its own build"
    world.end("web-1")
    assert finished(push).code == 0
    assert len(world.builds()) == 1
    assert world.branch() == commit


def test_pushes_of_one_commit_at_the_same_time_make_one_build(world: World):
    """On two web processes: what one began, the other joins."""
    first = world.client_at("pat", world.start())
    commit = first.commit("one")
    second = world.client_at("pia", world.start())
    second.git("fetch", "--quiet", str(first.path))
    second.git("reset", "--quiet", "--hard", commit)
    pushes = [one.start("push", "origin", "main") for one in (first, second)]
    world.wait_for("web-1")
    shown = []
    for push in pushes:
        assert push.stderr is not None
        line = push.stderr.readline()
        while "web-1: main at" not in line:
            line = push.stderr.readline()
            assert line
        shown.append("already" in line)
    world.end("web-1")
    assert [finished(push).code for push in pushes] == [0, 0]
    assert sorted(shown) == [False, True]
    assert len(world.builds()) == 1


def test_another_commit_is_told_to_wait_for_the_running_build(world: World):
    web = world.start()
    first = world.client_at("pat", web)
    commit = first.commit("one")
    push = first.start("push", "origin", "main")
    world.wait_for("web-1")
    second = world.client_at("pia", web)
    second.commit("something else")
    refused = second.run("push", "origin", "main")
    assert refused.code == 1
    assert "web-1 builds another commit now; wait for its end or cancel it" in refused.err
    world.end("web-1")
    assert finished(push).code == 0
    assert world.branch() == commit


def test_a_push_that_is_overtaken_is_told_so(world: World):
    web = world.start()
    client = world.client_at("pat", web)
    client.commit("one")
    first = client.start("push", "origin", "main")
    world.wait_for("web-1")
    newest = client.commit("two")
    second = client.start("push", "origin", "main")
    world.wait_for("web-2")
    world.end("web-1", "Cancelled", reason="Superseded", message="superseded by build web-2")
    done = finished(first)
    assert done.code == 1
    assert "superseded by build web-2" in done.shown
    world.end("web-2")
    assert finished(second).code == 0
    assert world.branch() == newest


def test_a_build_that_is_deleted_ends_its_push(world: World):
    client = world.client_at("pat", world.start())
    client.commit("one")
    push = client.start("push", "origin", "main")
    build = world.wait_for("web-1")
    world.logs.finish(uid_of(build))
    world.door.delete(ADMIN, BUILDS, "web-1", "shop")
    done = finished(push)
    assert done.code == 1
    assert "The build was deleted." in done.shown


@pytest.mark.timeout(300)
def test_what_is_larger_than_it_may_take_is_pushed_without_sitting_in_memory(world: World):
    web = world.start()
    client = world.client_at("pat", web)
    client.commit("small")
    push = client.start("push", "origin", "main")
    world.wait_for("web-1")
    world.end("web-1")
    assert finished(push).code == 0
    before_kib = web.peak_kib()
    client.git("config", "core.compression", "0")  # random bytes do not become fewer
    with (client.path / "large.bin").open("wb") as large:
        for _ in range(100):
            large.write(os.urandom(MIB))
    client.commit("large")
    with PeakMeter(web) as meter:
        push = client.start("push", "origin", "main")
        world.wait_for("web-2")
        world.end("web-2")
        done = finished(push)
    assert done.code == 0, done.err
    grown_kib = web.peak_kib() - before_kib
    assert grown_kib < 16 * 1024
    assert meter.peak_kib < 64 * 1024


def _until(true: Callable[[], bool]) -> None:
    """Wait until something that no event announces is so."""
    waiting = threading.Event()
    for _ in range(int(WAIT_S / 0.05)):
        if true():
            return
        waiting.wait(0.05)
    raise AssertionError("it did not become so")
