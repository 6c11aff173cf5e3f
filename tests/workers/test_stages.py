"""A build's status says how far it is, while it runs."""

import json
import threading
from collections.abc import Iterator
from typing import Any

from paas.builds.stages import MARK
from paas.cluster.client import LogRequest
from paas.core.objects import uid_of
from tests.builds.objects import ended_pod
from tests.workers.conftest import WAIT_S, Worker

BEGAN = "2026-11-23T10:00:00Z"
RUNNING = {"running": {"startedAt": BEGAN}}
WAITING = {"waiting": {"reason": "PodInitializing"}}


def line(*stages: tuple[str, int | None]) -> bytes:
    told = []
    for name, took_ms in stages:
        took = {} if took_ms is None else {"durationMilliseconds": took_ms}
        entry = {"startTime": BEGAN, **took}
        told.append({"name": name, **entry, "steps": [{"name": f"{name}Step", **entry}]})
    return MARK + json.dumps(told).encode() + b"\n"


class Stream:
    """The log of both containers; each piece comes when the test says so."""

    def __init__(self) -> None:
        self.pieces: dict[str, list[bytes]] = {"git-clone": [], "sti-build": []}
        self.ended: set[str] = set()
        self.changed = threading.Condition()

    def says(self, container: str, data: bytes) -> None:
        with self.changed:
            self.pieces[container].append(data)
            self.changed.notify_all()

    def end(self, container: str) -> None:
        with self.changed:
            self.ended.add(container)
            self.changed.notify_all()

    def read(self, request: LogRequest) -> Iterator[bytes]:
        place, name = 0, request.container
        while True:
            with self.changed:
                while len(self.pieces[name]) == place and name not in self.ended:
                    if not self.changed.wait(WAIT_S):
                        return
                pieces = self.pieces[name][place:]
            if not pieces:
                return
            place += len(pieces)
            yield from pieces


def stages(worker: Worker, one: Any) -> dict[str, int | None]:
    """Return the stages of a build's status: name and duration, None where one runs."""
    found = worker.status(one).get("stages") or ()
    return {stage["name"]: stage.get("durationMilliseconds") for stage in found}


def container(name: str, state: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "state": state}]


def begun(worker: Worker, stream: Stream) -> Any:
    """Return a build whose source is fetched and whose assemble runs, and who attends to it."""
    worker.log_of = stream.read
    one = worker.made()
    attending = worker.attend(one)
    worker.pod_says(one, phase="Pending", initContainerStatuses=container("git-clone", RUNNING))
    stream.says("git-clone", b"Cloning\n" + line(("FetchInputs", None)))
    worker.until(lambda: stages(worker, one) == {"FetchInputs": None})
    stream.says("git-clone", line(("FetchInputs", 420)))
    worker.until(lambda: stages(worker, one) == {"FetchInputs": 420})
    stream.end("git-clone")
    worker.pod_says(
        one,
        phase="Running",
        initContainerStatuses=container("git-clone", {"terminated": {"exitCode": 0}}),
        containerStatuses=container("sti-build", RUNNING),
    )
    stream.says("sti-build", line(("PullImages", None)))
    stream.says("sti-build", line(("PullImages", 9)))
    stream.says("sti-build", line(("PullImages", 9), ("Build", None)) + b"---> Installing\n")
    worker.until(
        lambda: stages(worker, one) == {"FetchInputs": 420, "PullImages": 9, "Build": None}
    )
    return one, attending


def test_each_stage_is_told_as_it_begins_and_ends(worker: Worker) -> None:
    stream = Stream()
    one, attending = begun(worker, stream)
    assert worker.status(one)["phase"] == "Running"
    stream.end("sti-build")
    told = line(("PullImages", 9), ("Build", 1200)).removeprefix(MARK).decode()
    message = f'{{"stages": {told}}}'
    worker.pod_says(one, **ended_pod("Succeeded", sti_build=(0, "Completed", message))["status"])
    attending.join(WAIT_S)
    assert stages(worker, one) == {"FetchInputs": 420, "PullImages": 9, "Build": 1200}
    assert worker.desk.logs.read(uid_of(one)).data == b"Cloning\n---> Installing\n"


def test_a_build_that_is_cut_off_says_in_which_stage(worker: Worker) -> None:
    stream = Stream()
    one, attending = begun(worker, stream)
    stream.end("sti-build")
    worker.pod_says(one, **ended_pod(sti_build=(137, "OOMKilled", ""))["status"])
    attending.join(WAIT_S)
    assert worker.status(one)["reason"] == "OutOfMemoryKilled"
    found = stages(worker, one)
    assert list(found) == ["FetchInputs", "PullImages", "Build"]
    assert (found["Build"] or 0) > 0
