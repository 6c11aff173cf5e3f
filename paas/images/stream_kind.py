"""ImageStream: defaults, rules, strategy and columns.

The strategy copies what `spec.tags` names in this platform (ImageStreamTag, ImageStreamImage) into
the history, once, as the person who writes and only if they may pull it there.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from paas.apimachinery.columns import NAME
from paas.apimachinery.fielderrors import duplicate, invalid_all, not_supported, required
from paas.apimachinery.kinds import Column, Kind, Since, Subresource, WriteContext
from paas.core.errors import Cause
from paas.core.objects import ApiObject, name_of, namespace_of, timestamp
from paas.core.shape import ensure, maps, submap, text
from paas.images.history import Tagged, history_of, tag_names, tag_record
from paas.images.names import Repository, stream_errors, tag_errors
from paas.images.schemas import IMAGE_STREAM
from paas.images.sources import SourceProblem, resolve

GROUP, VERSION = "image.openshift.io", "v1"
SOURCE_KINDS = ("DockerImage", "ImageStreamImage", "ImageStreamTag")
TAGS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class StreamRules:
    """What a stream's strategy needs to know of the instance: the registry's name outside."""

    public_registry: str

    def default(self, stream: ApiObject) -> None:
        """Fill in the spec's defaults and the two names of the repository."""
        spec = ensure(stream, "spec")
        ensure(spec, "lookupPolicy").setdefault("local", False)
        for tag in maps(spec, "tags"):
            ensure(tag, "referencePolicy").setdefault("type", "Source")
            tag.setdefault("importPolicy", {})
        repository = Repository(namespace_of(stream), name_of(stream))
        status = ensure(stream, "status")
        status["dockerImageRepository"] = repository.internal
        status["publicDockerImageRepository"] = f"{self.public_registry}/{repository}"


def prepare_create(stream: ApiObject, context: WriteContext) -> None:
    """Resolve all tags that come from elsewhere."""
    stream["status"] = {}
    _resolve(stream, {}, context)


def prepare_update(stream: ApiObject, old: ApiObject, context: WriteContext) -> None:
    """Resolve the tags that are new or have another source; what a tag has had stays."""
    before = {text(tag, "name"): tag for tag in maps(old, "spec", "tags")}
    stream["status"] = copy.deepcopy(submap(old, "status"))
    _resolve(stream, before, context)


def _resolve(stream: ApiObject, before: dict[str, dict[str, Any]], context: WriteContext) -> None:
    now = datetime.now(UTC)
    for tag in maps(stream, "spec", "tags"):
        name, source = text(tag, "name"), submap(tag, "from")
        same = submap(before.get(name) or {}, "from") == source and name in before
        if same or not source or tag.get("reference"):
            continue
        try:
            event = resolve(context, source, namespace_of(stream))
        except SourceProblem as problem:
            _complain(stream, name, problem, now)
        else:
            image = Tagged(event["dockerImageReference"], event["image"], context.actor.name, now)
            tag_record(stream, name, image)


def _complain(stream: ApiObject, tag: str, problem: SourceProblem, now: datetime) -> None:
    history_of(stream, tag)["conditions"] = [
        {
            "type": "ImportSuccess",
            "status": "False",
            "reason": problem.reason,
            "message": problem.message,
            "generation": stream["metadata"].get("generation", 1),
            "lastTransitionTime": timestamp(now),
        }
    ]


def validate(stream: ApiObject) -> Sequence[Cause]:
    """Return every rule that the spec breaks."""
    wrong: list[Cause] = []
    seen: set[str] = set()
    for index, tag in enumerate(maps(stream, "spec", "tags")):
        path = f"spec.tags[{index}]"
        name = text(tag, "name")
        wrong += invalid_all(f"{path}.name", name, tag_errors(name))
        if name in seen:
            wrong.append(duplicate(f"{path}.name", name))
        seen.add(name)
        wrong += source_errors(tag.get("from"), f"{path}.from")
    return wrong


def source_errors(source: Any, path: str) -> list[Cause]:
    """Return what is wrong with the source of a tag; none is fine."""
    if not isinstance(source, dict):
        return []
    wrong = []
    if text(source, "kind") not in SOURCE_KINDS:
        wrong.append(not_supported(f"{path}.kind", text(source, "kind"), SOURCE_KINDS))
    if not text(source, "name"):
        wrong.append(required(f"{path}.name"))
    return wrong


def _repository(stream: ApiObject) -> str:
    public = text(stream, "status", "publicDockerImageRepository")
    named = text(stream, "spec", "dockerImageRepository")
    return public or named or text(stream, "status", "dockerImageRepository")


def _tags(stream: ApiObject) -> str:
    names = tag_names(stream)
    newest_first = sorted(names, key=lambda name: _updated_at(stream, name), reverse=True)
    shown = ",".join(newest_first[:TAGS_SHOWN])
    more = len(names) - TAGS_SHOWN
    return f"{shown} + {more} more..." if more > 0 else shown


def _updated_at(stream: ApiObject, tag: str) -> str:
    for history in maps(stream, "status", "tags"):
        if text(history, "tag") == tag:
            return max((text(event, "created") for event in maps(history, "items")), default="")
    return ""


def _updated(stream: ApiObject) -> str:
    return ago(max((_updated_at(stream, name) for name in tag_names(stream)), default=""))


def ago(moment: str) -> str:
    """Return a cell that reads `5m ago`; empty where there is no moment."""
    return Since(moment, "{} ago", moment) if moment else ""


def image_stream(public_registry: str) -> Kind:
    """Return the kind. `public_registry` is the registry's host, and its port if not 443."""
    default: Callable[[ApiObject], None] = StreamRules(public_registry).default
    return Kind(
        group=GROUP,
        version=VERSION,
        kind="ImageStream",
        plural="imagestreams",
        short_names=("is",),
        categories=("all",),
        name_errors=stream_errors,
        schema=IMAGE_STREAM,
        status=True,
        subresources=(Subresource("layers", ()),),
        default=default,
        prepare_create=prepare_create,
        prepare_update=prepare_update,
        validate=validate,
        columns=(
            NAME,
            Column("Image Repository", _repository, description="Where its images are pulled."),
            Column("Tags", _tags, description="The tags, the latest changed first."),
            Column("Updated", _updated, description="When an image came last."),
        ),
    )
