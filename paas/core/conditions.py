"""`status.conditions`: set one, keep the time of its last change. Source: metav1.Condition."""

from datetime import datetime
from typing import Any

from paas.core.objects import timestamp


def condition_of(status: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """Return the condition of this type, if the status has one."""
    for condition in status.get("conditions") or ():
        if condition["type"] == kind:
            return dict(condition)
    return None


def is_true(status: dict[str, Any], kind: str) -> bool:
    """Say whether the condition is there and `"True"`."""
    return (condition_of(status, kind) or {}).get("status") == "True"


def set_condition(
    status: dict[str, Any],
    *,
    kind: str,
    value: bool | str,
    reason: str = "",
    message: str = "",
    now: datetime,
) -> bool:
    """Set a condition in place; return whether anything changed.

    `lastTransitionTime` moves only when the value does. `value` is a bool or "Unknown".
    """
    text = str(value)
    new: dict[str, Any] = {"type": kind, "status": text, "lastTransitionTime": timestamp(now)}
    if reason:
        new["reason"] = reason
    if message:
        new["message"] = message
    conditions: list[dict[str, Any]] = status.setdefault("conditions", [])
    for position, old in enumerate(conditions):
        if old["type"] == kind:
            if old["status"] == text and old.get("lastTransitionTime"):
                new["lastTransitionTime"] = old["lastTransitionTime"]
            merged = {**old, **new}
            for field in ("reason", "message"):
                if field not in new:
                    merged.pop(field, None)
            conditions[position] = merged
            return merged != old
    conditions.append(new)
    return True
