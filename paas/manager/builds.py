"""Puts the builds' part together: for the workers that attend to them, and for the API."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from django.conf import settings

from paas.builds.desk import BuildDesk
from paas.builds.leases import Leases
from paas.builds.logs import BuildLogs
from paas.builds.settings import BuildSettings, GitServer
from paas.core.objects import Digest
from paas.images.services import registry_token
from paas.images.tokens import Grant
from paas.manager import git, registry, runtime
from paas.manager.wakeups import build_wake
from paas.settings.instance import Instance

API_PORT = 6443
"""The edge serves every platform host at this port of the node's address, for pods."""


@cache
def build_logs() -> BuildLogs:
    """Return the process's reader and writer of build logs."""
    return BuildLogs(runtime.door().store.database)


@cache
def build_desk() -> BuildDesk:
    """Return what the process's director works with."""
    return BuildDesk(
        cluster=runtime.cluster(),
        leases=Leases(runtime.door().store.database, running_max=settings.MINATO_BUILDS_MAX),
        logs=build_logs(),
        settings=build_settings(settings.MINATO),
        token=_registry_token,
        tag=_tag,
        now=_now,
        wake=build_wake,
        git_credentials=git.git_credentials,
        completed=git.build_completed,
    )


def build_settings(instance: Instance) -> BuildSettings:
    """Return what an instance decides about its builds."""
    node = str(instance.node_address)
    url = instance.url(instance.git_host)
    return BuildSettings(
        registry_address=str(instance.registry_service_address),
        git=GitServer(url, instance.git_host, node, API_PORT),
        schemes=settings.MINATO_BUILD_SCHEMES,
        ca_bundle=(settings.MINATO_BUILD_CA_BUNDLE, instance.ca_file),
        environment=settings.MINATO_BUILD_ENVIRONMENT,
        deadline_s=settings.MINATO_BUILD_DEADLINE_S,
        running_max=settings.MINATO_BUILDS_MAX,
    )


def _registry_token(
    grants: Sequence[tuple[str, frozenset[str]]], *, subject: str, ttl_s: int
) -> str:
    wanted = [Grant(repository, actions) for repository, actions in grants]
    tokens = registry.registry_tokens()
    return registry_token(tokens, grants=wanted, subject=subject, ttl_s=ttl_s, now=_now())


def _tag(*, namespace: str, stream: str, tag: str, digest: str, by: str) -> None:
    registry.image_tag(
        namespace=namespace, stream=stream, tag=tag, digest=Digest(digest), pushed_by=by
    )


def _now() -> datetime:
    return datetime.now(UTC)
