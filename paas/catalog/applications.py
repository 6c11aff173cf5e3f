"""Applications: made, listed, looked at, deleted. Console and command line call these alone.

An application is not a kind: it is the objects that carry the same `app.kubernetes.io/instance`,
whoever made them. A Deployment without that label is an application by its own name.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from paas.apimachinery.options import DeleteOptions, ListOptions, WriteOptions
from paas.catalog.objects import application_objects
from paas.catalog.specs import ApplicationSpec, spec_check
from paas.catalog.states import AppState, state_of
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.errors import NotFoundError, PaasError
from paas.core.gitsource import HTTPS_ONLY
from paas.core.ingresses import INGRESSES
from paas.core.numbers import parse_whole
from paas.core.objects import (
    ApiObject,
    annotations_of,
    dig,
    labels_of,
    meta,
    name_of,
    uid_of,
)
from paas.core.selectors import selector_from_map
from paas.core.wellknown import BUILD_CONFIG_LABEL, GIT_REPOSITORY, INSTANCE

DEPLOYMENTS, SERVICES, PODS = "deployments.apps", "services", "pods"
ROUTES = "routes.route.openshift.io"
BUILD_CONFIGS, BUILDS = "buildconfigs.build.openshift.io", "builds.build.openshift.io"
IMAGE_STREAMS = "imagestreams.image.openshift.io"
AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
# What goes with an application, in the order in which it goes: traffic first, and who makes it.
OWNED = (INGRESSES, ROUTES, DEPLOYMENTS, SERVICES, BUILD_CONFIGS, IMAGE_STREAMS)


@dataclass(frozen=True, slots=True)
class Application:
    """One application as a page or a table shows it. `builds` are newest first."""

    name: str
    project: str
    state: AppState
    deployment: ApiObject | None = None
    routes: tuple[ApiObject, ...] = ()
    build_config: ApiObject | None = None
    builds: tuple[ApiObject, ...] = ()
    urls: tuple[str, ...] = ()
    objects: Mapping[str, list[ApiObject]] = field(default_factory=dict)

    @property
    def has_repository(self) -> bool:
        """Say whether one pushes to a repository of its own."""
        notes = (self.build_config or {}).get("metadata", {}).get("annotations") or {}
        return notes.get(GIT_REPOSITORY) == "true"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the platform is reached: the git server's URL, and how routes are served.

    `schemes` are those of the repositories elsewhere that it builds from.
    """

    git_base_url: str
    https_port: int
    schemes: tuple[str, ...] = HTTPS_ONLY


def application_create(
    cluster: Cluster, *, actor: Actor, spec: ApplicationSpec, addresses: Addresses
) -> list[ApiObject]:
    """Make all objects of an application, or none: what was made goes if one is refused.

    Raises InvalidError, AlreadyExistsError, ForbiddenError.
    """
    spec_check(spec, schemes=addresses.schemes)
    wishes = application_objects(spec, git_base_url=addresses.git_base_url)
    for wish in wishes:  # all of it is tried before any of it is made
        cluster.create(actor, wish, spec.project, options=WriteOptions(dry_run=True))
    made: list[ApiObject] = []
    try:
        for wish in wishes:
            made.append(cluster.create(actor, wish, spec.project))
    except PaasError:
        for obj in reversed(made):
            _delete(cluster, actor, resource_of(obj), obj)
        raise
    return made


def application_list(
    cluster: Cluster, *, actor: Actor, project: str, addresses: Addresses
) -> list[Application]:
    """Return the project's applications by name."""
    found = _collect(cluster, actor, project, ListOptions())
    names = {instance_of(obj) for key in (DEPLOYMENTS, BUILD_CONFIGS) for obj in found[key]}
    return [_assemble(name, project, found, addresses) for name in sorted(names)]


def application_get(
    cluster: Cluster, *, actor: Actor, project: str, name: str, addresses: Addresses
) -> Application:
    """Return one application. Raises NotFoundError, ForbiddenError."""
    for one in application_list(cluster, actor=actor, project=project, addresses=addresses):
        if one.name == name:
            return one
    raise NotFoundError(
        f'There is no application "{name}" in the project "{project}".',
        hint="See the project's list of applications.",
    )


def application_delete(cluster: Cluster, *, actor: Actor, project: str, name: str) -> list[str]:
    """Delete what belongs to an application; return what was deleted, as `resource name`.

    Raises NotFoundError where nothing carries its name.
    """
    found = _collect(cluster, actor, project, ListOptions())
    gone: list[str] = []
    deployments = [obj for obj in found[DEPLOYMENTS] if instance_of(obj) == name]
    for hpa in autoscalers_of(cluster, actor, project, deployments):  # or it looks for ever
        _delete(cluster, actor, AUTOSCALERS, hpa)
        gone.append(f"{AUTOSCALERS} {name_of(hpa)}")
    for resource in OWNED:
        for obj in found[resource]:
            if instance_of(obj) == name:
                _delete(cluster, actor, resource, obj)
                gone.append(f"{resource} {name_of(obj)}")
    if not gone:
        raise NotFoundError(f'There is no application "{name}" in the project "{project}".')
    return gone


def autoscalers_of(
    cluster: Cluster, actor: Actor, project: str, deployments: Iterable[ApiObject]
) -> list[ApiObject]:
    """Return the autoscalers of these Deployments; none for those who may not see any."""
    targets = {name_of(one) for one in deployments}
    if not targets or not cluster.may(actor, "list", AUTOSCALERS, project):
        return []
    found = cluster.list(actor, AUTOSCALERS, project).items
    return [
        one
        for one in found
        if dig(one, "spec", "scaleTargetRef", "kind") == "Deployment"
        and dig(one, "spec", "scaleTargetRef", "name") in targets
    ]


def instance_of(obj: ApiObject) -> str:
    """Return the application that an object belongs to; a bare one is one by itself."""
    labels = labels_of(obj)
    return labels.get(INSTANCE) or labels.get(BUILD_CONFIG_LABEL) or name_of(obj)


def resource_of(obj: ApiObject) -> str:
    """Return the resource of one of an application's objects."""
    return {
        "Route": ROUTES,
        "Deployment": DEPLOYMENTS,
        "Service": SERVICES,
        "BuildConfig": BUILD_CONFIGS,
        "ImageStream": IMAGE_STREAMS,
    }[obj["kind"]]


def application_pods(cluster: Cluster, *, actor: Actor, app: Application) -> list[ApiObject]:
    """Return the pods of the application's Deployment, newest first."""
    if app.deployment is None:
        return []
    labels = dig(app.deployment, "spec", "selector", "matchLabels") or {}
    options = ListOptions(labels=selector_from_map(labels))
    pods = cluster.list(actor, PODS, app.project, options).items
    return sorted(pods, key=lambda pod: str(meta(pod)["creationTimestamp"]), reverse=True)


def route_url(route: ApiObject, https_port: int) -> str:
    """Return where a route is reached; empty while it has no host."""
    host = dig(route, "spec", "host")
    if not host:
        return ""
    port = "" if https_port == 443 else f":{https_port}"  # noqa: PLR2004 -- https' own
    return f"https://{host}{port}{dig(route, 'spec', 'path') or ''}"


def _collect(
    cluster: Cluster, actor: Actor, project: str, options: ListOptions
) -> dict[str, list[ApiObject]]:
    resources = [*OWNED, BUILDS]
    if cluster.may(actor, "list", PODS, project):  # they say why, and may be seen by fewer
        resources.append(PODS)
    return {one: cluster.list(actor, one, project, options).items for one in resources}


def _assemble(
    name: str, project: str, found: Mapping[str, list[ApiObject]], addresses: Addresses
) -> Application:
    mine = {key: [obj for obj in many if instance_of(obj) == name] for key, many in found.items()}
    deployment = _first(mine[DEPLOYMENTS])
    builds = tuple(sorted(mine[BUILDS], key=_newest, reverse=True))
    routes = tuple(mine[ROUTES]) or tuple(_routes_to(found, deployment))
    config = _first(mine[BUILD_CONFIGS])
    return Application(
        name=name,
        project=project,
        state=state_of(deployment, builds, config, _selected(found.get(PODS, ()), deployment)),
        deployment=deployment,
        routes=routes,
        build_config=config,
        builds=builds,
        urls=tuple(url for route in routes if (url := route_url(route, addresses.https_port))),
        objects=mine,
    )


def _routes_to(
    found: Mapping[str, list[ApiObject]], deployment: ApiObject | None
) -> Iterable[ApiObject]:
    """Yield the routes to services that select a bare Deployment's pods."""
    pods = labels_of(dig(deployment or {}, "spec", "template") or {})
    serving = {
        name_of(service)
        for service in found[SERVICES]
        if pods and selector_from_map(dig(service, "spec", "selector")).matches(pods)
    }
    return (route for route in found[ROUTES] if dig(route, "spec", "to", "name") in serving)


def _selected(pods: Iterable[ApiObject], deployment: ApiObject | None) -> list[ApiObject]:
    """Return the pods of a Deployment."""
    wanted = dig(deployment or {}, "spec", "selector", "matchLabels")
    return [one for one in pods if wanted and selector_from_map(wanted).matches(labels_of(one))]


def _newest(build: ApiObject) -> tuple[str, int]:
    number = parse_whole(annotations_of(build).get("openshift.io/build.number", ""))
    return str(meta(build)["creationTimestamp"]), number or 0


def _first(many: list[ApiObject]) -> ApiObject | None:
    return many[0] if many else None


def _delete(cluster: Cluster, actor: Actor, resource: str, obj: ApiObject) -> None:
    options = DeleteOptions(propagation="Background", uid=uid_of(obj))
    with contextlib.suppress(NotFoundError):  # somebody else was quicker
        cluster.delete(actor, resource, name_of(obj), meta(obj)["namespace"], options=options)
