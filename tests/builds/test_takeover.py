"""Workers that die or stop in the middle of a build: another one goes on, nothing is lost."""

import threading

import pytest

from paas.builds.leases import LEASE_S
from paas.builds.names import has_ended
from paas.builds.services import build_start
from paas.core.objects import name_of, uid_of
from tests.builds.lab import ACTOR, PROJECT, BuildLab
from workers.director import Director

pytestmark = [pytest.mark.podman, pytest.mark.timeout(300)]
SLOW = "i=0; while [ $i -lt {count} ]; do echo line-$i; i=$((i+1)); sleep 0.2; done; exit 3"


def begun(lab: BuildLab, name: str, director: Director, *, count: int):
    """Start a build of so many lines that one director attends to; return it once it runs."""
    files = {".s2i/bin/assemble": f"#!/bin/sh\n{SLOW.format(count=count)}\n", "app.py": ""}
    lab.config(name, lab.git.repository(name, files))
    made = build_start(lab.cluster, actor=ACTOR, namespace=PROJECT, config=name)
    place = (PROJECT, name_of(made), uid_of(made))
    thread = threading.Thread(target=director.drive, args=place)
    thread.start()
    for piece in lab.logs.follow(uid_of(made)):
        if b"line-3" in piece:
            break
    return made, thread


def lines(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.startswith("line-")]


def written(count: int) -> list[str]:
    return [f"line-{number}" for number in range(count)]


def test_a_worker_that_stops_hands_its_build_on_at_once(lab: BuildLab) -> None:
    first, second = Director(lab.new_desk(), "first"), Director(lab.new_desk(), "second")
    made, thread = begun(lab, "handed", first, count=20)
    first.leave()
    thread.join(60)
    assert not thread.is_alive()
    second.drive(PROJECT, name_of(made), uid_of(made))
    build = lab.until(name_of(made), has_ended)
    assert build["status"]["reason"] == "AssembleFailed"
    assert lines(lab.log(build)) == written(20)


def test_a_worker_that_died_is_followed_by_the_sweep(lab: BuildLab) -> None:
    stopped = threading.Event()
    made, thread = begun(lab, "orphan", Director(lab.new_desk(), "dead", stopped), count=60)
    stopped.set()  # its heart stands still and its lease runs out, as when it was killed
    thread.join(60)
    for _ in range(int(LEASE_S) + 60):
        lab.director.sweep()
        if "dead" not in {lease.holder for lease in lab.desk.leases.all()}:
            break
        threading.Event().wait(1.0)
    build = lab.until(name_of(made), has_ended)
    assert build["status"]["reason"] == "AssembleFailed"
    assert lines(lab.log(build)) == written(60)
    lab.until_quiet()


def test_a_build_that_is_delivered_twice_runs_once(lab: BuildLab) -> None:
    lab.config("twice", lab.git.repository("twice", {"app.py": "print()\n"}))
    made = build_start(lab.cluster, actor=ACTOR, namespace=PROJECT, config="twice")
    for _ in range(3):
        lab.work(made)
    build = lab.until(name_of(made), has_ended)
    assert build["status"]["phase"] == "Complete"
    log = lab.log(build)
    assert log.count("Cloning") == 1
    assert log.count("Successfully pushed") == 1


def test_a_build_whose_pod_is_deleted_says_so(lab: BuildLab) -> None:
    made, thread = begun(lab, "robbed", lab.director, count=60)
    lab.door.delete(ACTOR, "pods", f"{name_of(made)}-build", PROJECT)
    build = lab.until(name_of(made), has_ended)
    assert (build["status"]["phase"], build["status"]["reason"]) == ("Error", "BuildPodDeleted")
    thread.join(60)


def test_the_overtaken_are_superseded(lab: BuildLab) -> None:
    uri = lab.git.repository("often", {"app.py": "print()\n"})
    lab.config("often", uri, runPolicy="SerialLatestOnly")
    builds = [
        build_start(lab.cluster, actor=ACTOR, namespace=PROJECT, config="often") for _ in range(3)
    ]
    for build in builds:
        lab.work(build)
    last = lab.until("often-3", has_ended)
    assert last["status"]["phase"] == "Complete"
    for name in ("often-1", "often-2"):
        status = lab.until(name, has_ended)["status"]
        assert status["phase"] == "Cancelled"
        assert status["message"] == "superseded by build often-3"
