"""The history of a stream's tags: `status.tags[]`, the newest image first. Pure.

Source: image.openshift.io/v1 TagEvent; OpenShift keeps an event only when the image changes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paas.core.objects import ApiObject, Digest, timestamp

ITEMS_MAX = 20
TagEvent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tagged:
    """An image that a tag is to have.

    `is_late` says that the news may have been overtaken, so that `at` decides about the order.
    """

    reference: str
    digest: Digest
    by: str
    at: datetime
    is_late: bool = False


def tag_record(stream: ApiObject, tag: str, image: Tagged) -> bool:
    """Put an image at the head of a tag's history, in place; say whether anything changed.

    An image that is the newest already stays as it is, so a repeated push changes nothing; late
    news of an old push never takes a tag back. Events of a tag never go back in time.
    """
    history = history_of(stream, tag)
    newest = history["items"][0] if history["items"] else None
    created = timestamp(image.at)
    if newest is not None and (_same(newest, image) or _overtaken(newest, image, created)):
        return history.pop("conditions", None) is not None
    history.pop("conditions", None)
    event = {
        "created": max(created, str(newest["created"]) if newest else ""),
        "dockerImageReference": image.reference,
        "image": image.digest,
        "generation": stream["metadata"].get("generation", 1),
    }
    if image.by:
        event["pushedBy"] = image.by
    history["items"] = [event, *history["items"]][:ITEMS_MAX]
    return True


def tag_forget(stream: ApiObject, tag: str) -> bool:
    """Remove a tag's history, in place; say whether it had one."""
    status = stream.get("status") or {}
    kept = [one for one in status.get("tags") or () if one["tag"] != tag]
    had = len(kept) != len(status.get("tags") or ())
    if had:
        status["tags"] = kept
    return had


def newest_event(stream: ApiObject, tag: str) -> TagEvent | None:
    """Return the newest image of a tag, or None where it has none."""
    for history in (stream.get("status") or {}).get("tags") or ():
        if history["tag"] == tag:
            return next(iter(history.get("items") or ()), None)
    return None


def event_of(stream: ApiObject, digest: str) -> TagEvent | None:
    """Return the newest event of an image in any tag of the stream."""
    found = [
        event
        for history in (stream.get("status") or {}).get("tags") or ()
        for event in history.get("items") or ()
        if event["image"] == digest
    ]
    return max(found, key=lambda event: str(event.get("created", "")), default=None)


def tag_names(stream: ApiObject) -> list[str]:
    """Return the tags that have an image or are wished for, in order of name."""
    status, spec = stream.get("status") or {}, stream.get("spec") or {}
    names = {one["tag"] for one in status.get("tags") or () if one.get("items")}
    return sorted(names | {one["name"] for one in spec.get("tags") or ()})


def history_of(stream: ApiObject, tag: str) -> dict[str, Any]:
    """Return a tag's entry in the status (the very dictionary), made where there is none."""
    status = stream.setdefault("status", {})
    entries: list[dict[str, Any]] = status.setdefault("tags", [])
    for entry in entries:
        if entry["tag"] == tag:
            entry.setdefault("items", [])
            return entry
    entry = {"tag": tag, "items": []}
    entries.append(entry)
    return entry


def _overtaken(event: TagEvent, image: Tagged, created: str) -> bool:
    return bool(image.is_late and event["created"] > created)


def _same(event: TagEvent, image: Tagged) -> bool:
    return bool(event["image"] == image.digest and event["dockerImageReference"] == image.reference)
