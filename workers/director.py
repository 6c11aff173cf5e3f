"""Attends to one build from its turn to its end. The pod does the work and outlives us.

Whoever holds the lease may write; a worker that dies is followed by another, which finds in the
objects and the log all that it needs. Safe to call for any build, at any time, twice.
"""

import threading

import structlog
from psycopg import OperationalError

from paas.builds.desk import ACTOR, BuildDesk
from paas.builds.names import (
    BUILDS,
    CANCELLED,
    CONFIGS,
    ERROR,
    NEW,
    config_of,
    has_ended,
    is_cancelled,
    phase_of,
)
from paas.builds.outcome import Outcome
from paas.builds.policy import queue as waiting_in_order
from paas.builds.policy import turn
from paas.builds.pruning import doomed
from paas.core.errors import NotFoundError, PaasError
from paas.core.objects import ApiObject, name_of, namespace_of, uid_of
from workers.attendance import CANCELLED_WORDS, Attendance, LeaseLostError
from workers.stages.objects import build_find, builds_active, builds_all, object_delete
from workers.stages.record import record_end, record_waiting

log = structlog.get_logger(__name__)


class Director:
    """Drives builds for one worker process. `holder` is unique; `stopping` ends all attendance."""

    def __init__(
        self, desk: BuildDesk, holder: str, stopping: threading.Event | None = None
    ) -> None:
        self._desk, self._holder = desk, holder
        self._stopping = stopping or threading.Event()

    def drive(self, namespace: str, name: str, uid: str) -> None:
        """Attend to a build as far as it goes; returns at once where it is not its turn."""
        build = build_find(self._desk, namespace, name, uid)
        if build is None:
            self._desk.leases.forget(uid, now=self._desk.now())
            return
        if has_ended(build) or (phase_of(build) == NEW and not self._may_begin(build)):
            return
        if not self._desk.leases.claim(build, self._holder, now=self._desk.now()):
            return
        try:
            claimed = build_find(self._desk, namespace, name, uid)  # it may have ended meanwhile
            ended = claimed is None or has_ended(claimed) or self._attend(claimed)
        except LeaseLostError:
            log.info("build_left", namespace=namespace, build=name)
            return
        self._desk.leases.release(uid, self._holder)
        if ended:  # one that cannot begin yet is looked at again by the sweep
            self._wake_next()

    def sweep(self) -> int:
        """Wake a worker for every build that nobody attends to; return how many there were."""
        now = self._desk.now()
        leases = self._desk.leases.all()
        attended = {lease.build_uid for lease in leases if lease.until > now}
        active = builds_active(self._desk)
        for build in (one for one in active if uid_of(one) not in attended):
            self._desk.wake(build)
        known = {uid_of(one) for one in active}
        for lease in leases:
            if lease.build_uid not in known:
                self._desk.leases.forget(lease.build_uid, now=now)
        return len(active) - len(attended & known)

    def prune_logs(self) -> None:
        """Delete the logs of builds that are gone."""
        before = self._desk.logs.uids()  # first: a build made meanwhile has no log in it
        known = {uid_of(one) for one in builds_all(self._desk)}
        for uid in before:
            if uid not in known:
                self._desk.logs.forget(uid)

    def leave(self) -> None:
        """Stop attending: pods go on, another worker adopts them at once."""
        self._stopping.set()
        self._desk.leases.drop(self._holder, now=self._desk.now())

    def _may_begin(self, build: ApiObject) -> bool:
        if is_cancelled(build):
            self._end_unbegun(build, CANCELLED_WORDS)
            return False
        found = turn(build, builds_active(self._desk, namespace_of(build)))
        if found.superseded_by:
            self._end_unbegun(build, f"superseded by build {found.superseded_by}")
        elif found.waits_for:
            words = f"waiting for build {found.waits_for} to end"
            record_waiting(self._desk, build, "", words)
        return found.is_now

    def _end_unbegun(self, build: ApiObject, words: str) -> None:
        record_end(self._desk, build, Outcome(CANCELLED, "CancelledBuild", words))
        self._desk.logs.finish(uid_of(build))

    def _attend(self, build: ApiObject) -> bool:
        attendance = Attendance(self._desk, build, self._holder, self._stopping)
        try:
            ended = attendance.run()
        except (LeaseLostError, PaasError, OperationalError):
            raise  # the lease runs out and somebody tries again
        except Exception as error:
            log.exception("build_attendance_failed", build=name_of(build))
            attendance.end(Outcome(ERROR, "GenericBuildFailed", f"The platform failed: {error!r}"))
            ended = True
        if ended:
            self._prune(build)
        return ended

    def _prune(self, build: ApiObject) -> None:
        namespace, name = namespace_of(build), config_of(build)
        try:
            config = self._desk.cluster.get(ACTOR, CONFIGS, name, namespace) if name else None
        except NotFoundError:
            config = None
        if config is None:
            return
        mine = [one for one in builds_all(self._desk, namespace) if config_of(one) == name]
        for old in doomed(config, mine):
            object_delete(self._desk, BUILDS, name_of(old), namespace, uid_of(old))
            self._desk.logs.forget(uid_of(old))

    def _wake_next(self) -> None:
        for build in waiting_in_order(builds_active(self._desk)):
            self._desk.wake(build)
