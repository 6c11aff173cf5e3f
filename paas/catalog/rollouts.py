"""An application's roll-outs: which revisions there are, going back to one, how many pods it has.

A revision is a ReplicaSet of the Deployment. Source: apps/v1, `kubectl rollout`.
"""

import copy
import json
from dataclasses import dataclass
from datetime import datetime

from paas.apimachinery.options import Patch
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.errors import BadRequestError, Cause, InvalidError, NotFoundError
from paas.core.objects import (
    ApiObject,
    annotations_of,
    controller_of,
    dig,
    meta,
    name_of,
    namespace_of,
    parse_timestamp,
    uid_of,
)
from paas.core.wellknown import IMAGE_TRIGGERS, REJECTED_IMAGE, REJECTED_REVISION
from paas.orchestration.controllers.deployment.history import bare_template, revision_of
from paas.orchestration.controllers.deployment.rollback import images_of

DEPLOYMENTS, REPLICA_SETS = "deployments.apps", "replicasets.apps"
REPLICAS_MAX = 100
_CAUSE = "kubernetes.io/change-cause"


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision; `is_current` where its template is the Deployment's own."""

    number: int
    name: str
    created_at: datetime
    images: tuple[str, ...]
    replicas: int
    ready: int
    is_current: bool
    was_rejected: bool
    cause: str


def revision_list(cluster: Cluster, *, actor: Actor, deployment: ApiObject) -> list[Revision]:
    """Return the revisions that are kept, newest first."""
    found = replica_sets_of(cluster, actor=actor, deployment=deployment)
    return sorted((_revision(deployment, one) for one in found), key=_number, reverse=True)


def rollout_undo(cluster: Cluster, *, actor: Actor, deployment: ApiObject, revision: int) -> None:
    """Give the Deployment the template of an older revision.

    The images that are left stay away until another is built: the image trigger would write them
    again at once. Raises NotFoundError, BadRequestError for the revision that runs.
    """
    chosen = _chosen(cluster, actor, deployment, revision)
    template = bare_template(chosen["spec"]["template"])
    if template == bare_template(deployment["spec"]["template"]):
        raise BadRequestError(f"Revision {revision} is what runs now.")
    back = copy.deepcopy(deployment)
    back["spec"]["template"] = template
    annotations = dict(annotations_of(back))
    annotations.pop(REJECTED_REVISION, None)
    annotations.pop(REJECTED_IMAGE, None)
    before, after = images_of(deployment["spec"]["template"]), images_of(template)
    left = {name: image for name, image in before.items() if after.get(name) != image}
    if left and IMAGE_TRIGGERS in annotations:
        annotations[REJECTED_IMAGE] = json.dumps(left)
    back["metadata"]["annotations"] = annotations
    cluster.update(actor, back)


def replicas_set(cluster: Cluster, *, actor: Actor, deployment: ApiObject, replicas: int) -> None:
    """Say how many pods there shall be. Raises InvalidError beyond 0 to 100."""
    if not 0 <= replicas <= REPLICAS_MAX:
        why = f"must be from 0 to {REPLICAS_MAX}"
        raise InvalidError(why, causes=[Cause("FieldValueInvalid", why, "replicas")])
    cluster.patch(
        actor,
        DEPLOYMENTS,
        name_of(deployment),
        namespace_of(deployment),
        patch=Patch("merge", {"spec": {"replicas": replicas}}),
        subresource="scale",
    )


def replica_sets_of(cluster: Cluster, *, actor: Actor, deployment: ApiObject) -> list[ApiObject]:
    """Return the ReplicaSets of a Deployment, in no order."""
    found = cluster.list(actor, REPLICA_SETS, namespace_of(deployment)).items
    return [one for one in found if (controller_of(one) or {}).get("uid") == uid_of(deployment)]


def _chosen(cluster: Cluster, actor: Actor, deployment: ApiObject, revision: int) -> ApiObject:
    for one in replica_sets_of(cluster, actor=actor, deployment=deployment):
        if revision_of(one) == revision:
            return one
    raise NotFoundError(
        f"There is no revision {revision} any more.", hint="Only the last ten are kept."
    )


def _revision(deployment: ApiObject, replica_set: ApiObject) -> Revision:
    template = replica_set["spec"]["template"]
    notes = annotations_of(deployment)
    number = revision_of(replica_set)
    return Revision(
        number=number,
        name=name_of(replica_set),
        created_at=parse_timestamp(meta(replica_set)["creationTimestamp"]),
        images=tuple(images_of(template).values()),
        replicas=int(dig(replica_set, "status", "replicas") or 0),
        ready=int(dig(replica_set, "status", "readyReplicas") or 0),
        is_current=bare_template(template) == bare_template(deployment["spec"]["template"]),
        was_rejected=notes.get(REJECTED_REVISION) == str(number),
        cause=annotations_of(replica_set).get(_CAUSE, ""),
    )


def _number(revision: Revision) -> int:
    return revision.number
