"""ImageStreamTag and ImageStreamImage: views of an ImageStream's history, with the Image inside.

Every write of a tag is a write of its stream, as the person who writes: the stream's strategy
looks the source up and decides about the right to it.
"""

import copy
from collections.abc import Sequence
from typing import Any

from paas.apimachinery.backends import VirtualBackend
from paas.apimachinery.kinds import WriteContext
from paas.apimachinery.options import ListOptions, WriteOptions
from paas.core.errors import AlreadyExistsError, ConflictError, NotFoundError
from paas.core.objects import ApiObject, ObjectKey, meta, name_of, namespace_of, uid_of
from paas.core.shape import ensure, maps, submap, text
from paas.images.history import event_of, newest_event, tag_forget, tag_names
from paas.images.names import parse_digest, split_stream_tag
from paas.images.rights import ACTOR, STREAMS

API_VERSION = "image.openshift.io/v1"
IMAGES = "images.image.openshift.io"
TAGS = "imagestreamtags.image.openshift.io"
TRIES = 5


class ImageStreamTags(VirtualBackend):
    """One object for each tag that is wished for or has an image."""

    def get(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Return a tag with its newest image. Raises NotFoundError."""
        stream_name, tag = split_stream_tag(key.name)
        stream = _stream(context, key.namespace, stream_name, TAGS, key.name)
        if tag not in tag_names(stream):
            raise _missing(TAGS, key.name)
        return stream_tag(context, stream, tag)

    def list(self, context: WriteContext, namespace: str) -> Sequence[ApiObject]:
        """Return the tags of all streams."""
        page = context.door.list(ACTOR, STREAMS, namespace, ListOptions())
        return [
            stream_tag(context, stream, tag) for stream in page.items for tag in tag_names(stream)
        ]

    def create(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Add a tag to its stream, which is made where it is missing."""
        stream_name, tag = split_stream_tag(name_of(obj))
        try:
            stream = context.door.get(ACTOR, STREAMS, stream_name, namespace_of(obj))
        except NotFoundError:
            made = _create_stream(context, obj, stream_name, tag)
            return stream_tag(context, made, tag)
        if tag in tag_names(stream):
            raise AlreadyExistsError(f'{TAGS} "{name_of(obj)}" already exists')
        return self._write(context, obj)

    def update(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        """Give a tag another source, other annotations or the stream another lookup policy."""
        return self._write(context, obj)

    def delete(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Remove the tag with its history. Raises NotFoundError."""
        stream_name, tag = split_stream_tag(key.name)
        shown = self.get(context, key)
        if context.dry_run:
            return shown
        for attempt in range(1, TRIES + 1):
            stream = _stream(context, key.namespace, stream_name, TAGS, key.name)
            try:
                _forget(context, stream, tag)
                break
            except ConflictError:
                if attempt == TRIES:
                    raise
        return shown

    def _write(self, context: WriteContext, obj: ApiObject) -> ApiObject:
        stream_name, tag = split_stream_tag(name_of(obj))
        stream = copy.deepcopy(_stream(context, namespace_of(obj), stream_name, TAGS, name_of(obj)))
        version = meta(obj).get("resourceVersion")
        if version and version != meta(stream)["resourceVersion"]:
            raise ConflictError(
                f'Operation cannot be fulfilled on {TAGS} "{name_of(obj)}": the object has been '
                "modified; please apply your changes to the latest version and try again"
            )
        _wish(stream, obj, tag)
        options = WriteOptions(dry_run=context.dry_run)
        written = context.door.update(context.actor, stream, options=options)
        return stream_tag(context, written, tag)


class ImageStreamImages(VirtualBackend):
    """One object for each image that a stream's history names."""

    def get(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Return an image of a stream. Raises NotFoundError."""
        resource = "imagestreamimages.image.openshift.io"
        stream_name, _, digest = key.name.partition("@")
        stream = _stream(context, key.namespace, stream_name, resource, key.name)
        event = event_of(stream, digest) if parse_digest(digest) else None
        if event is None:
            raise _missing(resource, key.name)
        return {
            "apiVersion": API_VERSION,
            "kind": "ImageStreamImage",
            "metadata": _metadata(stream, key.name),
            "image": _image(context, event),
        }


def stream_tag(context: WriteContext, stream: ApiObject, tag: str) -> ApiObject:
    """Return the ImageStreamTag of one tag of a stream."""
    wish = _spec_tag(stream, tag)
    event = newest_event(stream, tag)
    name = f"{name_of(stream)}:{tag}"
    shown: ApiObject = {
        "apiVersion": API_VERSION,
        "kind": "ImageStreamTag",
        "metadata": _metadata(stream, name),
        "tag": wish,
        "generation": (event or {}).get("generation", meta(stream).get("generation", 1)),
        "lookupPolicy": submap(stream, "spec", "lookupPolicy") or {"local": False},
        "image": _image(context, event) if event else {"metadata": {}},
    }
    for history in maps(stream, "status", "tags"):
        if text(history, "tag") == tag and history.get("conditions"):
            shown["conditions"] = history["conditions"]
    if wish and wish.get("annotations"):
        shown["metadata"]["annotations"] = wish["annotations"]
    return {key: value for key, value in shown.items() if value is not None}


def _metadata(stream: ApiObject, name: str) -> dict[str, Any]:
    data = meta(stream)
    return {
        "name": name,
        "namespace": data["namespace"],
        "uid": uid_of(stream),
        "resourceVersion": data.get("resourceVersion", ""),
        "creationTimestamp": data.get("creationTimestamp"),
        **({"labels": data["labels"]} if data.get("labels") else {}),
    }


def _image(context: WriteContext, event: dict[str, Any]) -> dict[str, Any]:
    try:
        found = copy.deepcopy(context.door.get(ACTOR, IMAGES, event["image"]))
    except NotFoundError:
        found = {"metadata": {"name": event["image"]}}
    found.pop("apiVersion", None)
    found.pop("kind", None)
    found["metadata"]["creationTimestamp"] = event["created"]
    return {**found, "dockerImageReference": event["dockerImageReference"]}


def _spec_tag(stream: ApiObject, tag: str) -> dict[str, Any] | None:
    found = (one for one in maps(stream, "spec", "tags") if text(one, "name") == tag)
    return next(found, None)


def _wish(stream: ApiObject, obj: ApiObject, tag: str) -> None:
    """Write what the tag's object wishes into the stream, in place."""
    spec = ensure(stream, "spec")
    wish: dict[str, Any] = {**submap(obj, "tag"), "name": tag}
    annotations = meta(obj).get("annotations") or wish.get("annotations")
    if annotations:
        wish["annotations"] = annotations
    spec["tags"] = [
        *(one for one in maps(spec, "tags") if text(one, "name") != tag),
        wish,
    ]
    if "lookupPolicy" in obj:
        spec["lookupPolicy"] = obj["lookupPolicy"]


def _create_stream(context: WriteContext, obj: ApiObject, name: str, tag: str) -> ApiObject:
    stream: ApiObject = {
        "apiVersion": API_VERSION,
        "kind": "ImageStream",
        "metadata": {"name": name, "namespace": namespace_of(obj)},
        "spec": {},
    }
    _wish(stream, obj, tag)
    options = WriteOptions(dry_run=context.dry_run)
    return context.door.create(context.actor, stream, namespace_of(obj), options=options)


def _forget(context: WriteContext, stream: ApiObject, tag: str) -> None:
    """Take a tag's wish and history away. The door has authorised the deletion of the tag."""
    changed = copy.deepcopy(stream)
    if _spec_tag(changed, tag) is not None:
        kept = [one for one in maps(changed, "spec", "tags") if text(one, "name") != tag]
        changed["spec"]["tags"] = kept
        changed = copy.deepcopy(context.door.update(ACTOR, changed))
    if tag_forget(changed, tag):
        context.door.update(ACTOR, changed, subresource="status")


def _stream(
    context: WriteContext, namespace: str, name: str, resource: str, asked: str
) -> ApiObject:
    try:
        return context.door.get(ACTOR, STREAMS, name, namespace)
    except NotFoundError as error:
        raise _missing(resource, asked) from error


def _missing(resource: str, name: str) -> NotFoundError:
    plural, _, group = resource.partition(".")
    details = {"name": name, "group": group, "kind": plural}
    return NotFoundError(f'{resource} "{name}" not found', details=details)
