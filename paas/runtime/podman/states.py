"""What podman answers, as ContainerState. Pure.

Source: libpod REST API v4, `GET /libpod/containers/json` and `GET /libpod/containers/{id}/json`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from paas.runtime.base import ContainerState
from paas.runtime.podman.specs import (
    IS_SANDBOX,
    LABEL_GIVEN,
    LABEL_NAME,
    LABEL_SANDBOX,
    OWN_LABEL,
)

Json = Mapping[str, Any]

# libpod's words: "initialized" has its namespaces and no process yet, "stopped" has ended and is
# not cleaned up yet, "stopping" was sent its signal.
_STATUS = {
    "created": "created",
    "configured": "created",
    "initialized": "created",
    "running": "running",
    "stopping": "running",
    "paused": "running",
    "stopped": "exited",
    "exited": "exited",
}
_FRACTION_DIGITS = 6


def inspected(body: Json, *, oom_killed: bool) -> ContainerState:
    """Return the state from a container's inspection."""
    state = body["State"]
    status = _STATUS.get(state["Status"], "unknown")
    return ContainerState(
        id=body["Id"],
        status=status,
        pid=state["Pid"] if status == "running" else 0,
        exit_code=state["ExitCode"],
        oom_killed=oom_killed or state["OOMKilled"],
        created_at=_time(body["Created"]),
        started_at=_time(state["StartedAt"]),
        finished_at=_time(state["FinishedAt"]) if status == "exited" else None,
        image=body["Image"],
        **_labelled(body["Config"].get("Labels") or {}),
    )


def listed(body: Json, *, oom_killed: bool) -> ContainerState:
    """Return the state from one row of the list; its times are whole seconds."""
    status = _STATUS.get(body["State"], "unknown")
    return ContainerState(
        id=body["Id"],
        status=status,
        pid=body["Pid"] if status == "running" else 0,
        exit_code=body["ExitCode"],
        oom_killed=oom_killed,
        created_at=_time(body["Created"]),
        started_at=_seconds(body["StartedAt"]),
        finished_at=_seconds(body["ExitedAt"]) if status == "exited" else None,
        image=body["ImageID"],
        **_labelled(body["Labels"] or {}),
    )


def labels_given(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of creation: without the image's, and without those this adapter adds.

    A container that an earlier release made does not say which they are: it has all but ours.
    """
    if LABEL_GIVEN not in labels:
        return {key: value for key, value in labels.items() if not key.startswith(OWN_LABEL)}
    given = frozenset(labels[LABEL_GIVEN].split())
    return {key: value for key, value in labels.items() if key in given}


def _labelled(labels: Mapping[str, str]) -> dict[str, Any]:
    sandbox = labels.get(LABEL_SANDBOX, "")
    return {
        "name": labels.get(LABEL_NAME, ""),
        "labels": labels_given(labels),
        "is_sandbox": sandbox == IS_SANDBOX,
        "sandbox_id": "" if sandbox == IS_SANDBOX else sandbox,
    }


def _time(text: str) -> datetime | None:
    """Return Go's RFC 3339 time with up to nine digits; None for its zero time."""
    whole, _, rest = text.partition(".")
    digits = rest.rstrip("Z").partition("+")[0]
    zone = "" if not rest else text[len(whole) + 1 + len(digits) :]
    fraction = f".{digits[:_FRACTION_DIGITS].ljust(_FRACTION_DIGITS, '0')}" if rest else ""
    found = datetime.fromisoformat(f"{whole}{fraction}{zone}")
    return found.astimezone(UTC) if found.year > 1 else None


def _seconds(value: int) -> datetime | None:
    found = value if value > 0 else None
    return None if found is None else datetime.fromtimestamp(found, tz=UTC)
