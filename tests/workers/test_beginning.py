"""A build that cannot have its pod ends, and its place is free for others."""

import pytest

from paas.core.errors import ConflictError, ForbiddenError, ServiceUnavailableError
from tests.workers.conftest import ACTOR, BEYOND_START, WAIT_S, Worker


def test_a_pod_that_breaks_a_rule_fails_the_build_and_frees_its_place(worker: Worker) -> None:
    bad = {"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"memory": "1Gi"}}
    worker.configure(resources=bad)
    one = worker.made()
    worker.drive(one)
    status = worker.status(one)
    assert (status["phase"], status["reason"]) == ("Failed", "CannotCreateBuildPod")
    assert "must be less than or equal to memory limit" in status["message"]
    assert worker.desk.leases.all() == []


def test_what_is_in_the_way_for_too_long_ends_the_build(worker: Worker) -> None:
    one = worker.made()
    worker.refused = ConflictError("something is in the way")
    worker.drive(one)
    status = worker.status(one)
    assert (status["phase"], status["message"]) == ("New", "something is in the way")
    assert worker.desk.leases.all() == []
    worker.offset += BEYOND_START
    worker.drive(one)
    status = worker.status(one)
    assert (status["phase"], status["reason"]) == ("Error", "CannotCreateBuildPod")


def test_a_platform_that_is_away_ends_no_build(worker: Worker) -> None:
    one = worker.made()
    worker.refused = ServiceUnavailableError("the database starts")
    worker.offset += BEYOND_START
    with pytest.raises(ServiceUnavailableError):
        worker.drive(one)
    assert worker.status(one)["phase"] == "New"


def test_the_time_to_begin_counts_from_the_turn_not_from_the_queue(worker: Worker) -> None:
    worker.queued_long()
    one = worker.made()
    worker.refused = ForbiddenError("exceeded quota")
    worker.drive(one)
    status = worker.status(one)
    assert (status["phase"], status["message"]) == ("New", "exceeded quota")
    worker.offset += BEYOND_START
    worker.drive(one)
    assert worker.status(one)["phase"] == "Error"


def test_the_time_to_start_counts_from_the_pod(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.attendance.RENEW_S", 0.05)  # what it would wait for at least
    worker.queued_long()
    one = worker.made()
    attending = worker.attend(one)
    worker.until(lambda: worker.pod(one))
    attending.join(1.0)
    assert worker.status(one)["phase"] == "Pending"
    worker.pod_says(one, phase="Succeeded")
    attending.join(WAIT_S)
    assert worker.status(one)["phase"] == "Complete"


def test_a_build_that_an_earlier_release_kept_waiting_ends_as_well(worker: Worker) -> None:
    worker.refused = ForbiddenError("exceeded quota")
    one = worker.made()
    one["status"] |= {"reason": "CannotCreateBuildPod", "message": "exceeded quota"}
    worker.door.update(ACTOR, one)
    worker.drive(one)
    worker.offset += BEYOND_START
    worker.drive(one)
    assert worker.status(one)["phase"] == "Error"
