"""A build's secret: its own goes with it; somebody else's of that name is left alone."""

import base64

from tests.workers.conftest import ACTOR, PROJECT, WAIT_S, Worker

NAME = "web-1-build"


def tenants_secret(worker: Worker) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME, "namespace": PROJECT}}
    worker.door.create(ACTOR, {**body, "stringData": {"key": "the tenant's"}})


def key_of(worker: Worker) -> bytes:
    found = worker.door.get(ACTOR, "secrets", NAME, PROJECT)
    return base64.b64decode(found["data"]["key"])


def test_a_tenants_secret_of_that_name_ends_the_build_and_stays(worker: Worker) -> None:
    tenants_secret(worker)
    one = worker.made()
    worker.attend(one).join(WAIT_S)
    status = worker.status(one)
    assert (status["phase"], status["reason"]) == ("Failed", "BuildSecretExists")
    assert NAME in status["message"]
    assert key_of(worker) == b"the tenant's"


def test_a_cancelled_build_leaves_a_tenants_secret(worker: Worker) -> None:
    tenants_secret(worker)
    one = worker.made(status={"cancelled": True})
    worker.drive(one)
    assert worker.status(one)["phase"] == "Cancelled"
    assert key_of(worker) == b"the tenant's"


def test_a_build_takes_its_own_secret_away_when_it_ends(worker: Worker) -> None:
    one = worker.made()
    attending = worker.attend(one)
    worker.pod_says(one, phase="Succeeded")
    attending.join(WAIT_S)
    assert worker.status(one)["phase"] == "Complete"
    assert worker.door.list(ACTOR, "secrets", PROJECT).items == []
