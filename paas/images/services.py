"""Writes of this domain: what was pushed becomes a tag, once the registry itself says so."""

import copy
from datetime import datetime
from typing import Any

import structlog

from paas.cluster.client import Cluster
from paas.core.errors import AlreadyExistsError, ConflictError, InvalidError, NotFoundError
from paas.core.objects import ApiObject, Digest
from paas.images.errors import ImageUnknownError
from paas.images.history import Tagged, tag_record
from paas.images.metadata import image_object
from paas.images.names import Repository, tag_errors
from paas.images.registry import Registry
from paas.images.rights import ACTOR, STREAMS
from paas.images.tokens import PASSWORD, Grant, RegistryTokens

log = structlog.get_logger(__name__)
TRIES = 50  # of writers at once, one succeeds each time
API_VERSION = "image.openshift.io/v1"
IMAGES = "images.image.openshift.io"
BUILD_SUBJECT = "build:"
"""How the subject of a build's push token begins: such a push is tagged when the build says so."""


def registry_token(
    tokens: RegistryTokens,
    *,
    grants: list[Grant],
    subject: str,
    ttl_s: int,
    now: datetime,
) -> str:
    """Return a password for exactly these repositories; the caller has decided about the right.

    It is none for the registry itself: `TokenService` asks each time whether its subject goes on.
    """
    return tokens.issue(grants, subject=subject, ttl_s=ttl_s, now=now, audience=PASSWORD)


def image_tag_record(
    cluster: Cluster,
    *,
    registry: Registry,
    namespace: str,
    stream: str,
    tag: str,
    digest: Digest,
    pushed_by: str,
    at: datetime,
    is_late: bool = False,
) -> None:
    """Tag what was pushed `at` that moment, after reading its digest back. Safe to repeat.

    `is_late` is for news that may come after those of a later push: a tag that has had another
    image since stays. A stream that is missing is made. Raises
    ImageUnknownError where the registry has no such image, RegistryUnavailableError,
    NotFoundError for a project that is gone, ConflictError when others write the stream all the
    time.
    """
    if wrong := tag_errors(tag):
        raise InvalidError(f"The tag {tag!r} is not possible: {wrong[0]}")
    repository = Repository(namespace, stream)
    found = registry.digest(repository, digest)
    if found != digest:
        raise ImageUnknownError(f"The registry has {found} in place of {digest}.")
    image_record(cluster, registry=registry, repository=repository, digest=digest)
    image = Tagged(repository.at(digest), digest, pushed_by, at, is_late)
    _stream_record(cluster, repository, tag, image)


def image_record(
    cluster: Cluster, *, registry: Registry, repository: Repository, digest: Digest
) -> None:
    """Keep what an image says of itself, once; nothing happens if it is known."""
    try:
        cluster.get(ACTOR, IMAGES, digest)
    except NotFoundError:
        image = image_object(registry, repository, digest)
        try:
            cluster.create(ACTOR, image)
        except AlreadyExistsError:
            return


def _stream_record(cluster: Cluster, repository: Repository, tag: str, image: Tagged) -> None:
    for attempt in range(1, TRIES + 1):
        stream = copy.deepcopy(_stream_ensure(cluster, repository))
        if not tag_record(stream, tag, image):
            return
        try:
            cluster.update(ACTOR, stream, subresource="status")
        except (ConflictError, NotFoundError):  # deleted since: made again, for the push was later
            if attempt == TRIES:
                raise
        else:
            log.info(
                "image_tagged",
                namespace=repository.namespace,
                stream=repository.stream,
                tag=tag,
                digest=image.digest,
                by=image.by,
            )
            return


def _stream_ensure(cluster: Cluster, repository: Repository) -> ApiObject:
    try:
        return cluster.get(ACTOR, STREAMS, repository.stream, repository.namespace)
    except NotFoundError:
        wish: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "ImageStream",
            "metadata": {"name": repository.stream, "namespace": repository.namespace},
        }
    try:
        return cluster.create(ACTOR, wish, repository.namespace)
    except AlreadyExistsError:
        return cluster.get(ACTOR, STREAMS, repository.stream, repository.namespace)
