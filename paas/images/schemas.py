"""The schemas of the image kinds. Source of fields and types: image.openshift.io/v1."""

from typing import Any

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer", "format": "int64"}
_FLAG: Schema = {"type": "boolean"}
_TIME: Schema = {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.Time"}
_REFERENCE: Schema = {"$ref": "io.k8s.api.core.v1.ObjectReference"}
_ANYTHING: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _text(description: str) -> Schema:
    return {**_TEXT, "description": description}


def _object(description: str, properties: Schema, *required: str) -> Schema:
    body: Schema = {"type": "object", "description": description, "properties": properties}
    return {**body, "required": list(required)} if required else body


def _keyed(description: str, key: str, items: Schema) -> Schema:
    return {
        "type": "array",
        "description": description,
        "items": items,
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": key,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [key],
    }


_LOOKUP = _object(
    "Who may name the stream in place of an image.",
    {"local": {**_FLAG, "description": "Pods of the project may name it as their image."}},
)
_TAG = _object(
    "A wish for a tag: where it comes from and what it says of itself.",
    {
        "name": _text("The tag."),
        "annotations": {"type": "object", "additionalProperties": _TEXT},
        "from": _REFERENCE,
        "reference": {**_FLAG, "description": "Only points to its source, which is not looked at."},
        "generation": {**_NUMBER, "description": "The stream's generation when it was last set."},
        "importPolicy": _object(
            "How an external image is taken over.",
            {"importMode": _TEXT, "insecure": _FLAG, "scheduled": _FLAG},
        ),
        "referencePolicy": _object("Where pods pull it from.", {"type": _text("Source or Local.")}),
    },
    "name",
)
_CONDITION = _object(
    "What is wrong with a tag.",
    {
        "type": _TEXT,
        "status": _TEXT,
        "reason": _TEXT,
        "message": _TEXT,
        "generation": _NUMBER,
        "lastTransitionTime": _TIME,
    },
)
_EVENT = _object(
    "An image that the tag has had.",
    {
        "created": _TIME,
        "dockerImageReference": _text("How to pull it, by digest."),
        "image": _text("Its digest."),
        "generation": {**_NUMBER, "description": "The stream's generation at that time."},
        "pushedBy": _text("Who pushed or tagged it."),
    },
)
_EVENTS = _object(
    "The history of a tag.",
    {
        "tag": _text("The tag."),
        "items": {"type": "array", "items": _EVENT, "description": "The newest first."},
        "conditions": {"type": "array", "items": _CONDITION},
    },
)
_IMAGE_FIELDS: Schema = {
    "dockerImageReference": _text("How to pull it, by digest."),
    "dockerImageMetadata": {**_ANYTHING, "description": "What the image says of itself."},
    "dockerImageMetadataVersion": _TEXT,
    "dockerImageManifest": _TEXT,
    "dockerImageManifestMediaType": _TEXT,
    "dockerImageConfig": _TEXT,
    "dockerImageLayers": {
        "type": "array",
        "description": "Its layers, the lowest first.",
        "items": _object("A layer.", {"name": _TEXT, "size": _NUMBER, "mediaType": _TEXT}),
    },
    "dockerImageManifests": {
        "type": "array",
        "description": "The images of a list, one a platform.",
        "items": _object(
            "An image of a list.",
            {
                "digest": _TEXT,
                "mediaType": _TEXT,
                "manifestSize": _NUMBER,
                "architecture": _TEXT,
                "os": _TEXT,
                "variant": _TEXT,
            },
        ),
    },
}
_EMBEDDED = _object(
    "The image itself.",
    {
        "metadata": {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
        **_IMAGE_FIELDS,
    },
)

IMAGE_STREAM = _object(
    "ImageStream is a repository of images under one name, with the history of each tag.",
    {
        "spec": _object(
            "What is wished of the stream.",
            {
                "lookupPolicy": _LOOKUP,
                "dockerImageRepository": _text("An external repository; not followed here."),
                "tags": _keyed("Tags that come from elsewhere.", "name", _TAG),
            },
        ),
        "status": _object(
            "What the stream has.",
            {
                "dockerImageRepository": _text("How pods and builds name it."),
                "publicDockerImageRepository": _text("How it is named outside."),
                "tags": _keyed("Each tag's images.", "tag", _EVENTS),
            },
        ),
    },
)
IMAGE_STREAM_TAG = _object(
    "ImageStreamTag is the newest image of one tag of a stream.",
    {
        "tag": _TAG,
        "generation": _NUMBER,
        "lookupPolicy": _LOOKUP,
        "conditions": {"type": "array", "items": _CONDITION},
        "image": _EMBEDDED,
    },
)
IMAGE_STREAM_IMAGE = _object(
    "ImageStreamImage is one image that a stream has or has had.", {"image": _EMBEDDED}
)
IMAGE = _object(
    "Image is what the registry knows of one digest; the platform writes it.", _IMAGE_FIELDS
)
