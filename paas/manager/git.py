"""Puts together what builds and workers need of repositories; the server is in `git_site`."""

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from paas.core.objects import ApiObject
from paas.git.housekeeping import repositories_sweep, repositories_tend
from paas.git.repositories import Repositories
from paas.git.services import build_branch_move, build_credentials
from paas.git.tokens import RepositoryTokens
from paas.manager import runtime
from paas.settings.instance import Instance


@cache
def repositories() -> Repositories:
    """Return the instance's repositories."""
    instance: Instance = settings.MINATO
    return Repositories(instance.repositories)


@cache
def repository_tokens() -> RepositoryTokens:
    """Return the process's signer of tokens for builds."""
    return RepositoryTokens(Path(settings.MINATO_TICKET_KEY_FILE).read_bytes())


def git_credentials(build: ApiObject) -> tuple[str, str] | None:
    """Return user and password by which a build fetches from us; None where it does not."""
    instance: Instance = settings.MINATO
    return build_credentials(
        repository_tokens(),
        build,
        git_url=instance.url(instance.git_host),
        now=datetime.now(UTC),
    )


def build_completed(build: ApiObject) -> None:
    """Move the branch that a build was pushed to. Safe to repeat."""
    build_branch_move(repositories(), build)


def repositories_keep() -> None:
    """Remove repositories whose BuildConfig is gone; prune and pack the others."""
    repositories_sweep(runtime.cluster(), repositories(), now_s=time.time())
    repositories_tend(runtime.cluster(), repositories())
