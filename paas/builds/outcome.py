"""How a build ended, from what its pod says. Pure.

Failed is the user's to mend, Error is ours. Source: openshift-controller-manager
pkg/build/controller/build; build/v1 consts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from paas.builds.names import BUILD_CONTAINER, CLONE_CONTAINER, COMPLETE, ERROR, FAILED
from paas.builds.stages import stages_joined, stages_read
from paas.core.objects import ApiObject, is_deleting
from paas.core.shape import Json, maps, number, submap, text

MESSAGE_MAX = 2000
AGAIN = "Start the build again."
_OOM_HINT = "Give it more: spec.resources.limits.memory of the BuildConfig."
_DEADLINE_HINT = "Does it wait for something? spec.completionDeadlineSeconds says how long it may."
_SIZE_HINT = "Keep what is no source elsewhere: a build holds only so much."
_KILLED = 137
_HINTS = {
    FAILED: "Mend what is named here, or what the log says, and start the build again.",
    ERROR: "Start the build again; if it happens again, the administrator finds the reason by"
    " `minato status` and in the log directory.",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a build. `hint` is what to try; `facts` are what the pod found out."""

    phase: str
    reason: str = ""
    message: str = ""
    hint: str = ""
    digest: str = ""
    stages: Sequence[Json] = ()
    revision: Json = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Return message and hint, within MESSAGE_MAX; no failure is without a hint."""
        hint = self.hint or _HINTS.get(self.phase, "")
        return f"{self.message[: MESSAGE_MAX - len(hint) - 1]} {hint}".strip()


POD_GONE = Outcome(
    ERROR, "BuildPodDeleted", "The pod of this build was deleted before the build ended.", AGAIN
)
TOO_LATE = Outcome(
    FAILED, "DeadlineExceeded", "The build did not end within its deadline.", _DEADLINE_HINT
)


def outcome_of(pod: ApiObject) -> Outcome | None:
    """Return how the build ended; None while its pod runs."""
    phase = text(pod, "status", "phase")
    if phase not in {"Succeeded", "Failed"}:
        return None
    clone, build = told_by(pod, CLONE_CONTAINER), told_by(pod, BUILD_CONTAINER)
    facts: dict[str, Any] = {
        "stages": stages_joined(stages_read(clone), stages_read(build)),
        "revision": submap(clone, "revision"),
    }
    if phase == "Succeeded":
        return Outcome(COMPLETE, digest=text(build, "digest"), **facts)
    return replace(_failure(pod, submap(clone, "failure") or submap(build, "failure")), **facts)


def _failure(pod: ApiObject, told: Json) -> Outcome:
    why = text(pod, "status", "reason")
    if why == "DeadlineExceeded":
        return TOO_LATE
    if why == "Evicted":
        words = f"The build was evicted: {text(pod, 'status', 'message')}"
        return Outcome(FAILED, "BuildPodEvicted", words, _SIZE_HINT)
    if any(text(one, "reason") == "OOMKilled" for one in _terminated(pod)):
        words = "The build needed more memory than it has."
        return Outcome(FAILED, "OutOfMemoryKilled", words, _OOM_HINT)
    if told:
        phase = ERROR if told.get("ours") else FAILED
        return Outcome(phase, text(told, "reason"), text(told, "message"), text(told, "hint"))
    if is_deleting(pod):
        return POD_GONE
    codes = {number(one, "exitCode") for one in _terminated(pod)} - {0, None}
    code = max((one for one in codes if one is not None), default=1)
    killed = " It was killed." if code == _KILLED else ""
    words = f"The build's container ended with exit code {code}.{killed}"
    return Outcome(ERROR, "GenericBuildFailed", words)


def told_by(pod: ApiObject, container: str) -> Json:
    """Return what a container wrote as its termination message; empty where it is not JSON."""
    try:
        found = json.loads(text(state_of(pod, container), "terminated", "message") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def state_of(pod: ApiObject, container: str) -> Json:
    """Return a container's state; empty before it has one."""
    for status in _statuses(pod):
        if text(status, "name") == container:
            return submap(status, "state")
    return {}


def has_started(pod: ApiObject, container: str) -> bool:
    """Say whether a container runs or has run: then it has a log."""
    state = state_of(pod, container)
    return bool(submap(state, "running") or submap(state, "terminated"))


def is_running(pod: ApiObject) -> bool:
    """Say whether a container of the pod runs."""
    return any(submap(status, "state", "running") for status in _statuses(pod))


def stuck_in(pod: ApiObject) -> str:
    """Return why a container of the pod cannot start; empty where it waits for nothing odd."""
    for status in _statuses(pod):
        waiting = submap(status, "state", "waiting")
        if text(waiting, "reason") not in {"", "PodInitializing", "ContainerCreating"}:
            return f"{text(waiting, 'reason')}: {text(waiting, 'message')}"
    return ""


def _statuses(pod: ApiObject) -> list[Json]:
    return [
        *maps(pod, "status", "initContainerStatuses"),
        *maps(pod, "status", "containerStatuses"),
    ]


def _terminated(pod: ApiObject) -> list[Json]:
    return [submap(one, "state", "terminated") for one in _statuses(pod)]
