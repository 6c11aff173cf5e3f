"""One worker's time with one build: it follows pod, build and log, and writes down the end."""

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from paas.builds.desk import BuildDesk
from paas.builds.errors import BuildFailedError
from paas.builds.leases import RENEW_S
from paas.builds.logs import LogWriter
from paas.builds.names import (
    BUILDS,
    CANCELLED,
    COMPLETE,
    ERROR,
    FAILED,
    RUNNING,
    has_ended,
    is_cancelled,
    phase_of,
    pod_name,
)
from paas.builds.outcome import (
    POD_GONE,
    TOO_LATE,
    Outcome,
    has_started,
    is_running,
    outcome_of,
    stuck_in,
)
from paas.builds.plans import output_tag
from paas.builds.pods import seconds_left
from paas.builds.redaction import secret_forms
from paas.builds.stages import stages_joined
from paas.core.errors import (
    BadRequestError,
    InvalidError,
    PaasError,
    RequestTooLargeError,
    ServiceUnavailableError,
)
from paas.core.objects import ApiObject, dig, name_of, namespace_of, parse_timestamp, uid_of
from paas.core.shape import Json
from workers.stages.events import DELETED, Events, Happening, Heart, Pump
from workers.stages.log import CONTAINERS, LogFollower
from workers.stages.objects import build_find, object_delete
from workers.stages.prepare import masked_values, pod_create, pod_find, secret_remove
from workers.stages.record import (
    record_end,
    record_pending,
    record_running,
    record_stages,
    record_waiting,
    turn_began,
)

LOG_END_S = 15.0
GONE_S = 5.0
OVERTIME_S = 30.0
TAG_TRIES = 5
TAG_AGAIN_S = 1.0
NO_POD = "CannotCreateBuildPod"
_NEVER = (InvalidError, BadRequestError, RequestTooLargeError)
CANCELLED_WORDS = "The build was cancelled by the user."


class LeaseLostError(Exception):
    """Somebody else attends to the build now, or this process is to stop."""


class Attendance:
    """One worker's time with one build."""

    def __init__(
        self, desk: BuildDesk, build: ApiObject, holder: str, stopping: threading.Event
    ) -> None:
        self._desk, self._build = desk, build
        self._uid, self._namespace = uid_of(build), namespace_of(build)
        self._events: Events = queue.SimpleQueue()
        self._heart = Heart(
            lambda: desk.leases.renew(self._uid, holder, now=desk.now()),
            self._events.put,
            every_s=RENEW_S,
            stopping=stopping,
        )
        self._pod_made = desk.now()
        self._follower: LogFollower | None = None
        self._pumps: list[Pump] = []
        self._stages: list[Json] = []

    def run(self) -> bool:
        """Attend until the build has ended; False where it cannot begin yet.

        Raises LeaseLostError, PaasError.
        """
        self._heart.start()
        try:
            outcome = self._begin() or self._watch()
            if outcome is None:
                return False
            self.end(outcome)
            return True
        finally:
            for pump in self._pumps:
                pump.stop()
            if self._follower is not None:  # also where somebody else goes on with the build
                self._follower.finish(0)
            self._heart.stop()

    def _begin(self) -> Outcome | None:
        """See to it that there is a pod; an outcome where there will never be one."""
        if is_cancelled(self._build):
            return Outcome(CANCELLED, "CancelledBuild", CANCELLED_WORDS)
        pod = pod_find(self._desk, self._build)
        if pod is None and phase_of(self._build) == RUNNING:
            return POD_GONE
        try:
            pod = pod or pod_create(self._desk, self._build)
        except PaasError as error:
            return self._without_pod(error)
        self._pod_made = parse_timestamp(str(dig(pod, "metadata", "creationTimestamp")))
        self._build = record_pending(self._desk, self._build) or self._build
        masked = masked_values(self._desk, self._build)
        if masked is not None:
            writer = partial(
                LogWriter,
                self._desk.logs,
                self._uid,
                secret_forms(masked),
                limit_bytes=self._desk.settings.log_max_bytes,
                told=self._hear,
            )
            self._follower = LogFollower(self._desk, self._build, writer)
            self._follower.start()
        return None

    def _without_pod(self, error: PaasError) -> Outcome | None:
        """Return the end of a build that cannot have a pod; None where it may have one later.

        Its place is free meanwhile. Raises ServiceUnavailableError: then it is the platform.
        """
        if isinstance(error, BuildFailedError):
            phase = ERROR if error.ours else FAILED
            return Outcome(phase, error.build_reason, error.message, error.hint)
        if isinstance(error, _NEVER):
            return Outcome(FAILED, NO_POD, error.message, error.hint)
        if isinstance(error, ServiceUnavailableError):
            raise error
        return self._not_yet(error)  # quota, or a project that is not furnished yet

    def _not_yet(self, error: PaasError) -> Outcome | None:
        began = turn_began(self._build)
        limit = timedelta(seconds=self._desk.settings.starting_max_s)
        if began is not None and self._desk.now() - began > limit:
            return Outcome(ERROR, NO_POD, error.message, error.hint)
        record_waiting(self._desk, self._build, NO_POD, str(error))
        return None

    def _watch(self) -> Outcome | None:
        """Follow pod and build to the end. Raises LeaseLostError."""
        if pod_find(self._desk, self._build) is None and self._follower is None:
            return None
        name = name_of(self._build)
        for resource, of, called in (
            ("pods", pod_name(self._build), "pod"),
            (BUILDS, name, "build"),
        ):
            pump = Pump(
                self._desk.cluster, resource, self._namespace, of, self._events.put, called=called
            )
            self._pumps.append(pump)
            pump.start()
        while True:
            try:
                happening = self._events.get(timeout=self._patience_s())
            except queue.Empty:
                return self._too_late()
            outcome = self._take(happening)
            if outcome is not None:
                return outcome

    def _patience_s(self) -> float:
        """Return how long nothing may happen. The pod has a deadline too, which comes first."""
        if phase_of(self._build) == RUNNING:
            left = seconds_left(self._build, self._desk.settings, now=self._desk.now())
            return left + OVERTIME_S
        limit = timedelta(seconds=self._desk.settings.starting_max_s)
        return max((self._pod_made + limit - self._desk.now()).total_seconds(), RENEW_S)

    def _too_late(self) -> Outcome:
        if phase_of(self._build) == RUNNING:
            return TOO_LATE
        pod = pod_find(self._desk, self._build) or {}
        words = stuck_in(pod) or "nothing is known of the reason"
        return Outcome(ERROR, NO_POD, f"The build's pod did not start: {words}.")

    def _take(self, happening: Happening) -> Outcome | None:
        if happening.of == "lost":
            raise LeaseLostError
        if happening.of == "log":  # several at once are written once
            self._build = record_stages(self._desk, self._build, self._stages) or self._build
            return None
        obj = None if happening.kind == DELETED else happening.obj
        if happening.of == "build":
            return self._take_build(obj)
        return POD_GONE if obj is None else self._take_pod(obj)

    def _take_build(self, build: ApiObject | None) -> Outcome | None:
        if build is None or uid_of(build) != self._uid:
            return Outcome(CANCELLED, "CancelledBuild", "The build was deleted.")
        if is_cancelled(build):
            return Outcome(CANCELLED, "CancelledBuild", CANCELLED_WORDS)
        if has_ended(build):  # by another worker; what is written of it stays
            return Outcome(CANCELLED, "CancelledBuild", "The build has ended.")
        return None

    def _hear(self, stages: list[Json]) -> None:
        """Take what the log tells of the stages, on its own thread."""
        self._stages = stages_joined(self._stages, stages)
        self._events.put(Happening("log"))

    def _take_pod(self, pod: ApiObject) -> Outcome | None:
        if self._follower is not None:
            self._follower.see(pod)
        if phase_of(self._build) != RUNNING and any(has_started(pod, one) for one in CONTAINERS):
            self._build = record_running(self._desk, self._build) or self._build
        elif phase_of(self._build) != RUNNING and (words := stuck_in(pod)):
            record_waiting(self._desk, self._build, "", words)
        return outcome_of(pod)

    def end(self, outcome: Outcome) -> None:
        """Bring the build to its end: nothing runs, the image is tagged, all is written down."""
        log_end_s = LOG_END_S if outcome.phase == COMPLETE else GONE_S
        if outcome.phase == COMPLETE:
            outcome = self._delivered(outcome)  # pods start while the log's end is awaited
        else:
            self._kill()
        if self._follower is not None:
            self._follower.finish(log_end_s)
        outcome = replace(outcome, stages=stages_joined(self._stages, outcome.stages))
        ended = record_end(self._desk, self._build, outcome)
        self._desk.logs.finish(self._uid)
        if (
            ended is None
            and build_find(self._desk, self._namespace, name_of(self._build), self._uid) is None
        ):
            self._desk.logs.forget(self._uid)
        secret_remove(self._desk, self._build)

    def _kill(self) -> None:
        """End the pod at once; waits until its containers are gone."""
        pod = pod_find(self._desk, self._build)
        if pod is None:
            return
        if outcome_of(pod) is not None:  # over its deadline: the node agent ends it
            self._gone(lambda: not is_running(pod_find(self._desk, self._build) or {}))
            return
        object_delete(self._desk, "pods", name_of(pod), self._namespace, uid_of(pod), grace_s=1)
        if not self._gone(lambda: pod_find(self._desk, self._build) is None):
            object_delete(self._desk, "pods", name_of(pod), self._namespace, uid_of(pod), grace_s=0)

    def _gone(self, is_gone: Callable[[], bool]) -> bool:
        deadline = self._desk.now() + timedelta(seconds=GONE_S)
        while not is_gone():
            left_s = (deadline - self._desk.now()).total_seconds()
            if left_s <= 0:
                return False
            try:
                happening = self._events.get(timeout=min(left_s, 1.0))
            except queue.Empty:
                continue
            if happening.of == "pod" and happening.obj is not None and self._follower is not None:
                self._follower.see(happening.obj)
        return True

    def _delivered(self, outcome: Outcome) -> Outcome:
        """Tag the image and let the branch move; an Error where the platform cannot."""
        try:
            self._tag(outcome)
            self._desk.completed(self._build)
        except PaasError as error:
            words = f"The image was pushed, but could not be tagged: {error.message}"
            reason = "PushImageToRegistryFailed"
            return replace(outcome, phase=ERROR, reason=reason, message=words, hint=error.hint)
        return outcome

    def _tag(self, outcome: Outcome) -> None:
        target = output_tag(self._build)
        if target is None:
            return
        pause = threading.Event()
        for attempt in range(1, TAG_TRIES + 1):
            try:
                self._desk.tag(
                    namespace=self._namespace,
                    stream=target[0],
                    tag=target[1],
                    digest=outcome.digest,
                    by=f"build {name_of(self._build)}",
                )
            except PaasError:
                if attempt == TAG_TRIES:
                    raise
                pause.wait(TAG_AGAIN_S)
            else:
                return
