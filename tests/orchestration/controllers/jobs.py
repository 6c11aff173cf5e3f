"""Jobs for tests: the real door and controllers, and a node whose programs the test writes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from paas.apimachinery.door import Door
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.engine.manager import Manager
from paas.apimachinery.engine.queue import Backoff
from paas.apimachinery.options import DeleteOptions, Patch
from paas.core.conditions import is_true, set_condition
from paas.core.errors import NotFoundError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from paas.orchestration.controllers.cronjob.controller import CronJobs
from paas.orchestration.controllers.garbage.collector import GarbageCollector
from paas.orchestration.controllers.job.controller import Jobs
from paas.orchestration.controllers.job.ttl import FinishedJobs
from tests.fakes.controllers import PATIENCE_S, is_at_rest, manager_running
from tests.images.people import ADMIN

JOBS, CRON_JOBS = "jobs.batch", "cronjobs.batch"
Program = Callable[[ApiObject], int | None]
"""Says with what exit code a pod ends; None while it runs."""


class Clock:
    """Stands still, however slow the machine is, and jumps when told."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._began = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self._began + self.ahead


class ProgramNode:
    """Runs every pod by the test's program."""

    def __init__(self, context: Context, program: Callable[[], Program]) -> None:
        self._client = context.client("node")
        self._pods = context.of("pods")
        self._now = context.now
        self._program = program

    def controller(self) -> Controller:
        backoff = Backoff(base_s=0.001, max_s=0.05)
        sources = [Source(self._pods, itself("pods"))]
        return Controller("node", self.reconcile, sources, backoff=backoff)

    def reconcile(self, key: ObjectKey) -> None:
        pod = self._pods.find(key)
        if pod is None:
            return
        ended = (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
        if is_deleting(pod):
            if pod["metadata"].get("deletionGracePeriodSeconds"):
                options = DeleteOptions(grace_period_s=0, uid=uid_of(pod))
                self._client.delete("pods", name_of(pod), namespace_of(pod), options=options)
            return
        if not ended:
            status = self._status(pod, self._program()(pod))
            if status != pod.get("status"):
                self._client.update_status({**pod, "status": status})

    def _status(self, pod: ApiObject, code: int | None) -> dict[str, Any]:
        now = self._now()
        phase = "Running" if code is None else "Failed" if code else "Succeeded"
        status = {**(pod.get("status") or {}), "phase": phase}
        status["conditions"] = list(status.get("conditions") or ())
        set_condition(status, kind="Ready", value=code is None, now=now)
        reason = "Error" if code else "Completed"
        state = (
            {"running": {}}
            if code is None
            else {"terminated": {"exitCode": code, "reason": reason, "finishedAt": timestamp(now)}}
        )
        name = pod["spec"]["containers"][0]["name"]
        status["containerStatuses"] = [
            {
                "name": name,
                "ready": code is None,
                "restartCount": 0,
                "image": "",
                "imageID": "",
                "state": state,
            }
        ]
        return status


class World:
    """What the controllers make of Jobs."""

    manager: Manager

    def __init__(self, context: Context, clock: Clock) -> None:
        self.door, self.clock = context.door, clock
        self.jobs, self.pods = context.of(JOBS), context.of("pods")
        self.cron_jobs, self.events = context.of(CRON_JOBS), context.of("events")
        self.program: Program = lambda _pod: None

    def run(self, program: Program) -> None:
        """Let pods run by this from now on; those that run already as well."""
        self.program = program
        self.poke()

    def poke(self) -> None:
        """Have the node look at every pod, and the controllers at every Job."""
        for resource, informer in (("pods", self.pods), (JOBS, self.jobs)):
            for obj in informer.list("shop"):
                self._touch(resource, name_of(obj))

    def _touch(self, resource: str, name: str) -> None:
        mark = {"metadata": {"annotations": {"poked": str(datetime.now(UTC))}}}
        with suppress(NotFoundError):
            self.door.patch(ADMIN, resource, name, "shop", patch=Patch("merge", mark))

    def job(self, name: str = "work") -> ApiObject:
        return self.door.get(ADMIN, JOBS, name, "shop")

    def own_pods(self, name: str = "work") -> list[ApiObject]:
        owner = self.jobs.get("shop", name)
        return self.pods.controlled_by(uid_of(owner)) if owner else []

    def until(self, holds: Callable[[], object]) -> None:
        if not eventually(holds):
            raise AssertionError(
                f"in vain: {[job.get('status') for job in self.jobs.list('shop')]}"
            )

    def rest(self) -> None:
        """Wait until all that was written is answered."""
        self.until(lambda: is_at_rest(self.door, ADMIN, self.manager))

    def until_condition(self, kind: str, name: str = "work") -> ApiObject:
        self.until(is_complete(self.jobs, name, kind))
        return self.job(name)

    def words(self, reason: str) -> list[str]:
        return [one["message"] for one in self.events.list("shop") if one["reason"] == reason]


def is_complete(jobs: Informer, name: str, kind: str = "Complete") -> Callable[[], bool]:
    """Return a test of one condition of a Job."""
    return lambda: is_true((jobs.get("shop", name) or {}).get("status") or {}, kind)


def eventually(holds: Callable[[], object]) -> bool:
    """Say whether it comes true within our patience."""
    pause, give_up = threading.Event(), time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        if holds():
            return True
        pause.wait(0.02)
    return bool(holds())


@contextmanager
def job_world(door: Door) -> Iterator[World]:
    """Run the controllers of Jobs and CronJobs, the garbage collector and a node."""
    clock = Clock()
    found: list[World] = []

    def make(context: Context) -> list[Controller]:
        found.append(World(context, clock))
        node = ProgramNode(context, lambda: found[0].program)
        return [
            *Jobs(context).controllers(),
            FinishedJobs(context).controller(),
            CronJobs(context).controller(),
            node.controller(),
            GarbageCollector(context).controller(),
        ]

    with manager_running(door, ADMIN, make, now=clock) as (_, manager):
        found[0].manager = manager
        yield found[0]


def job(name: str = "work", *, annotations: dict[str, str] | None = None, **spec: Any) -> ApiObject:
    """Return a Job of one pod that may not restart."""
    template = {
        "metadata": {"labels": {"app": "work"}},
        "spec": {
            "restartPolicy": spec.pop("restartPolicy", "Never"),
            "containers": [{"name": "work", "image": "work:1"}],
        },
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations or {}},
        "spec": {"template": template, **spec},
    }
