"""A build that ends, or whose pod goes, while nobody looks: its worker finds out."""

import queue
from dataclasses import replace
from datetime import datetime

import pytest

from paas.apimachinery.options import Patch
from paas.builds.leases import Leases
from paas.builds.names import BUILDS, CANCELLED
from paas.core.errors import ServiceUnavailableError
from paas.core.objects import ApiObject, name_of
from tests.builds.objects import ended_pod
from tests.workers.conftest import ACTOR, BEYOND_START, PROJECT, WAIT_S, Worker
from workers.director import Director
from workers.stages.events import DELETED, Events, Pump

AGAIN = "Start the build again"


def end(worker: Worker, one: ApiObject) -> None:
    """End a build as another worker does that finds it superseded."""
    patch = Patch("merge", {"status": {"phase": CANCELLED}})
    worker.door.patch(ACTOR, BUILDS, name_of(one), PROJECT, patch=patch)


class LateLeases(Leases):
    """Leases that are given just after another worker has ended the build."""

    worker: Worker

    def claim(self, build: ApiObject, holder: str, *, now: datetime) -> bool:
        end(self.worker, build)
        return super().claim(build, holder, now=now)


def test_a_build_that_is_superseded_before_it_is_claimed_gets_no_pod(worker: Worker) -> None:
    one = worker.made()
    leases = LateLeases(worker.door.store.database, running_max=4)
    leases.worker = worker
    worker.director = Director(replace(worker.desk, leases=leases), "tests", worker.stopping)
    worker.attend(one)
    worker.until(lambda: leases.all() == [] and worker.status(one)["phase"] == CANCELLED)
    assert worker.pod(one) is None


def test_a_build_that_somebody_else_ends_keeps_no_pod(worker: Worker) -> None:
    one = worker.made()
    attending = worker.attend(one)
    worker.until(lambda: worker.status(one)["phase"] == "Pending")
    end(worker, one)
    attending.join(WAIT_S)
    assert not attending.is_alive()
    assert worker.pod(one) is None
    assert worker.status(one)["phase"] == CANCELLED


def test_what_went_before_a_watch_was_open_is_told(worker: Worker) -> None:
    events: Events = queue.SimpleQueue()
    pump = Pump(worker.cluster, "pods", PROJECT, "web-1-build", events.put, called="pod")
    pump.start()
    happening = events.get(timeout=WAIT_S)
    pump.stop()
    assert (happening.of, happening.kind) == ("pod", DELETED)


def test_an_image_that_cannot_be_tagged_is_ours_and_says_what_to_do(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.attendance.TAG_AGAIN_S", 0.0)

    def tag(**_: object) -> None:
        raise ServiceUnavailableError("the registry is away")

    worker.take(tag=tag)
    one = worker.made()
    attending = worker.attend(one)
    worker.pod_says(one, phase="Succeeded")
    attending.join(WAIT_S)
    status = worker.status(one)
    assert (status["phase"], status["reason"]) == ("Error", "PushImageToRegistryFailed")
    assert "the registry is away" in status["message"]
    assert AGAIN in status["message"]


def test_what_nobody_expected_of_the_platform_is_ours_and_says_what_to_do(worker: Worker) -> None:
    def token(*_: object, **__: object) -> str:
        raise RuntimeError("oh")

    worker.take(token=token)
    one = worker.made()
    worker.drive(one)
    status = worker.status(one)
    assert (status["phase"], status["reason"]) == ("Error", "GenericBuildFailed")
    assert AGAIN in status["message"]


def test_a_pod_that_never_starts_says_what_to_do(worker: Worker) -> None:
    worker.configure(starting_max_s=0)
    one = worker.made()
    worker.offset += BEYOND_START
    worker.drive(one)
    status = worker.status(one)
    assert (status["phase"], status["reason"]) == ("Error", "CannotCreateBuildPod")
    assert "did not start" in status["message"]
    assert AGAIN in status["message"]


def test_a_container_that_ends_without_a_word_is_ours_and_says_what_to_do(worker: Worker) -> None:
    one = worker.made()
    attending = worker.attend(one)
    worker.pod_says(one, **ended_pod(sti_build=(137, "Error", ""))["status"])
    attending.join(WAIT_S)
    status = worker.status(one)
    assert (status["phase"], status["reason"]) == ("Error", "GenericBuildFailed")
    assert "exit code 137. It was killed." in status["message"]
    assert AGAIN in status["message"]
