"""What a worker has, on a real door without a node: the test says what becomes of pods."""

import copy
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from paas.apimachinery.door import Door
from paas.builds.desk import BuildDesk
from paas.builds.leases import Leases
from paas.builds.logs import BuildLogs
from paas.builds.names import BUILDS, pod_name
from paas.builds.settings import BuildSettings
from paas.cluster.client import EmbeddedCluster, LogRequest
from paas.core.actors import Actor, platform_actor
from paas.core.errors import NotFoundError, PaasError
from paas.core.objects import ApiObject, name_of, namespace_of, timestamp, uid_of
from tests.builds.objects import build
from workers.director import Director

ACTOR = platform_actor("worker-tests")
PROJECT = "shop"
WAIT_S = 60.0
BEYOND_START = timedelta(minutes=6)
HEARTBEAT_S = 0.02


class Worker:
    """A worker with its door.

    `offset` moves its clock, `log_of` answers for the node agent, `refused` keeps pods away.
    """

    def __init__(self, door: Door) -> None:
        self.door = door
        self.offset = timedelta()
        self.woken: list[str] = []
        self.log_of: Callable[[LogRequest], Iterator[bytes]] = lambda _: iter(())
        self.refused: PaasError | None = None
        self.cluster = EmbeddedCluster(door, self._logs)
        self.cluster.create = self._create
        self.desk = BuildDesk(
            cluster=self.cluster,
            leases=Leases(door.store.database, running_max=4),
            logs=BuildLogs(door.store.database),
            settings=BuildSettings(),
            token=lambda _grants, *, subject, ttl_s: f"token-for-{subject}-{ttl_s}",
            tag=lambda **_: None,
            now=lambda: datetime.now(UTC) + self.offset,
            wake=lambda one: self.woken.append(name_of(one)),
        )
        self.stopping = threading.Event()
        self.director = Director(self.desk, "tests", self.stopping)
        self._threads: list[threading.Thread] = []
        self._furnish()

    def _furnish(self) -> None:
        for kind, meta in (("Namespace", {}), ("ServiceAccount", {"namespace": PROJECT})):
            name = PROJECT if kind == "Namespace" else "builder"
            body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **meta}}
            self.door.create(ACTOR, body)

    def _create(self, actor: Actor, obj: ApiObject, *given: Any, **more: Any) -> ApiObject:
        if self.refused is not None and obj["kind"] == "Pod":
            raise self.refused
        return self.door.create(actor, obj, *given, **more)

    def _logs(self, actor: Actor, request: LogRequest) -> Iterator[bytes]:
        del actor
        return self.log_of(request)

    def take(self, **parts: Any) -> None:
        """Put other things on the worker's desk."""
        self.desk = replace(self.desk, **parts)
        self.director = Director(self.desk, "tests", self.stopping)

    def configure(self, **settings: Any) -> None:
        """Give the worker other settings."""
        self.take(settings=replace(self.desk.settings, **settings))

    def made(self, number: int = 1, *, policy: str = "Serial", **spec: Any) -> ApiObject:
        """Create a Build, which is New."""
        one = build(number, policy=policy, **spec)
        for field in ("uid", "creationTimestamp"):
            one["metadata"].pop(field)
        return self.door.create(ACTOR, one)

    def drive(self, one: ApiObject) -> None:
        """Attend to a build as far as it goes."""
        self.director.drive(namespace_of(one), name_of(one), uid_of(one))

    def queued_long(self) -> None:
        """Let each build seem to have waited for its turn since long ago."""

        def aged(found: ApiObject) -> ApiObject:
            if found["kind"] != "Build":
                return found
            made = {"creationTimestamp": timestamp(self.desk.now() - 2 * BEYOND_START)}
            return {**found, "metadata": {**found["metadata"], **made}}

        self.cluster.get = lambda *given, **more: aged(self.door.get(*given, **more))
        self.cluster.update = lambda *given, **more: aged(self.door.update(*given, **more))

    def attend(self, one: ApiObject) -> threading.Thread:
        """Attend to a build in a thread."""
        thread = threading.Thread(target=self.drive, args=(one,))
        self._threads.append(thread)
        thread.start()
        return thread

    def pod(self, one: ApiObject) -> ApiObject | None:
        """Return the build's pod."""
        try:
            return self.door.get(ACTOR, "pods", pod_name(one), PROJECT)
        except NotFoundError:
            return None

    def pod_says(self, one: ApiObject, **status: Any) -> None:
        """Give the build's pod a status, as its node would; waits for the pod."""
        self.until(lambda: self.pod(one))
        pod = copy.deepcopy(self.pod(one)) or {}
        pod["status"] = {**pod.get("status", {}), **status}
        self.door.update(ACTOR, pod, subresource="status")

    def now_is(self, one: ApiObject) -> ApiObject:
        """Return the build as it is now."""
        return self.door.get(ACTOR, BUILDS, name_of(one), PROJECT)

    def status(self, one: ApiObject) -> dict[str, Any]:
        """Return the build's status as it is now."""
        found: dict[str, Any] = self.now_is(one)["status"]
        return found

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds."""
        pause = threading.Event()
        for _ in range(int(WAIT_S / HEARTBEAT_S)):
            if holds():
                return
            pause.wait(HEARTBEAT_S)
        raise AssertionError("in vain")

    def stop(self) -> None:
        """End all attendance."""
        self.stopping.set()
        for thread in self._threads:
            thread.join(WAIT_S)
            assert not thread.is_alive()


@pytest.fixture
def worker(platform_door: Door, database_dsn: str) -> Iterator[Worker]:
    """Yield a worker and the project `shop`."""
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE minato_build_lease, minato_build_log, minato_build_log_chunk")
    one = Worker(platform_door)
    yield one
    one.stop()
