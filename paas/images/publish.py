"""The platform's own images as ImageStreams of the project `openshift`.

Set-up pushes them (only it may start processes); here is decided which are missing, and how the
streams describe them. Source: OpenShift, builder image streams in `openshift`.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paas.cluster.client import Cluster
from paas.core.errors import AlreadyExistsError, ConflictError, NotFoundError
from paas.core.objects import ApiObject, Digest
from paas.core.shape import ensure, maps, text
from paas.images.errors import ImageUnknownError
from paas.images.history import newest_event
from paas.images.names import Repository, parse_digest
from paas.images.registry import Registry
from paas.images.rights import ACTOR, STREAMS
from paas.images.services import API_VERSION, IMAGES, image_tag_record
from paas.images.tokens import PULL, PUSH, Grant, RegistryTokens

NAMESPACE = "openshift"
PUSH_TTL_S = 3600
TRIES = 5
PUSHED_BY = "system:minato:set-up"


@dataclass(frozen=True, slots=True)
class BuilderImage:
    """A tag of a stream in `openshift`, and the id of the image it is to have."""

    stream: str
    tag: str
    image_id: str


DESCRIPTIONS: dict[str, dict[str, str]] = {
    "python": {
        "openshift.io/display-name": "Python",
        "description": (
            "Builds and runs Python applications: requirements.txt or pyproject.toml, started by "
            "gunicorn, uvicorn or app.py."
        ),
        "iconClass": "icon-python",
        "tags": "builder,python",
        "supports": "python",
    },
    "build": {
        "openshift.io/display-name": "Build tools",
        "description": "Git and buildah, with which the platform runs its builds.",
        "tags": "hidden",
    },
}


def builder_images_missing(
    cluster: Cluster, *, registry: Registry, images: Sequence[BuilderImage]
) -> list[BuilderImage]:
    """Return those whose tag has another image, or one that the registry has lost."""
    return [one for one in images if not _is_there(cluster, registry, one)]


def builder_push_token(tokens: RegistryTokens, *, streams: Sequence[str], now: datetime) -> str:
    """Return a token with which set-up pushes to these streams and to no other."""
    grants = [
        Grant(str(Repository(NAMESPACE, stream)), frozenset({PULL, PUSH}))
        for stream in dict.fromkeys(streams)
    ]
    return tokens.issue(grants, subject=PUSHED_BY, ttl_s=PUSH_TTL_S, now=now)


def builder_image_publish(
    cluster: Cluster,
    *,
    registry: Registry,
    stream: str,
    tag: str,
    digest: Digest,
    now: datetime,
) -> None:
    """Describe the stream and tag what was pushed. Safe to repeat. Raises ImageUnknownError."""
    _describe(cluster, stream, tag)
    image_tag_record(
        cluster,
        registry=registry,
        namespace=NAMESPACE,
        stream=stream,
        tag=tag,
        digest=digest,
        pushed_by=PUSHED_BY,
        at=now,
    )


def _is_there(cluster: Cluster, registry: Registry, image: BuilderImage) -> bool:
    try:
        stream = cluster.get(ACTOR, STREAMS, image.stream, NAMESPACE)
        event = newest_event(stream, image.tag)
        digest = parse_digest(event["image"]) if event else None
        if digest is None:
            return False
        known = cluster.get(ACTOR, IMAGES, digest)
        registry.digest(Repository(NAMESPACE, image.stream), digest)
    except (NotFoundError, ImageUnknownError):
        return False
    wanted = image.image_id.removeprefix("sha256:")
    return text(known, "dockerImageMetadata", "Id") == f"sha256:{wanted}"


def _describe(cluster: Cluster, stream: str, tag: str) -> None:
    """Make the stream, or give stream and tag what they lack; others' changes of the rest stay.

    The registry's notification of the push may make the stream first, or change it meanwhile.
    """
    notes = DESCRIPTIONS.get(stream, {})
    title = {key: notes[key] for key in ("openshift.io/display-name",) if key in notes}
    wish: dict[str, Any] = {"name": tag, "annotations": {**notes, "version": tag}}
    try:
        cluster.create(ACTOR, _stream(stream, title, wish), NAMESPACE)
    except AlreadyExistsError:
        for attempt in range(1, TRIES + 1):
            try:
                cluster.update(ACTOR, _described(cluster, stream, title, wish))
            except ConflictError:
                if attempt == TRIES:
                    raise
            else:
                return


def _described(
    cluster: Cluster, stream: str, title: dict[str, str], tag: dict[str, Any]
) -> ApiObject:
    have = copy.deepcopy(cluster.get(ACTOR, STREAMS, stream, NAMESPACE))
    annotations = ensure(have["metadata"], "annotations")
    annotations.update({key: one for key, one in title.items() if key not in annotations})
    spec = ensure(have, "spec")
    others = [one for one in maps(spec, "tags") if text(one, "name") != tag["name"]]
    spec["tags"] = [*others, tag]
    return have


def _stream(name: str, title: dict[str, str], tag: dict[str, Any]) -> ApiObject:
    return {
        "apiVersion": API_VERSION,
        "kind": "ImageStream",
        "metadata": {"name": name, "annotations": title},
        "spec": {"tags": [tag]},
    }
