"""How an application is, in one word and one sentence: pure, from what is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from paas.core.conditions import condition_of, is_true
from paas.core.objects import ApiObject, annotations_of, dig, is_deleting, name_of
from paas.core.pods import is_hopeless, why_not_ready
from paas.core.pods import phase_of as phase_of_pod
from paas.core.wellknown import AWAITS_IMAGE, GIT_REPOSITORY

BUILDING = frozenset({"New", "Pending", "Running"})
BROKEN = frozenset({"Failed", "Error"})


@dataclass(frozen=True, slots=True)
class AppState:
    """`word` is Waiting, Building, Failed, Starting, Running, Degraded, Stopped or Rolling.

    `ok` is None while it is on its way. `detail` says what to know or do.
    """

    word: str
    ok: bool | None
    detail: str = ""


def state_of(
    deployment: ApiObject | None,
    builds: Sequence[ApiObject],
    config: ApiObject | None,
    pods: Sequence[ApiObject] = (),
) -> AppState:
    """Return the state; `builds` are newest first, `pods` are the Deployment's."""
    newest = builds[0] if builds else None
    if deployment is None:
        return _without_deployment(newest, config)
    if annotations_of(deployment).get(AWAITS_IMAGE) == "true":
        return _before_first_image(newest, config)
    state = _of_deployment(deployment, pods)
    if newest is not None and phase_of(newest) in BUILDING:
        return AppState("Building", state.ok, f"{name_of(newest)} is being built.")
    return state


def phase_of(build: ApiObject) -> str:
    """Return a build's phase."""
    return str(dig(build, "status", "phase") or "New")


def _without_deployment(newest: ApiObject | None, config: ApiObject | None) -> AppState:
    if newest is not None and phase_of(newest) in BUILDING:
        return AppState("Building", None, f"{name_of(newest)} is being built.")
    return AppState("Waiting", None, "Nothing is deployed." if config else "")


def _before_first_image(newest: ApiObject | None, config: ApiObject | None) -> AppState:
    if newest is None:
        is_pushed_to = annotations_of(config or {}).get(GIT_REPOSITORY) == "true"
        words = "Push your code to begin." if is_pushed_to else "Its first build has not begun."
        return AppState("Waiting", None, words)
    if phase_of(newest) in BUILDING:
        return AppState("Building", None, f"{name_of(newest)} is being built.")
    if phase_of(newest) in BROKEN:
        why = dig(newest, "status", "message") or dig(newest, "status", "reason") or ""
        return AppState("Failed", ok=False, detail=f"{name_of(newest)} failed: {why}")
    if phase_of(newest) == "Cancelled":
        return AppState("Waiting", None, f"{name_of(newest)} was cancelled. Build or push again.")
    return AppState("Starting", None, "The image is built; its roll-out begins.")


def _of_deployment(deployment: ApiObject, pods: Sequence[ApiObject]) -> AppState:
    status = deployment.get("status") or {}
    wanted = dig(deployment, "spec", "replicas")
    wanted = 1 if wanted is None else int(wanted)
    available = int(status.get("availableReplicas") or 0)
    if wanted == 0:
        return AppState("Stopped", None, "Scaled to zero.")
    why = _why_hopeless(pods)
    progressing = condition_of(status, "Progressing") or {}
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return _stuck(str(progressing.get("message") or ""), why, available)
    complete = (
        int(status.get("updatedReplicas") or 0) >= wanted
        and available >= wanted
        and int(status.get("replicas") or 0) == wanted
    )
    ready = f"{available} of {wanted} pods are ready."
    if complete:
        return AppState("Running", ok=True, detail=ready)
    if is_true(status, "Available"):
        return AppState("Rolling", ok=True, detail=f"{ready} {why}".rstrip())
    if why and not available:
        return AppState("Failed", ok=False, detail=why)
    return AppState("Starting", None, f"{ready} {why}".rstrip())


def _why_hopeless(pods: Sequence[ApiObject]) -> str:
    for pod in sorted(pods, key=name_of):
        if is_hopeless(pod) and not is_deleting(pod):
            return f"Pod {name_of(pod)}: {why_not_ready(pod) or phase_of_pod(pod)}"
    return ""


def _stuck(message: str, why: str, available: int) -> AppState:
    detail = f"{message} {why}".strip()
    if available:
        return AppState("Degraded", ok=False, detail=f"The old version serves. {detail}")
    return AppState("Failed", ok=False, detail=detail)
