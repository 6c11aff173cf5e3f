"""Writes what is known of a build into its status; an end that is written is never changed."""

import copy
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from paas.builds.desk import ACTOR, BuildDesk
from paas.builds.names import BUILDS, ERROR, NEW, POD_NAME, has_ended, phase_of, pod_name, status_of
from paas.builds.outcome import MESSAGE_MAX, Outcome
from paas.builds.plans import output_reference
from paas.builds.rules import commit_errors
from paas.builds.stages import stages_closed, stages_joined
from paas.core.conditions import condition_of, set_condition
from paas.core.errors import ConflictError, NotFoundError
from paas.core.objects import ApiObject, name_of, namespace_of, parse_timestamp, timestamp, uid_of
from paas.core.shape import Json, ensure, maps, text

log = structlog.get_logger(__name__)
TRIES = 10
SNIPPET_BYTES = 2048
SNIPPET_LINES = 5
_SECOND_NS = 1_000_000_000


def build_record(
    desk: BuildDesk, build: ApiObject, change: Callable[[ApiObject], None]
) -> ApiObject | None:
    """Apply `change` to the newest copy; return it as stored, None where it is gone or ended."""
    for attempt in range(1, TRIES + 1):
        try:
            now = copy.deepcopy(
                desk.cluster.get(ACTOR, BUILDS, name_of(build), namespace_of(build))
            )
        except NotFoundError:
            return None
        if uid_of(now) != uid_of(build) or has_ended(now):
            return None
        change(now)
        try:
            return desk.cluster.update(ACTOR, now)
        except ConflictError:
            if attempt == TRIES:
                raise
        except NotFoundError:
            return None
    raise AssertionError("the loop returns or raises")


def record_pending(desk: BuildDesk, build: ApiObject) -> ApiObject | None:
    """Say that the build has its pod."""
    now = desk.now()

    def change(one: ApiObject) -> None:
        if phase_of(one) != NEW:
            return
        ensure(one, "metadata", "annotations")[POD_NAME] = pod_name(one)
        _enter(one, "Pending", now)
        if reference := output_reference(one, desk.settings.registry):
            one["status"]["outputDockerImageReference"] = reference

    return build_record(desk, build, change)


def record_running(desk: BuildDesk, build: ApiObject) -> ApiObject | None:
    """Say that the build's work has begun."""
    now = desk.now()

    def change(one: ApiObject) -> None:
        if phase_of(one) not in {"Running"}:
            ensure(one, "status").setdefault("startTimestamp", timestamp(now))
            _enter(one, "Running", now)

    return build_record(desk, build, change)


def record_stages(desk: BuildDesk, build: ApiObject, stages: Sequence[Json]) -> ApiObject | None:
    """Say how far the build is; None where that is known already."""
    known = maps(build, "status", "stages")
    if stages_joined(known, stages) == known:
        return None

    def change(one: ApiObject) -> None:
        status = ensure(one, "status")
        status["stages"] = stages_joined(maps(status, "stages"), stages)

    return build_record(desk, build, change)


def record_waiting(desk: BuildDesk, build: ApiObject, reason: str, message: str) -> None:
    """Say why the build cannot begin, or go on, yet; it stays in its phase.

    The first reason that a New build is given is the beginning of its turn: see `turn_began`.
    """
    now = desk.now()
    have = status_of(build)
    is_told = have.get("reason") == reason and have.get("message") == message[:MESSAGE_MAX]
    if is_told and (not reason or turn_began(build) is not None):
        return

    def change(one: ApiObject) -> None:
        status = ensure(one, "status")
        status.update(reason=reason, message=message[:MESSAGE_MAX])
        if reason and phase_of(one) == NEW:
            set_condition(status, kind=NEW, value=True, reason=reason, now=now)

    build_record(desk, build, change)


def turn_began(build: ApiObject) -> datetime | None:
    """Return when a New build first tried to begin; None where it did not, as in the queue."""
    began = text(condition_of(status_of(build), NEW) or {}, "lastTransitionTime")
    return parse_timestamp(began) if began else None


def record_end(desk: BuildDesk, build: ApiObject, outcome: Outcome) -> ApiObject | None:
    """Say how the build ended."""
    now = desk.now()
    snippet = _snippet(desk, build) if outcome.phase in {"Failed", "Error"} else ""

    def change(one: ApiObject) -> None:
        _enter(one, outcome.phase, now, outcome.reason, outcome.words)
        status = one["status"]
        status["completionTimestamp"] = timestamp(now)
        if began := text(status, "startTimestamp"):
            took_s = max((now - parse_timestamp(began)).total_seconds(), 0)
            status["duration"] = round(took_s * _SECOND_NS)
        if stages := stages_joined(maps(status, "stages"), outcome.stages):
            status["stages"] = stages_closed(stages, now=now)
        if outcome.digest:
            status["output"] = {"to": {"imageDigest": outcome.digest}}
        if snippet:
            status["logSnippet"] = snippet
        commit = text(outcome.revision, "commit")
        if not commit_errors(commit):
            _complete_revision(one, outcome, commit)

    ended = build_record(desk, build, change)
    log.info(
        "build_ended",
        namespace=namespace_of(build),
        build=name_of(build),
        phase=outcome.phase,
        reason=outcome.reason,
        stages={one["name"]: one.get("durationMilliseconds") for one in outcome.stages},
        **({"error": outcome.message} if outcome.phase == ERROR else {}),
    )
    return ended


def _complete_revision(build: ApiObject, outcome: Outcome, commit: str) -> None:
    """Say which commit was built, where the build did not know it from the beginning."""
    git = ensure(build, "spec", "revision", "git")
    build["spec"]["revision"].setdefault("type", "Git")
    git.setdefault("commit", commit)
    git.setdefault("message", text(outcome.revision, "message"))
    name, _, email = text(outcome.revision, "author").partition(" <")
    git.setdefault("author", {"name": name, "email": email.rstrip(">")})


def _enter(
    build: ApiObject, phase: str, now: datetime, reason: str = "", message: str = ""
) -> None:
    """Move a build to a phase, in place: one condition for each phase it was in."""
    status = ensure(build, "status")
    for one in status.get("conditions") or ():
        if one["type"] != phase:
            set_condition(status, kind=one["type"], value=False, now=now)
    set_condition(status, kind=phase, value=True, reason=reason, message=message, now=now)
    for one in status["conditions"]:
        one.setdefault("lastUpdateTime", timestamp(now))
    status["phase"] = phase
    for field, value in (("reason", reason), ("message", message)):
        status.pop(field, None)
        if value:
            status[field] = value


def _snippet(desk: BuildDesk, build: ApiObject) -> str:
    tail = desk.logs.tail(uid_of(build), SNIPPET_BYTES).decode(errors="replace")
    return "\n".join(tail.rstrip().splitlines()[-SNIPPET_LINES:])
