"""Repositories looked after: removed with their BuildConfig, packed, freed of old refs of ours."""

import time
from collections.abc import Iterable

import structlog

from paas.apimachinery.options import ListOptions
from paas.cluster.client import Cluster
from paas.core.objects import name_of, namespace_of, uid_of
from paas.core.selectors import selector_from_map
from paas.core.wellknown import BUILD_CONFIG_LABEL
from paas.git.access import ACTOR, BUILD_CONFIGS
from paas.git.cluster_builds import BUILDS as BUILD_RESOURCE
from paas.git.cluster_builds import pushed_build
from paas.git.errors import GitFailedError
from paas.git.locations import RepositoryName
from paas.git.policy import BASES, BUILDS, PUSHES
from paas.git.repositories import Repositories
from paas.git.repository import Repository

log = structlog.get_logger(__name__)
TRASH_KEPT_S = 24 * 3600.0
PUSH_KEPT_S = 24 * 3600.0
BUILDS_KEPT = 20
GC_TIMEOUT_S = 1800.0


def repositories_sweep(
    cluster: Cluster, repositories: Repositories, *, now_s: float
) -> list[RepositoryName]:
    """Discard each repository whose BuildConfig is gone; return them.

    What was discarded a day ago is deleted. `now_s` is seconds since 1970.
    """
    # repositories first: one that is made meanwhile has a BuildConfig that is older than itself
    found = list(repositories.all())
    configs = cluster.list(ACTOR, BUILD_CONFIGS).items
    living = {RepositoryName(namespace_of(one), name_of(one)): uid_of(one) for one in configs}
    gone = [name for name, uid in found if uid and living.get(name) != uid]
    for name in gone:
        repositories.discard(name)
        log.info("repository_discarded", repository=str(name))
    repositories.purge(before=now_s - TRASH_KEPT_S)
    return gone


def repositories_tend(cluster: Cluster, repositories: Repositories) -> None:
    """Prune and pack every repository; one that cannot be is left for the next time."""
    for name, _ in list(repositories.all()):
        repository = repositories.at(name)
        options = ListOptions(labels=selector_from_map({BUILD_CONFIG_LABEL: name.app}))
        builds = cluster.list(ACTOR, BUILD_RESOURCE, name.project, options).items
        try:
            refs_prune(repository, {pushed_build(one).number for one in builds}, time.time())
            repository.collect_garbage(timeout_s=GC_TIMEOUT_S)
        except GitFailedError as error:
            log.warning("repository_not_tended", repository=str(name), error=error.message)


def refs_prune(repository: Repository, builds: Iterable[int], now_s: float) -> list[str]:
    """Delete the refs of builds that are gone and of pushes that never became one; return them.

    The newest are kept whatever became of their builds.
    """
    refs = repository.refs(BUILDS) | repository.refs(BASES)
    numbers = {int(ref.rpartition("/")[2]) for ref in refs}
    kept = {*builds, *sorted(numbers)[-BUILDS_KEPT:]}
    stale = [ref for ref in refs if int(ref.rpartition("/")[2]) not in kept]
    stale += [ref for ref in repository.refs(PUSHES) if _begun_at(ref) < now_s - PUSH_KEPT_S]
    repository.delete_refs(stale)
    return stale


def _begun_at(ref: str) -> float:
    return float(ref.removeprefix(PUSHES).partition("-")[0])
