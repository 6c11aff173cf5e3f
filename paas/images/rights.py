"""Who may pull from and push to a repository: RBAC on `imagestreams/layers` decides.

Source: OpenShift, "Registry options"; Distribution, "Token Scope Documentation".
"""

from collections.abc import Iterable

from paas.cluster.client import Cluster
from paas.core.actors import MASTERS, Actor, platform_actor
from paas.core.errors import NotFoundError
from paas.core.objects import is_deleting
from paas.images.names import Repository, parse_repository
from paas.images.tokens import DELETE, PULL, PUSH, REPOSITORY_TYPE, Grant

STREAMS = "imagestreams.image.openshift.io"
LAYERS = f"{STREAMS}/layers"
ACTOR = platform_actor("image-registry")
SCOPES_MAX = 20
_EVERYTHING = frozenset({PULL, PUSH})


def parse_scopes(scopes: Iterable[str]) -> list[Grant]:
    """Return what is asked for; scopes that are no repository's, and unknown actions, fall away.

    `*` is pull and push. Scopes of the same repository are one grant. At most 20 are read.
    """
    asked: dict[str, frozenset[str]] = {}
    for scope in [one for text in scopes for one in text.split()][:SCOPES_MAX]:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind != REPOSITORY_TYPE or parse_repository(name) is None:
            continue
        words = frozenset(actions.split(","))
        known = (words & {PULL, PUSH, DELETE}) | (_EVERYTHING if "*" in words else frozenset())
        asked[name] = asked.get(name, frozenset()) | known
    return [Grant(name, actions) for name, actions in asked.items()]


def granted(cluster: Cluster, actor: Actor, asked: Iterable[Grant]) -> list[Grant]:
    """Return what of it the actor may do."""
    found = [Grant(one.repository, _allowed(cluster, actor, one)) for one in asked]
    return [grant for grant in found if grant.actions]


def may_pull(cluster: Cluster, actor: Actor, repository: Repository) -> bool:
    """Say whether the actor may pull the stream's images."""
    return cluster.may(actor, "get", LAYERS, repository.namespace, repository.stream)


def _allowed(cluster: Cluster, actor: Actor, grant: Grant) -> frozenset[str]:
    repository = parse_repository(grant.repository)
    if repository is None:
        return frozenset()
    rules = {
        PULL: lambda: may_pull(cluster, actor, repository),
        PUSH: lambda: _may_push(cluster, actor, repository),
        # a blob that a pod runs or a stream names goes only by the platform's own pruning
        DELETE: lambda: MASTERS in actor.groups,
    }
    return frozenset(action for action in grant.actions if rules[action]())


def _may_push(cluster: Cluster, actor: Actor, repository: Repository) -> bool:
    """Say so; a first push makes the stream, which is a right of its own."""
    namespace, stream = repository.namespace, repository.stream
    if not cluster.may(actor, "update", LAYERS, namespace, stream):
        return False
    if not _accepts(cluster, namespace):
        return False
    return _exists(cluster, repository) or cluster.may(actor, "create", STREAMS, namespace)


def _accepts(cluster: Cluster, namespace: str) -> bool:
    try:
        return not is_deleting(cluster.get(ACTOR, "namespaces", namespace))
    except NotFoundError:
        return False


def _exists(cluster: Cluster, repository: Repository) -> bool:
    try:
        cluster.get(ACTOR, STREAMS, repository.stream, repository.namespace)
    except NotFoundError:
        return False
    return True
