"""What the registry tells of pushes. Source: Distribution, "Work with notifications"."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from paas.cluster.client import Cluster
from paas.core.errors import BadRequestError, ConflictError, PaasError, ServiceUnavailableError
from paas.core.objects import Digest
from paas.core.shape import maps, text
from paas.images.names import Repository, parse_digest, parse_repository, tag_errors
from paas.images.registry import Registry
from paas.images.services import BUILD_SUBJECT, image_tag_record

log = structlog.get_logger(__name__)
EVENTS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Push:
    """A manifest that somebody has put under a tag."""

    repository: Repository
    tag: str
    digest: Digest
    by: str
    at: datetime


def pushes_of(envelope: Mapping[str, Any]) -> list[Push]:
    """Return the pushes of tagged manifests, in order.

    A build's own push is left out: the build tags it when it ends. Raises BadRequestError.
    """
    if not isinstance(envelope.get("events"), list):
        raise BadRequestError("A notification has a list of events.")
    found = [_push_of(event) for event in maps(envelope, "events")[:EVENTS_MAX]]
    return [push for push in found if push is not None]


def _push_of(event: Mapping[str, Any]) -> Push | None:
    repository = parse_repository(text(event, "target", "repository"))
    digest, at = parse_digest(text(event, "target", "digest")), _moment(text(event, "timestamp"))
    tag, by = text(event, "target", "tag"), text(event, "actor", "name")
    if text(event, "action") != "push" or by.startswith(BUILD_SUBJECT) or tag_errors(tag):
        return None
    if repository is None or digest is None or at is None:
        return None
    return Push(repository, tag, digest, by, at)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PushRecorder:
    """Records pushes. Safe to be told of the same push again, or late."""

    cluster: Cluster
    registry: Registry

    def record(self, envelope: Mapping[str, Any]) -> None:
        """Tag what was pushed.

        Raises BadRequestError; ServiceUnavailableError and ConflictError ask to be told again.
        What cannot succeed later either (a project that is gone) is logged and let go.
        """
        for push in pushes_of(envelope):
            try:
                self._record(push)
            except (ServiceUnavailableError, ConflictError):
                raise
            except PaasError as error:
                log.warning(
                    "push_not_recorded",
                    repository=str(push.repository),
                    tag=push.tag,
                    reason=error.reason,
                    message=error.message,
                )

    def _record(self, push: Push) -> None:
        # the tag itself is not asked: the registry tells of a push before it moves the tag
        image_tag_record(
            self.cluster,
            registry=self.registry,
            namespace=push.repository.namespace,
            stream=push.repository.stream,
            tag=push.tag,
            digest=push.digest,
            pushed_by=push.by,
            at=push.at,
            is_late=True,
        )
