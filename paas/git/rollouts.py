"""How far a Deployment has come with an image, and where its pods are reached. Pure.

Source: Kubernetes, "Deployment status"; OpenShift, "Triggering updates on image stream changes".
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from paas.core.conditions import condition_of
from paas.core.objects import ApiObject, annotations_of, dig, name_of
from paas.core.selectors import selector_from_map
from paas.core.wellknown import AWAITS_IMAGE, IMAGE_TRIGGERS, REJECTED_REASON
from paas.git.builds import Release
from paas.orchestration.controllers.deployment.rollback import images_of, rejected_images

DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"


def follows(deployment: ApiObject, tag: str) -> bool:
    """Say whether an image trigger keeps the Deployment at an ImageStreamTag of its project."""
    try:
        triggers: Any = json.loads(annotations_of(deployment).get(IMAGE_TRIGGERS) or "[]")
    except json.JSONDecodeError:
        return False
    sources = (dig(one, "from") for one in triggers if isinstance(one, dict))
    return any(
        source.get("kind") == "ImageStreamTag" and source.get("name") == tag
        for source in sources
        if isinstance(source, dict)
    )


def release_of(deployment: ApiObject, digest: str) -> Release | None:
    """Return how the roll-out of an image has ended; None while it has not."""
    name = name_of(deployment)
    if any(digest in image for image in rejected_images(deployment).values()):
        why = annotations_of(deployment).get(REJECTED_REASON, "it did not become ready")
        why = f"{why.rstrip('.')}. The version before goes on serving."
        return Release(ready=False, message=why)
    if not any(digest in image for image in images_of(deployment["spec"]["template"]).values()):
        return _without_image(deployment)
    if dig(deployment, "spec", "replicas") == 0:
        return Release(ready=True, message=f"{name} is scaled to zero.")
    if deployment["spec"].get("paused"):
        return Release(ready=True, message=f"{name} is paused: resume it to roll out.")
    return _of_status(deployment)


def urls_of(
    deployment: ApiObject,
    services: Iterable[ApiObject],
    routes: Iterable[ApiObject],
    *,
    ports: tuple[int, int],
) -> Iterator[str]:
    """Yield where the Deployment's pods are reached; `ports` are those of http and https."""
    labels = dig(deployment, "spec", "template", "metadata", "labels") or {}
    serving = {
        name_of(service)
        for service in services
        if selector_from_map(dig(service, "spec", "selector")).matches(labels)
    }
    for route in routes:
        if dig(route, "spec", "to", "name") in serving and dig(route, "spec", "host"):
            yield _url(route, *ports)


def _without_image(deployment: ApiObject) -> Release | None:
    """Return a Release where the image trigger will not write the image by itself."""
    waits = annotations_of(deployment).get(AWAITS_IMAGE) == "true"
    if deployment["spec"].get("paused") and not waits:
        name = name_of(deployment)
        return Release(ready=True, message=f"{name} is paused: resume it to roll out.")
    return None


def _of_status(deployment: ApiObject) -> Release | None:
    status = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return None
    progressing = condition_of(status, "Progressing") or {}
    if progressing.get("reason") == DEADLINE_EXCEEDED:
        return Release(ready=False, message=str(progressing.get("message") or "it takes too long"))
    wanted = dig(deployment, "spec", "replicas")
    wanted = 1 if wanted is None else wanted
    counts = [status.get(key, 0) for key in ("updatedReplicas", "availableReplicas", "replicas")]
    return Release(ready=True) if counts == [wanted] * 3 else None


def _url(route: ApiObject, http_port: int, https_port: int) -> str:
    scheme, port, usual = (
        ("https", https_port, 443) if dig(route, "spec", "tls") else ("http", http_port, 80)
    )
    place = "" if port == usual else f":{port}"
    return f"{scheme}://{dig(route, 'spec', 'host')}{place}{dig(route, 'spec', 'path') or '/'}"
