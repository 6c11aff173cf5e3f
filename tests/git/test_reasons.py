"""Why a roll-out failed, as who has pushed reads it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from paas.cluster.client import EmbeddedCluster, LogRequest
from paas.core.actors import Actor, platform_actor
from paas.core.errors import NotFoundError
from paas.core.objects import owner_reference
from paas.git.builds import BuildResult, Release
from paas.git.reasons import explained
from paas.git.terminal import released
from tests.fakes.door import FakeDoor

ACTOR = platform_actor("test")
DIGEST = "sha256:" + "1" * 64
LATE = Release(ready=False, message='ReplicaSet "web-1" has timed out progressing.')
CRASHED = {"terminated": {"exitCode": 3, "reason": "Error"}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}
NO_IMAGE = {"waiting": {"reason": "ImagePullBackOff", "message": "manifest unknown"}}
UNREADY = {
    "type": "Ready",
    "status": "False",
    "reason": "ContainersNotReady",
    "message": "containers with unready status: [web]",
}


class World:
    """A Deployment of the image with one pod, in memory."""

    def __init__(self, *, notes: dict[str, str] | None = None, **container: Any) -> None:
        self.door = FakeDoor()
        self.asked: list[LogRequest] = []
        self.cluster = EmbeddedCluster(self.door, self._logs)
        template = {"spec": {"containers": [{"name": "web", "image": f"registry/web@{DIGEST}"}]}}
        owner = self._make("apps/v1", "Deployment", "web", notes=notes, template=template)
        middle = self._make("apps/v1", "ReplicaSet", "web-1", owner, template=template)
        self.pod = self._make("v1", "Pod", "web-1-a", middle, **template["spec"])
        statuses = [{"name": "web", "ready": False, **container}] if container else []
        self.pod["status"] = {"conditions": [UNREADY], "containerStatuses": statuses}
        self.door.update(ACTOR, self.pod, subresource="status")

    def _make(self, version, kind, name, owner=None, *, notes=None, **spec):
        owners = {"ownerReferences": [owner_reference(owner)]} if owner else {}
        meta = {"name": name, "namespace": "shop", "annotations": notes or {}, **owners}
        body = {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}
        return self.door.create(ACTOR, body)

    def _logs(self, actor: Actor, request: LogRequest) -> Iterator[bytes]:
        del actor
        self.asked.append(request)
        yield b"Traceback\n"
        yield b"KeyError: 'DATABASE_URL'\n"

    def explained(self, release: Release = LATE) -> Release:
        return explained(self.cluster, release, deployment="web", project="shop", digest=DIGEST)


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"state": BACK_OFF, "lastState": CRASHED}, "CrashLoopBackOff: back-off 40s, last exit co"),
        ({"state": {"running": {}}, "lastState": CRASHED}, "web ended with exit code 3"),
        ({"state": NO_IMAGE}, "ImagePullBackOff: manifest unknown"),
        ({"state": {"running": {}}}, "ContainersNotReady: containers with unready status: [web]"),
    ],
)
def test_a_first_roll_out_that_fails_says_why(container, words: str) -> None:
    message = World(**container).explained().message
    assert message.startswith('ReplicaSet "web-1" has timed out progressing: pod web-1-a: ')
    assert words in message


def test_what_a_probe_said_is_told() -> None:
    world = World(state={"running": {}})
    body = {"apiVersion": "v1", "kind": "Event", "reason": "Unhealthy"}
    meta = {"name": "web-1-a.1", "namespace": "shop"}
    involved = {"uid": world.pod["metadata"]["uid"]}
    message = "Readiness probe failed: dial tcp 10.0.0.2:8080: connection refused"
    event = {**body, "metadata": meta, "involvedObject": involved, "message": message}
    world.door.create(ACTOR, event)
    assert message in world.explained().message


def test_the_last_lines_of_a_pod_are_shown() -> None:
    world = World(state=BACK_OFF, lastState=CRASHED)
    release = world.explained()
    assert world.asked == [LogRequest("shop", "web-1-a", "web", tail_lines=10)]
    shown = released(BuildResult(succeeded=True), release)
    assert shown.endswith("       Traceback\n       KeyError: 'DATABASE_URL'\n")


@pytest.mark.parametrize("available", [0, 2])
def test_a_version_before_that_serves_is_named(available: int) -> None:
    world = World(state=BACK_OFF)
    owner = world.door.get(ACTOR, "deployments.apps", "web", "shop")
    owner["status"] = {"availableReplicas": available}
    world.door.update(ACTOR, owner, subresource="status")
    serves = world.explained().message.endswith("The version before goes on serving.")
    assert serves is bool(available)


def test_what_was_rolled_back_has_its_reason_already() -> None:
    notes = {
        "minato.io/rejected-image": json.dumps({"web": f"registry/web@{DIGEST}"}),
        "minato.io/rejected-reason": "pod web-1-a crashed",
    }
    before = Release(ready=False, message="pod web-1-a crashed The version before serves.")
    after = World(notes=notes, state=BACK_OFF).explained(before)
    assert (after.message, bool(after.said)) == (before.message, True)


def test_what_is_gone_changes_nothing() -> None:
    world = World(state=BACK_OFF)
    world.door.delete(ACTOR, "deployments.apps", "web", "shop")
    assert world.explained() == LATE
    with pytest.raises(NotFoundError):
        world.door.get(ACTOR, "deployments.apps", "web", "shop")
