"""Builds and roll-outs as API objects of the cluster; only a build's log comes another way."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from paas.apimachinery.options import ListOptions, WatchOptions
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.errors import NotFoundError
from paas.core.numbers import parse_whole
from paas.core.objects import ApiObject, annotations_of, dig, meta, name_of, uid_of
from paas.core.selectors import parse_field_selector, selector_from_map
from paas.core.wellknown import BUILD_CONFIG_LABEL
from paas.git.access import ACTOR, BUILD_CONFIGS
from paas.git.builds import BuildResult, PushedBuild, Release, Stop
from paas.git.locations import RepositoryName
from paas.git.reasons import explained
from paas.git.repository import Commit
from paas.git.rollouts import follows, release_of, urls_of

BUILDS = "builds.build.openshift.io"
DEPLOYMENTS, SERVICES, ROUTES = "deployments.apps", "services", "routes.route.openshift.io"
NUMBER = "openshift.io/build.number"
PENDING = ("New", "Pending", "Running")
BUILD_MAX_S = 3 * 3600.0
RELEASE_MAX_S = 600.0
_NANOSECONDS = 1e9

T = TypeVar("T")


class FollowLog(Protocol):
    """Reads the log of a build from the beginning, to its end or until `stopped` says so."""

    def __call__(self, build_uid: str, *, stopped: Callable[[], bool]) -> Iterator[bytes]:
        """Yield the log in pieces."""


class ClusterBuilds:
    """`PushBuilds` on a cluster; `ports` are those at which http and https routes are reached."""

    def __init__(self, cluster: Cluster, follow: FollowLog, *, ports: tuple[int, int]) -> None:
        self._cluster = cluster
        self._follow = follow
        self._ports = ports

    def start(self, actor: Actor, repository: RepositoryName, commit: Commit) -> PushedBuild:
        """Start a build of a commit that is in the repository. Raises PaasError."""
        body = {
            "apiVersion": "build.openshift.io/v1",
            "kind": "BuildRequest",
            "metadata": {"name": repository.app},
            "revision": revision_of(commit),
            "triggeredBy": [{"message": f"git push by {actor.name}"}],
        }
        place = (BUILD_CONFIGS, repository.app, repository.project)
        made = self._cluster.connect(actor, *place, subresource="instantiate", body=body)
        return pushed_build(made)

    def pending(self, repository: RepositoryName) -> Sequence[PushedBuild]:
        """Return the builds of a commit that have not ended, oldest first."""
        options = ListOptions(labels=selector_from_map({BUILD_CONFIG_LABEL: repository.app}))
        found = self._cluster.list(ACTOR, BUILDS, repository.project, options).items
        builds = [pushed_build(one) for one in found if _phase(one) in PENDING]
        return sorted((one for one in builds if one.commit), key=lambda one: one.number)

    def log(self, repository: RepositoryName, build: PushedBuild, stop: Stop) -> Iterator[bytes]:
        """Yield the build's log from its beginning, as it is written, to its end."""
        try:
            found = self._cluster.get(ACTOR, BUILDS, build.name, repository.project)
        except NotFoundError:
            return
        yield from self._follow(uid_of(found), stopped=stop.event.is_set)

    def result(
        self, repository: RepositoryName, build: PushedBuild, stop: Stop
    ) -> BuildResult | None:
        """Return how the build ended, when it has; None when stopped."""
        place = (BUILDS, build.name, repository.project)
        found = self._wait(place, result_of, stop, BUILD_MAX_S)
        if found is not None or stop.event.is_set():
            return found
        return BuildResult(False, "Unwatched", "It goes on, but for too long to be watched.")

    def release(self, repository: RepositoryName, build: PushedBuild, stop: Stop) -> Release | None:
        """Return how the roll-out of its image ended, when it has; None when stopped."""
        begun = time.monotonic()
        project = repository.project
        try:
            found = self._cluster.get(ACTOR, BUILDS, build.name, project)
        except NotFoundError:
            return Release(ready=False, message="the build was deleted")
        release = Release(ready=True, message="Nothing is deployed from this image.")
        urls: tuple[str, ...] = ()
        for deployment in self._following(found, project):
            one = self._await_release(name_of(deployment), project, _digest(found), stop)
            if one is None:
                return None
            if not one.ready:
                return explained(
                    self._cluster,
                    one,
                    deployment=name_of(deployment),
                    project=project,
                    digest=_digest(found),
                )
            release, urls = one, (*urls, *self._urls(deployment, project))
        return replace(release, urls=urls, duration_s=time.monotonic() - begun)

    def _following(self, build: ApiObject, project: str) -> list[ApiObject]:
        target = dig(build, "spec", "output", "to") or {}
        if target.get("kind") != "ImageStreamTag":
            return []
        found = self._cluster.list(ACTOR, DEPLOYMENTS, project).items
        return [one for one in found if follows(one, target.get("name", ""))]

    def _await_release(self, name: str, project: str, digest: str, stop: Stop) -> Release | None:
        def look(deployment: ApiObject | None) -> Release | None:
            if deployment is None:
                return Release(ready=False, message=f"the Deployment {name} was deleted")
            return release_of(deployment, digest)

        found = self._wait((DEPLOYMENTS, name, project), look, stop, RELEASE_MAX_S)
        if found is not None or stop.event.is_set():
            return found
        return Release(ready=False, message=f"{name} is not ready after {RELEASE_MAX_S:.0f} s")

    def _urls(self, deployment: ApiObject, project: str) -> Iterator[str]:
        services = self._cluster.list(ACTOR, SERVICES, project).items
        routes = self._cluster.list(ACTOR, ROUTES, project).items
        return urls_of(deployment, services, routes, ports=self._ports)

    def _wait(
        self,
        place: tuple[str, str, str],
        look: Callable[[ApiObject | None], T | None],
        stop: Stop,
        timeout_s: float,
    ) -> T | None:
        """Look at an object at each of its changes until that finds something; None in the end."""
        resource, name, namespace = place
        deadline = time.monotonic() + timeout_s
        while not stop.event.is_set() and (left_s := deadline - time.monotonic()) > 0:
            try:
                obj = self._cluster.get(ACTOR, resource, name, namespace)
            except NotFoundError:
                return look(None)
            if (found := look(obj)) is not None:
                return found
            options = WatchOptions(
                fields=parse_field_selector(f"metadata.name={name}"),
                resource_version=str(meta(obj)["resourceVersion"]),
                timeout_s=left_s,
            )
            watch = self._cluster.watch(ACTOR, resource, namespace, options)
            stop.on_set(watch.close)
            next(iter(watch), None)  # whatever has happened: look again
            watch.close()
        return None


def revision_of(commit: Commit) -> ApiObject:
    """Return a build.openshift.io/v1 SourceRevision."""
    return {
        "type": "Git",
        "git": {
            "commit": commit.oid,
            "author": dict(zip(("name", "email"), commit.author, strict=True)),
            "committer": dict(zip(("name", "email"), commit.committer, strict=True)),
            "message": commit.subject,
        },
    }


def pushed_build(build: ApiObject) -> PushedBuild:
    """Return a Build as a push sees it."""
    number = annotations_of(build).get(NUMBER) or name_of(build).rpartition("-")[2]
    commit = dig(build, "spec", "revision", "git", "commit") or ""
    return PushedBuild(name_of(build), parse_whole(number) or 0, commit)


def result_of(build: ApiObject | None) -> BuildResult | None:
    """Return how a build ended; None while it has not. A build that is gone has failed."""
    if build is None:
        return BuildResult(False, "Deleted", "The build was deleted.")
    if _phase(build) in PENDING:
        return None
    status = build.get("status") or {}
    return BuildResult(
        succeeded=_phase(build) == "Complete",
        reason=status.get("reason") or _phase(build),
        message=status.get("message") or "",
        duration_s=(status.get("duration") or 0) / _NANOSECONDS,
    )


def _digest(build: ApiObject) -> str:
    """Return the digest of the build's image; where it is not known, what all digests have."""
    return str(dig(build, "status", "output", "to", "imageDigest") or "sha256:")


def _phase(build: ApiObject) -> str:
    return str(dig(build, "status", "phase") or "New")
