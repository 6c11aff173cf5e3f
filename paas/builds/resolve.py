"""Which image a reference means, and whether the project's builds may have it.

A build runs as the service account `builder` of its project, so that account's rights decide,
whoever starts the build. Source: openshift-apiserver pkg/build/generator.
"""

import copy

from paas.apimachinery.door import Door
from paas.builds.errors import BuilderUnresolvedError
from paas.builds.names import BUILDER_ACCOUNT, STREAMS
from paas.core.actors import platform_actor, service_account_actor
from paas.core.errors import NotFoundError
from paas.core.objects import ApiObject
from paas.core.registry import INTERNAL_REGISTRY
from paas.core.shape import Json, ensure, maps, submap, text

ACTOR = platform_actor("build-generator")
_HINT = "`oc get imagestreamtags -n openshift` lists the builders that everybody may use."


def resolved(door: Door, spec: Json, namespace: str) -> Json:
    """Return the spec with its builder image named by digest. Raises BuilderUnresolvedError."""
    fixed = copy.deepcopy(spec)
    strategy = ensure(fixed, "strategy", "sourceStrategy")
    reference = submap(strategy, "from")
    name = image_of(door, reference, namespace)
    strategy["from"] = {"kind": "DockerImage", "name": name}
    return fixed


def image_of(door: Door, reference: Json, namespace: str) -> str:
    """Return how to pull what a reference names. Raises BuilderUnresolvedError."""
    kind, name = text(reference, "kind"), text(reference, "name")
    place = text(reference, "namespace") or namespace
    if kind == "DockerImage":
        _check_docker_image(door, name, namespace)
        return name
    separator = "@" if kind == "ImageStreamImage" else ":"
    stream_name, _, rest = name.partition(separator)
    _check_right(door, place, stream_name, namespace)
    stream = _stream(door, place, stream_name)
    for history in maps(stream, "status", "tags"):
        for event in maps(history, "items"):
            wanted = text(event, "image") if separator == "@" else text(history, "tag")
            if wanted == (rest or "latest"):
                return text(event, "dockerImageReference")
    raise BuilderUnresolvedError(
        f"Error resolving {kind} {name} in namespace {place}: it has no image", _HINT
    )


def repository_of(image: str) -> str:
    """Return `<project>/<stream>` of an image of the built-in registry; empty for any other."""
    prefix = f"{INTERNAL_REGISTRY}/"
    if not image.startswith(prefix):
        return ""
    return image.removeprefix(prefix).partition("@")[0].partition(":")[0]


def _check_docker_image(door: Door, name: str, namespace: str) -> None:
    if repository := repository_of(name):
        place, _, stream = repository.partition("/")
        _check_right(door, place, stream, namespace)


def _check_right(door: Door, place: str, stream: str, namespace: str) -> None:
    account = service_account_actor(namespace, BUILDER_ACCOUNT)
    try:
        allowed = door.may(
            account, "get", STREAMS, namespace=place, name=stream, subresource="layers"
        )
    except NotFoundError:
        allowed = False
    if not allowed:
        raise BuilderUnresolvedError(
            f"imagestream {place}/{stream} is not there, or the builds of {namespace} may not pull"
            " from it",
            f"Its project grants that by the role system:image-puller. {_HINT}",
        )


def _stream(door: Door, namespace: str, name: str) -> ApiObject:
    try:
        return door.get(ACTOR, STREAMS, name, namespace)
    except NotFoundError as error:
        raise BuilderUnresolvedError(
            f"imagestream {namespace}/{name} is not there", _HINT
        ) from error
