"""What builds and workers need of repositories: tokens to fetch with, the branch moved."""

from datetime import datetime, timedelta

import structlog

from paas.core.objects import ApiObject, annotations_of, controller_of, dig, name_of, namespace_of
from paas.core.wellknown import BUILD_CONFIG_LABEL
from paas.git.branches import Moved, branch_move
from paas.git.cluster_builds import pushed_build
from paas.git.locations import RepositoryName, repository_at
from paas.git.repositories import Repositories, uid_of
from paas.git.tokens import RepositoryTokens

log = structlog.get_logger(__name__)
TOKEN_TTL = timedelta(hours=2)
USER = "build"


def build_credentials(
    tokens: RepositoryTokens, build: ApiObject, *, git_url: str, now: datetime
) -> tuple[str, str] | None:
    """Return user and password by which a build fetches its source; None where it is not ours.

    A build gets into repositories of its own project only. `git_url` is the git server's address.
    """
    uri = str(dig(build, "spec", "source", "git", "uri") or "")
    name = repository_at(uri.removeprefix(git_url)) if uri.startswith(f"{git_url}/") else None
    if name is None or name.project != namespace_of(build):
        return None
    subject = f"system:minato:build:{namespace_of(build)}:{name_of(build)}"
    return USER, tokens.issue(name, subject=subject, ttl=TOKEN_TTL, now=now)


def build_branch_move(repositories: Repositories, build: ApiObject) -> Moved | None:
    """Move the branch to what a build has built; None where it concerns no repository of ours.

    Safe to repeat. Raises GitFailedError, RepositoryBusyError.
    """
    name = RepositoryName(namespace_of(build), annotations_of(build).get(BUILD_CONFIG_LABEL, ""))
    repository = repositories.at(name)
    owner, branch = controller_of(build), dig(build, "spec", "source", "git", "ref")
    pushed = pushed_build(build)
    if not (owner and branch and pushed.commit and uid_of(repository.path) == owner["uid"]):
        return None
    moved = branch_move(repository, branch=branch, number=pushed.number, commit=pushed.commit)
    log.info("branch_moved", repository=str(name), build=pushed.name, outcome=moved.value)
    return moved
