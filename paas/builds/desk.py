"""Everything that whoever attends to builds needs; put together by `paas.manager`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from paas.builds.leases import Leases
from paas.builds.logs import BuildLogs
from paas.builds.settings import BuildSettings
from paas.cluster.client import Cluster
from paas.core.actors import Actor, platform_actor
from paas.core.objects import ApiObject

ACTOR: Actor = platform_actor("build-controller")


class RegistryToken(Protocol):
    """Signs a token for repositories of the built-in registry."""

    def __call__(
        self, grants: Sequence[tuple[str, frozenset[str]]], *, subject: str, ttl_s: int
    ) -> str:
        """Return a token for exactly these: `<project>/<stream>` and pull, push."""


class ImageTagger(Protocol):
    """Tags what a build pushed, after reading its digest back."""

    def __call__(self, *, namespace: str, stream: str, tag: str, digest: str, by: str) -> None:
        """Tag it; safe to repeat. Raises PaasError."""


GitCredentials = Callable[[ApiObject], tuple[str, str] | None]
"""User and password by which a build reads its repository of ours; None where it is not ours."""
BuildEnded = Callable[[ApiObject], None]
"""Told of a build that will be Complete, before it is: the branch moves. Safe to repeat."""


def no_credentials(_: ApiObject) -> tuple[str, str] | None:
    """Know none."""
    return None


def nothing(_: ApiObject) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class BuildDesk:
    """What is here for one process. `wake` sends a build to a worker, at once or never."""

    cluster: Cluster
    leases: Leases
    logs: BuildLogs
    settings: BuildSettings
    token: RegistryToken
    tag: ImageTagger
    now: Callable[[], datetime]
    wake: Callable[[ApiObject], None] = nothing
    git_credentials: GitCredentials = no_credentials
    completed: BuildEnded = nothing
