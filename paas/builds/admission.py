"""BuildPods: the pods that builds run in are the platform's, though they are in a project.

They mount the project's store of layers and hold tokens; their raw log is not redacted. People
start, watch and end them as builds. Source: OpenShift runs them privileged and trusts its SCC.
"""

from collections.abc import Mapping
from typing import Any

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.audit import is_platform
from paas.builds.names import API_VERSION, BUILD_LABEL, BUILDS, CACHE_CLAIM
from paas.core.actors import platform_actor
from paas.core.errors import ForbiddenError, NotFoundError
from paas.core.objects import ApiObject, annotations_of, controller_of, uid_of
from paas.core.shape import maps, text

ACTOR = platform_actor("build-admission")
_CONNECTIONS = frozenset({"attach", "exec", "log", "portforward"})


def is_build_pod(pod: ApiObject) -> bool:
    """Say whether a pod is a build's, or pretends to be."""
    return BUILD_LABEL in annotations_of(pod) or any(
        text(volume, "persistentVolumeClaim", "claimName") == CACHE_CLAIM
        for volume in maps(pod, "spec", "volumes")
    )


class BuildPods(AdmissionPlugin):
    """Refuses what people do to build pods, but for reading and deleting them."""

    name = "BuildPods"
    resources = frozenset({"pods"})

    def validate(self, request: AdmissionRequest) -> None:
        """Raise ForbiddenError."""
        if request.operation == "CONNECT":
            _check_connection(request)
        elif request.obj is not None and any(
            is_build_pod(one) for one in (request.obj, request.old) if one is not None
        ):
            _check_write(request, request.obj)


def _check_connection(request: AdmissionRequest) -> None:
    if request.subresource not in _CONNECTIONS or is_platform(request.actor):
        return
    try:
        pod = request.door.get(ACTOR, "pods", request.name, request.namespace)
    except NotFoundError:
        return  # the door says so itself
    if is_build_pod(pod):
        build = annotations_of(pod).get(BUILD_LABEL, "")
        hint = f"Read the log of the build: oc logs build/{build}" if build else ""
        words = f"it runs a build; {request.subresource} is not offered"
        raise ForbiddenError(f'pods "{request.name}" is forbidden: {words}', hint)


def _check_write(request: AdmissionRequest, pod: ApiObject) -> None:
    if not is_platform(request.actor):
        raise ForbiddenError(
            f'pods "{request.name}" is forbidden: pods of builds are the platform\'s to make',
            "Start a build: oc start-build",
        )
    if request.operation == "CREATE" and not _is_of_a_build(request, controller_of(pod) or {}):
        raise ForbiddenError(f'pods "{request.name}" is forbidden: it belongs to no build')


def _is_of_a_build(request: AdmissionRequest, owner: Mapping[str, Any]) -> bool:
    """Ask for the very build: what a pod says of its owner may be an owner's own invention."""
    if (owner.get("apiVersion"), owner.get("kind")) != (API_VERSION, "Build"):
        return False
    try:
        build = request.door.get(ACTOR, BUILDS, str(owner.get("name")), request.namespace)
    except NotFoundError:
        return False
    return uid_of(build) == owner.get("uid")
