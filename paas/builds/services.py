"""What people do with builds: start, start again, cancel. The API's subresources do the same."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paas.builds.desk import ACTOR
from paas.builds.instantiate import announce
from paas.builds.names import BUILDS, CONFIGS, has_ended
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.errors import ConflictError, NotFoundError
from paas.core.objects import ApiObject
from paas.core.shape import ensure

TRIES = 8


@dataclass(frozen=True, slots=True)
class SourceRevision:
    """A commit; `author` and `message` are shown, never used."""

    commit: str
    message: str = ""
    author_name: str = ""
    author_email: str = ""

    def as_object(self) -> dict[str, Any]:
        """Return build.openshift.io/v1 SourceRevision."""
        git: dict[str, Any] = {"commit": self.commit}
        if self.message:
            git["message"] = self.message
        author = {"name": self.author_name, "email": self.author_email}
        if any(author.values()):
            git["author"] = {key: value for key, value in author.items() if value}
        return {"type": "Git", "git": git}


def build_start(
    cluster: Cluster,
    *,
    actor: Actor,
    namespace: str,
    config: str,
    revision: SourceRevision | None = None,
    triggered_by: str = "",
    environment: Sequence[tuple[str, str]] = (),
) -> ApiObject:
    """Start a build of a BuildConfig; return the Build, which is New.

    Raises NotFoundError, ForbiddenError, InvalidError (a builder image that is not there).
    """
    body = _request(config, triggered_by)
    if revision is not None:
        body["revision"] = revision.as_object()
    if environment:
        body["env"] = [{"name": name, "value": value} for name, value in environment]
    return cluster.connect(actor, CONFIGS, config, namespace, subresource="instantiate", body=body)


def build_clone(
    cluster: Cluster, *, actor: Actor, namespace: str, name: str, triggered_by: str = ""
) -> ApiObject:
    """Build the same commit with the same builder image again."""
    body = _request(name, triggered_by)
    return cluster.connect(actor, BUILDS, name, namespace, subresource="clone", body=body)


def build_cancel(cluster: Cluster, *, actor: Actor, namespace: str, name: str) -> ApiObject:
    """Ask a build to end, as `oc cancel-build` does; one that has ended stays as it is."""
    for attempt in range(1, TRIES + 1):
        build = cluster.get(actor, BUILDS, name, namespace)
        if has_ended(build):
            return build
        wish = copy.deepcopy(build)
        ensure(wish, "status")["cancelled"] = True
        try:
            cancelled = cluster.update(actor, wish)
        except ConflictError:
            if attempt == TRIES:
                raise
        else:
            announce(cancelled)  # one that waits in the queue has nobody who watches it
            return cancelled
    raise AssertionError("the loop returns or raises")


def build_goes_on(cluster: Cluster, *, namespace: str, name: str) -> bool:
    """Say whether there is such a build, and it has not ended."""
    try:
        return not has_ended(cluster.get(ACTOR, BUILDS, name, namespace))
    except NotFoundError:
        return False


def _request(name: str, triggered_by: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "apiVersion": "build.openshift.io/v1",
        "kind": "BuildRequest",
        "metadata": {"name": name},
    }
    if triggered_by:
        body["triggeredBy"] = [{"message": triggered_by}]
    return body
