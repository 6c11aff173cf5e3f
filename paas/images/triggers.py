"""What an image trigger writes into a Deployment. Pure.

A trigger follows its tag's changes: an image is written once, when it becomes the tag's newest. So
a person who rolls back keeps what they rolled back to until the next image comes (kubectl's undo
takes the Deployment's annotations from the old ReplicaSet: the other ReplicaSets still know). An
image that was rejected by an automatic rollback is not written again at all.
Source: OpenShift, annotation image.openshift.io/triggers.
"""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from paas.core.objects import ApiObject, annotations_of, namespace_of
from paas.core.shape import maps, submap, text
from paas.core.wellknown import AWAITS_IMAGE, IMAGE_TRIGGERS, TRIGGERED_IMAGES
from paas.images.history import TagEvent
from paas.images.names import split_stream_tag
from paas.orchestration.controllers.deployment.rollback import rejected_images

CHANGE_CAUSE = "kubernetes.io/change-cause"
STREAM_TAG = "ImageStreamTag"
TRIGGERS_MAX = 50
_PATH = re.compile(
    r"spec\.template\.spec\.(?P<list>containers|initContainers)"
    r"\[(?:(?P<index>[0-9]{1,3})|\?\(@\.name==[\"'](?P<name>[a-z0-9-]{1,63})[\"']\))\]\.image"
)

NewestImage = Callable[[str, str, str], TagEvent | None]
"""Takes namespace, stream and tag; returns the newest image, None where there is none to use."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One entry of the annotation that can be followed."""

    namespace: str
    stream: str
    tag: str
    path: str

    @property
    def source(self) -> str:
        """Return the tag as people write it."""
        return f"{self.namespace}/{self.stream}:{self.tag}"


def triggers_of(workload: ApiObject) -> list[Trigger]:
    """Return the triggers that are not paused, at most 50; what cannot be read is left out."""
    return list(_triggers(workload))[:TRIGGERS_MAX]


def triggers_problem(workload: ApiObject) -> str:
    """Return what is wrong with the annotation, or an empty string."""
    notes = annotations_of(workload).get(IMAGE_TRIGGERS, "")
    if notes and not isinstance(_json(notes), list):
        return f"the annotation {IMAGE_TRIGGERS} is not a JSON list"
    for entry in _entries(workload):
        if not _PATH.fullmatch(text(entry, "fieldPath")):
            return f"the fieldPath {text(entry, 'fieldPath')!r} names no container's image"
    return ""


def plan(
    workload: ApiObject, revisions: Sequence[ApiObject], newest: NewestImage
) -> ApiObject | None:
    """Return the workload with the images that its triggers bring now; None where none does.

    `revisions` are its ReplicaSets, in any order: what they ran was brought before.
    """
    brought = _brought([workload, *revisions])
    rejected = rejected_images(workload)
    changed = copy.deepcopy(workload)
    noted: dict[str, dict[str, str]] = {}
    causes = []
    for trigger in triggers_of(workload):
        event = newest(trigger.namespace, trigger.stream, trigger.tag)
        container = _container(changed, trigger.path)
        if event is None or container is None:
            continue
        image = event["dockerImageReference"]
        mark = (str(event["created"]), str(image))
        is_new = _is_new(mark, brought.get(trigger.path, set()))
        is_blank = not text(container, "image").strip()
        if not (is_new or is_blank) or rejected.get(text(container, "name")) == image:
            continue
        noted[trigger.path] = {"created": mark[0], "image": mark[1]}
        if container["image"] != image:
            container["image"] = image
            causes.append(_cause(trigger, event))
    if not noted:
        return None
    _note(changed, noted, causes)
    return changed


def _is_new(mark: tuple[str, str], brought: set[tuple[str, str]]) -> bool:
    """Say whether an image was tagged after all that was brought; a second may hold two."""
    latest = max((created for created, _ in brought), default="")
    return mark[0] > latest or (mark[0] == latest and mark not in brought)


def _brought(objects: Iterable[ApiObject]) -> dict[str, set[tuple[str, str]]]:
    """Return what each trigger has brought already: moment and image, by its path."""
    found: dict[str, set[tuple[str, str]]] = {}
    for obj in objects:
        for path, mark in _triggered(obj).items():
            if isinstance(mark, dict):
                found.setdefault(path, set()).add((text(mark, "created"), text(mark, "image")))
    return found


def _note(workload: ApiObject, noted: dict[str, dict[str, str]], causes: list[str]) -> None:
    marks = {**_triggered(workload), **noted}
    notes = {**annotations_of(workload), TRIGGERED_IMAGES: orjson.dumps(marks).decode()}
    if causes:
        notes[CHANGE_CAUSE] = "; ".join(causes)
    spec = submap(workload, "spec", "template", "spec")
    every = [*maps(spec, "initContainers"), *maps(spec, "containers")]
    if AWAITS_IMAGE in notes and all(text(one, "image").strip() for one in every):
        del notes[AWAITS_IMAGE]
        workload["spec"].pop("paused", None)
    workload["metadata"]["annotations"] = notes


def _cause(trigger: Trigger, event: TagEvent) -> str:
    by = f", pushed by {event['pushedBy']}" if event.get("pushedBy") else ""
    return f"image trigger: {trigger.source} is {event['image'][:19]}{by}"


def _triggers(workload: ApiObject) -> Iterator[Trigger]:
    for entry in _entries(workload):
        source = submap(entry, "from")
        path = text(entry, "fieldPath")
        if text(source, "kind") != STREAM_TAG or not _PATH.fullmatch(path):
            continue
        stream, tag = split_stream_tag(text(source, "name"))
        if stream and not _is_paused(entry):
            namespace = text(source, "namespace") or namespace_of(workload)
            yield Trigger(namespace, stream, tag, path)


def _entries(workload: ApiObject) -> list[dict[str, Any]]:
    return maps({"triggers": _json(annotations_of(workload).get(IMAGE_TRIGGERS, ""))}, "triggers")


def _is_paused(entry: dict[str, Any]) -> bool:
    return entry.get("paused") in {True, "true"}


def _triggered(workload: ApiObject) -> dict[str, Any]:
    found = _json(annotations_of(workload).get(TRIGGERED_IMAGES, ""))
    return found if isinstance(found, dict) else {}


def _container(workload: ApiObject, path: str) -> dict[str, Any] | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    every = maps(workload, "spec", "template", "spec", match["list"])
    if match["index"] is not None:
        index = int(match["index"])
        return every[index] if index < len(every) else None
    return next((one for one in every if text(one, "name") == match["name"]), None)


def _json(content: str) -> Any:
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        return None
