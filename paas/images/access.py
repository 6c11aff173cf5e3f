"""The node agent's questions: by which credential does a pod pull, and may it use what is here.

A pod pulls from the built-in registry as its service account. The token it is given is for exactly
that repository; podman signs in with it. Images of other registries are not decided here.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from paas.cluster.client import Cluster
from paas.core.actors import Actor, service_account_actor
from paas.core.errors import ForbiddenError
from paas.core.objects import ApiObject, namespace_of
from paas.images.names import Repository, parse_internal
from paas.images.rights import may_pull
from paas.images.tokens import PULL, Grant, RegistryTokens
from paas.runtime.base import ImageState, RegistryAuth

TTL_S = 3600
FRESH = timedelta(minutes=30)
KEPT_MAX = 2000
USERNAME = "node"
SUBJECT = "system:node"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Kept:
    auth: RegistryAuth
    until: datetime


class PodImages:
    """Answers both questions; safe to use from several threads.

    `location` is where the node reaches the registry (`host:port`).
    """

    def __init__(
        self,
        cluster: Cluster,
        tokens: RegistryTokens,
        *,
        location: str,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._cluster = cluster
        self._tokens = tokens
        self._location = location
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[Repository, _Kept] = {}

    def credentials(self, pod: ApiObject, image: str) -> RegistryAuth | None:
        """Return the pod's way to pull; None for another registry's. Raises ForbiddenError."""
        found = parse_internal(image)
        if found is None:
            return None
        self._check(pod, found[0])
        return self._auth(found[0])

    def access(self, pod: ApiObject, image: str, state: ImageState) -> bool:
        """Say True where the pod may run it, False for another registry's.

        Raises ForbiddenError: that an image is on the node already gives nobody a right to it.
        """
        del state  # what is here under the repository's name came from it
        found = parse_internal(image)
        if found is None:
            return False
        self._check(pod, found[0])
        return True

    def _check(self, pod: ApiObject, repository: Repository) -> None:
        actor = account_of(pod)
        if not may_pull(self._cluster, actor, repository):
            raise ForbiddenError(
                f'User "{actor.name}" cannot pull from the image stream "{repository.stream}" in '
                f'the project "{repository.namespace}".',
                hint="The role system:image-puller there gives that right.",
            )

    def _auth(self, repository: Repository) -> RegistryAuth:
        """Return a credential for the repository: the same for a while, so that pulls are shared.

        The right was checked for this very pod; the token only carries it to the registry.
        """
        now = self._now()
        with self._lock:
            kept = self._kept.get(repository)
            if kept is None or kept.until <= now:
                if len(self._kept) >= KEPT_MAX:
                    self._kept.clear()
                kept = self._kept[repository] = _Kept(self._issue(repository, now), now + FRESH)
            return kept.auth

    def _issue(self, repository: Repository, now: datetime) -> RegistryAuth:
        grant = Grant(str(repository), frozenset({PULL}))
        token = self._tokens.issue([grant], subject=SUBJECT, ttl_s=TTL_S, now=now)
        return RegistryAuth(USERNAME, token, self._location)


def account_of(pod: ApiObject) -> Actor:
    """Return the service account that a pod runs as."""
    name = pod["spec"].get("serviceAccountName") or "default"
    return service_account_actor(namespace_of(pod), name)
