"""How applications, their builds and their pods are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from paas.builds.names import CANCELLED, has_ended
from paas.catalog.applications import Application
from paas.catalog.states import AppState, phase_of
from paas.core.objects import ApiObject, annotations_of, dig, meta, name_of, parse_timestamp
from paas.orchestration.kinds.pod_columns import pod_summary

_TONES = {"New": "idle", "Pending": "busy", "Running": "busy", "Complete": "good"}
_BAD = frozenset({"Failed", "Error"})
_POD_BUSY = frozenset({"Pending", "ContainerCreating", "PodInitializing", "Terminating"})


@dataclass(frozen=True, slots=True)
class State:
    """A state as text with a tone: good, bad, warn, busy, idle or stop."""

    tone: str
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AppRow:
    """An application in the list."""

    name: str
    state: State
    url: str
    build: "BuildRow | None"
    ready: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a build; `duration_s` is None while it runs or has not begun."""

    name: str
    tone: str
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class BuildRow:
    """A build as a line or a page shows it."""

    name: str
    state: State
    created: str
    duration_s: float | None
    cause: str
    commit: str
    message: str
    author: str
    image: str
    is_running: bool


@dataclass(frozen=True, slots=True)
class PodRow:
    """A pod as a dot and as a line."""

    name: str
    state: State
    ready: int
    containers: tuple[str, ...]
    restarts: int
    created: str
    address: str
    images: tuple[str, ...]
    messages: tuple[str, ...]


def app_rows(applications: Iterable[Application]) -> list[AppRow]:
    """Return the lines of a project's list."""
    return [app_row(one) for one in applications]


def app_row(app: Application) -> AppRow:
    """Return one line."""
    wanted = dig(app.deployment or {}, "spec", "replicas")
    return AppRow(
        name=app.name,
        state=app_state(app.state),
        url=app.urls[0] if app.urls else "",
        build=build_row(app.builds[0]) if app.builds else None,
        ready=int(dig(app.deployment or {}, "status", "availableReplicas") or 0),
        wanted=1 if wanted is None else int(wanted),
    )


def app_state(state: AppState) -> State:
    """Return an application's state in words and tone."""
    words = {
        "Waiting": _("Waiting"),
        "Building": _("Building"),
        "Failed": _("Failed"),
        "Starting": _("Starting"),
        "Running": _("Running"),
        "Degraded": _("Degraded"),
        "Stopped": _("Stopped"),
        "Rolling": _("Rolling out"),
    }
    tones = {"Degraded": "warn", "Stopped": "stop", "Waiting": "idle", "Failed": "bad"}
    tone = tones.get(state.word) or ("good" if state.word == "Running" else "busy")
    return State(tone, words.get(state.word, state.word), state.detail)


def build_row(build: ApiObject) -> BuildRow:
    """Return what is shown of a build."""
    phase = phase_of(build)
    git = dig(build, "spec", "revision", "git") or {}
    return BuildRow(
        name=name_of(build),
        state=State(_build_tone(phase), _phase(phase), str(dig(build, "status", "reason") or "")),
        created=str(meta(build).get("creationTimestamp", "")),
        duration_s=_span(build),
        cause=_cause(build),
        commit=str(git.get("commit", ""))[:8],
        message=str(git.get("message") or "").split("\n", 1)[0],
        author=str(dig(git, "author", "name") or ""),
        image=str(dig(build, "status", "output", "to", "imageDigest") or ""),
        is_running=phase in {"New", "Pending", "Running"},
    )


def build_message(build: ApiObject) -> str:
    """Return why a build ended as it did."""
    return str(dig(build, "status", "message") or "")


def stages(build: ApiObject) -> list[Stage]:
    """Return the line of a build: the stages that ended, the one that runs, those to come."""
    words = {
        "FetchInputs": _("Fetch source"),
        "PullImages": _("Pull builder"),
        "Build": _("Build"),
        "PostCommit": _("Check"),
        "PushImage": _("Push image"),
    }
    done = {str(one.get("name")): one for one in dig(build, "status", "stages") or ()}
    phase = phase_of(build)
    line = []
    for key, label in words.items():
        if key in done:
            line.append(Stage(label, _ended(key, done, phase), _stage_s(done[key])))
        elif key != "PostCommit":
            line.append(Stage(label, "stop" if has_ended(build) else "idle", None))
    return line


def pod_row(pod: ApiObject) -> PodRow:
    """Return what is shown of a pod."""
    summary = pod_summary(pod)
    containers = dig(pod, "spec", "containers") or []
    statuses = dig(pod, "status", "containerStatuses") or []
    return PodRow(
        name=name_of(pod),
        state=State(_pod_tone(summary), summary.status),
        ready=summary.ready,
        containers=tuple(one["name"] for one in containers),
        restarts=summary.restarts,
        created=str(meta(pod).get("creationTimestamp", "")),
        address=str(dig(pod, "status", "podIP") or ""),
        images=tuple(short_image(one.get("image", "")) for one in containers),
        messages=tuple(text for one in statuses if (text := _why(one))),
    )


def short_image(image: str) -> str:
    """Return an image as people know it: a digest cut to twelve digits."""
    name, _at, digest = image.partition("@")
    return f"{name.rsplit('/', 1)[-1]}@{digest[:19]}" if digest else image.strip() or "-"


def is_own_build(build: ApiObject, app: str) -> bool:
    """Say whether a build is the application's."""
    return annotations_of(build).get("openshift.io/build-config.name") == app


def _why(status: dict[str, Any]) -> str:
    state = dig(status, "state", "waiting") or dig(status, "state", "terminated") or {}
    last = dig(status, "lastState", "terminated") or {}
    parts = [str(state.get("reason") or ""), str(state.get("message") or "")]
    if last:
        exit_code = _("last exit code {code} ({reason})")
        parts.append(exit_code.format(code=last.get("exitCode"), reason=last.get("reason", "")))
    text = ": ".join(part for part in parts if part)
    return f"{status['name']}: {text}" if text else ""


def _pod_tone(summary: Any) -> str:
    if summary.status == "Running":
        return "good" if summary.ready == summary.containers else "busy"
    if summary.status in {"Completed", "Succeeded"}:
        return "idle"
    if summary.status in _POD_BUSY or summary.status.startswith("Init:"):
        return "busy"
    return "bad"


def _phase(phase: str) -> str:
    words = {
        "New": _("Queued"),
        "Pending": _("Pending"),
        "Running": _("Running"),
        "Complete": _("Complete"),
        "Failed": _("Failed"),
        "Error": _("Error"),
        "Cancelled": _("Cancelled"),
    }
    return words.get(phase, phase)


def _build_tone(phase: str) -> str:
    return "bad" if phase in _BAD else _TONES.get(phase, "stop")


def _cause(build: ApiObject) -> str:
    causes: Sequence[dict[str, Any]] = dig(build, "spec", "triggeredBy") or ()
    return str(causes[0].get("message", "")) if causes else ""


def _span(build: ApiObject) -> float | None:
    start = dig(build, "status", "startTimestamp")
    end = dig(build, "status", "completionTimestamp")
    return _seconds(start, end) if start and end else None


def _stage_s(stage: dict[str, Any]) -> float | None:
    if (milliseconds := stage.get("durationMilliseconds")) is not None:
        return float(milliseconds) / 1000
    return None


def _ended(key: str, done: dict[str, Any], phase: str) -> str:
    is_last = key == next(reversed(done))
    if is_last and phase in _BAD:
        return "bad"
    if is_last and phase == CANCELLED:
        return "stop"
    return "good" if "durationMilliseconds" in done[key] else "busy"


def _seconds(start: str, end: str) -> float:
    begun: datetime = parse_timestamp(start)
    return (parse_timestamp(end) - begun).total_seconds()
