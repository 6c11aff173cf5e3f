"""Going back to the last good revision when a roll-out misses its deadline. Pure.

Only Deployments annotated `minato.io/auto-rollback: "true"`; others behave as upstream. A revision
is good once all its replicas were available. A good one that fails later is not left: then its
template is not what is wrong.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from paas.core.conditions import condition_of
from paas.core.objects import ApiObject, annotations_of, is_deleting, name_of
from paas.core.pods import is_ready, phase_of, why_not_ready
from paas.core.wellknown import AUTO_ROLLBACK, REJECTED_IMAGE, REJECTED_REASON, REJECTED_REVISION
from paas.orchestration.controllers.deployment.history import bare_template, revision_of
from paas.orchestration.controllers.deployment.names import PROGRESSING, ROLLED_OUT, TIMED_OUT
from paas.orchestration.controllers.deployment.scaling import available_of, wanted_of

REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class Rollback:
    """What to go back to, and from where."""

    good: ApiObject
    bad: ApiObject


def wants_rollback(deployment: ApiObject) -> bool:
    """Say whether the Deployment asks for it."""
    return annotations_of(deployment).get(AUTO_ROLLBACK) == "true"


def is_good(replica_set: ApiObject) -> bool:
    """Say whether the revision has once been rolled out completely, or serves now."""
    return ROLLED_OUT in annotations_of(replica_set) or available_of(replica_set) > 0


def plan_rollback(
    deployment: ApiObject,
    status: Mapping[str, Any],
    current: ApiObject | None,
    old: Sequence[ApiObject],
) -> Rollback | None:
    """Return the rollback that is due, or None. A first roll-out has nothing to go back to."""
    condition = condition_of(dict(status), PROGRESSING)
    late = condition is not None and condition.get("reason") == TIMED_OUT
    if not late or current is None or not wants_rollback(deployment):
        return None
    if deployment["spec"].get("paused") or ROLLED_OUT in annotations_of(current):
        return None
    good = [one for one in old if is_good(one) and not is_deleting(one)]
    if not good:
        return None
    return Rollback(max(good, key=revision_of), current)


def is_newly_good(deployment: ApiObject, current: ApiObject) -> bool:
    """Say whether the current ReplicaSet is to be marked as good now."""
    wanted = wanted_of(deployment)
    status = current.get("status") or {}
    return (
        wants_rollback(deployment)
        and wanted > 0
        and ROLLED_OUT not in annotations_of(current)
        and status.get("availableReplicas", 0) == wanted
        and status.get("observedGeneration", 0) >= current["metadata"].get("generation", 0)
    )


def rolled_back(deployment: ApiObject, rollback: Rollback, *, reason: str) -> ApiObject:
    """Return the Deployment with the good template, and the rejected one in its annotations."""
    back = copy.deepcopy(deployment)
    bad = bare_template(rollback.bad["spec"]["template"])
    template = copy.deepcopy(rollback.good["spec"]["template"])
    _drop_hash(template)
    back["spec"]["template"] = template
    annotations = dict(annotations_of(deployment))
    annotations[REJECTED_REVISION] = str(revision_of(rollback.bad))
    annotations[REJECTED_REASON] = reason
    annotations.pop(REJECTED_IMAGE, None)
    if rejected := _changed_images(bad, template):
        annotations[REJECTED_IMAGE] = orjson.dumps(rejected).decode()
    back["metadata"]["annotations"] = annotations
    return back


def _drop_hash(template: ApiObject) -> None:
    labels = (template.get("metadata") or {}).get("labels") or {}
    labels.pop("pod-template-hash", None)


def _changed_images(bad: ApiObject, good: ApiObject) -> dict[str, str]:
    """Return what the bad template ran and the good one does not: an image that stays is not it."""
    before = images_of(good)
    return {name: image for name, image in images_of(bad).items() if before.get(name) != image}


def images_of(template: ApiObject) -> dict[str, str]:
    """Return the image of each container and init container by its name."""
    spec = template["spec"]
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return {one["name"]: one.get("image", "") for one in containers}


def rejected_images(deployment: ApiObject) -> dict[str, str]:
    """Return the images rolled back, by container: what no trigger may write there again."""
    text = annotations_of(deployment).get(REJECTED_IMAGE, "")
    try:
        found = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return dict(found) if isinstance(found, dict) else {}


def is_vindicated(deployment: ApiObject) -> bool:
    """Say whether the template, having succeeded, runs an image that was rejected before."""
    images = images_of(deployment["spec"]["template"])
    return any(images.get(name) == image for name, image in rejected_images(deployment).items())


def message_of(deployment: ApiObject, rollback: Rollback, *, reason: str) -> str:
    """Return the event's sentence."""
    name, bad, good = name_of(deployment), revision_of(rollback.bad), revision_of(rollback.good)
    return (
        f'Rolled back deployment "{name}" from revision {bad} to revision {good}: '
        f'ReplicaSet "{name_of(rollback.bad)}" has timed out progressing: {reason}'
    )


def why_it_failed(
    replica_set: ApiObject, pods: Sequence[ApiObject], warnings: Sequence[str] = ()
) -> str:
    """Return the reason of the first pod that is not ready, or of pods that could not be made.

    `warnings` are the messages of the pods' Unhealthy events, the newest last.
    """
    failure = condition_of(replica_set.get("status") or {}, "ReplicaFailure")
    if failure is not None:
        return _cut(f"{failure.get('reason')}: {failure.get('message')}")
    for pod in sorted(pods, key=name_of):
        if not is_ready(pod):
            reason = why_not_ready(pod) or phase_of(pod)
            probe = f" ({warnings[-1]})" if warnings else ""
            return _cut(f"pod {name_of(pod)}: {reason}{probe}")
    return "its pods did not become ready"


def _cut(text: str) -> str:
    return text if len(text) <= REASON_MAX else f"{text[: REASON_MAX - 1]}…"
