"""Why the pods of a roll-out are not ready, and what one of them wrote last: for who has pushed."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from paas.cluster.client import Cluster, LogRequest
from paas.core.errors import NotFoundError, PaasError
from paas.core.objects import (
    ApiObject,
    annotations_of,
    controller_of,
    dig,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.pods import container_statuses, is_ready
from paas.core.wellknown import REJECTED_REASON
from paas.git.access import ACTOR
from paas.git.builds import Release
from paas.orchestration.controllers.deployment.history import revision_of
from paas.orchestration.controllers.deployment.rollback import (
    images_of,
    rejected_images,
    why_it_failed,
)

DEPLOYMENTS, SETS, PODS, EVENTS = "deployments.apps", "replicasets.apps", "pods", "events"
LINES, BYTES_MAX = 10, 2000


def explained(
    cluster: Cluster, release: Release, *, deployment: str, project: str, digest: str
) -> Release:
    """Return a release that failed with the reason of its pods and the last lines of one.

    What is gone already says nothing: then it comes back as it was.
    """
    try:
        owner = cluster.get(ACTOR, DEPLOYMENTS, deployment, project)
    except NotFoundError:
        return release
    replica_set = _set_of(cluster, owner, digest)
    if replica_set is None:
        return release
    pods = _controlled(cluster, PODS, replica_set)
    message = release.message
    if not _is_told(owner, digest):
        why = why_it_failed(replica_set, pods, _complaints(cluster, pods))
        message = f"{message.rstrip('.')}: {why}{_exit_note(pods, why)}"
        if dig(owner, "status", "availableReplicas"):
            message += ". The version before goes on serving."
    return replace(release, message=message, said=_last_words(cluster, pods))


def _is_told(deployment: ApiObject, digest: str) -> bool:
    """Say whether the image was rolled back: then the controller has said why."""
    rejected = any(digest in image for image in rejected_images(deployment).values())
    return rejected and bool(annotations_of(deployment).get(REJECTED_REASON))


def _set_of(cluster: Cluster, deployment: ApiObject, digest: str) -> ApiObject | None:
    found = [
        one
        for one in _controlled(cluster, SETS, deployment)
        if any(digest in image for image in images_of(one["spec"]["template"]).values())
    ]
    return max(found, key=revision_of, default=None)


def _controlled(cluster: Cluster, resource: str, owner: ApiObject) -> list[ApiObject]:
    found = cluster.list(ACTOR, resource, namespace_of(owner)).items
    return [one for one in found if (controller_of(one) or {}).get("uid") == uid_of(owner)]


def _complaints(cluster: Cluster, pods: Sequence[ApiObject]) -> list[str]:
    """Return what the probes of these pods said, the newest last."""
    if not pods:
        return []
    uids = {uid_of(pod) for pod in pods}
    found = [
        (str(event.get("lastTimestamp") or ""), str(event.get("message") or ""))
        for event in cluster.list(ACTOR, EVENTS, namespace_of(pods[0])).items
        if event.get("reason") == "Unhealthy" and dig(event, "involvedObject", "uid") in uids
    ]
    return [message for _, message in sorted(found)]


def _exit_note(pods: Sequence[ApiObject], why: str) -> str:
    """Return how a container ended that runs again at this moment: its state does not say it."""
    for status in (one for pod in _unready(pods) for one in container_statuses(pod)):
        for state in (status.get("state"), status.get("lastState")):
            code = dig(state or {}, "terminated", "exitCode")
            if code is not None and "exit code" not in why:
                return f"; container {status['name']} ended with exit code {code}"
    return ""


def _last_words(cluster: Cluster, pods: Sequence[ApiObject]) -> bytes:
    for pod in _unready(pods):
        for status in container_statuses(pod):
            if not status.get("ready"):
                return _tail(cluster, pod, str(status["name"]))
    return b""


def _tail(cluster: Cluster, pod: ApiObject, container: str) -> bytes:
    request = LogRequest(namespace_of(pod), name_of(pod), container, tail_lines=LINES)
    said = b""
    with contextlib.suppress(PaasError, OSError):  # it has not started, or is gone
        for piece in cluster.logs(ACTOR, request):
            said = (said + piece)[-BYTES_MAX:]
    return said


def _unready(pods: Sequence[ApiObject]) -> list[ApiObject]:
    return [pod for pod in sorted(pods, key=name_of) if not is_ready(pod)]
