"""Which ReplicaSet is the Deployment's own template, and which revision each one is. Pure."""

import copy
import hashlib
from collections.abc import Iterable, Sequence

import orjson

from paas.core.names import safe_encode
from paas.core.numbers import parse_whole
from paas.core.objects import ApiObject, annotations_of, is_deleting, name_of, owner_reference
from paas.orchestration.controllers.deployment.names import (
    HASH_LABEL,
    NO_LIMIT,
    NOT_COPIED,
    REVISION,
    REVISION_HISTORY,
)
from paas.orchestration.controllers.deployment.scaling import replica_annotations, size_of
from paas.orchestration.controllers.templates import without_empty

HISTORY_MAX = 2000


def bare_template(template: ApiObject) -> ApiObject:
    """Return the template without its hash label, empty and null fields left out."""
    bare = copy.deepcopy(template)
    labels = (bare.get("metadata") or {}).get("labels") or {}
    labels.pop(HASH_LABEL, None)
    return dict(without_empty(bare))


def template_hash(template: ApiObject, collisions: int | None) -> str:
    """Return the value of `pod-template-hash`: short, stable, another for each collision count."""
    text = orjson.dumps(bare_template(template), option=orjson.OPT_SORT_KEYS)
    salt = b"" if collisions is None else str(collisions).encode()
    digest = hashlib.sha256(text + salt).digest()
    return safe_encode(int.from_bytes(digest[:4], "big"))


def newest_first(sets: Iterable[ApiObject]) -> list[ApiObject]:
    """Sort by creation, the newest first."""
    return sorted(sets, key=_age, reverse=True)


def oldest_first(sets: Iterable[ApiObject]) -> list[ApiObject]:
    """Sort by creation, the oldest first."""
    return sorted(sets, key=_age)


def _age(replica_set: ApiObject) -> tuple[str, str]:
    return (replica_set["metadata"].get("creationTimestamp", ""), name_of(replica_set))


def find_current(deployment: ApiObject, sets: Iterable[ApiObject]) -> ApiObject | None:
    """Return the oldest ReplicaSet whose template is the Deployment's, or None."""
    wanted = bare_template(deployment["spec"]["template"])
    for replica_set in oldest_first(sets):
        if bare_template(replica_set["spec"]["template"]) == wanted:
            return replica_set
    return None


def revision_of(obj: ApiObject) -> int:
    """Return the revision of a Deployment or ReplicaSet; 0 where it has none."""
    return parse_whole(annotations_of(obj).get(REVISION, "")) or 0


def next_revision(others: Iterable[ApiObject]) -> int:
    """Return one more than the highest revision of the other ReplicaSets."""
    return max((revision_of(one) for one in others), default=0) + 1


def annotations_for(
    deployment: ApiObject, replica_set: ApiObject, *, revision: int
) -> dict[str, str]:
    """Return all annotations the current ReplicaSet should have.

    Its revision only grows; the one it had goes to the history, so that an undo is seen.
    """
    wanted = dict(annotations_of(replica_set))
    handed_down = annotations_of(deployment).items()
    wanted.update({key: value for key, value in handed_down if key not in NOT_COPIED})
    old = revision_of(replica_set)
    if old < revision:
        wanted[REVISION] = str(revision)
        if old:
            wanted[REVISION_HISTORY] = _history(wanted.get(REVISION_HISTORY, ""), old)
    return wanted


def _history(text: str, old: int) -> str:
    entries = [*(text.split(",") if text else ()), str(old)]
    while len(",".join(entries)) > HISTORY_MAX and len(entries) > 1:
        entries.pop(0)
    return ",".join(entries)


def new_replica_set(deployment: ApiObject, *, revision: int, replicas: int) -> ApiObject:
    """Return the ReplicaSet of the Deployment's template, named by its hash."""
    spec = deployment["spec"]
    collisions = (deployment.get("status") or {}).get("collisionCount")
    value = template_hash(spec["template"], collisions)
    template = copy.deepcopy(spec["template"])
    labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: value}
    template["metadata"] = {**(template.get("metadata") or {}), "labels": labels}
    selector = copy.deepcopy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: value}
    made: ApiObject = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name_of(deployment)}-{value}",
            "namespace": deployment["metadata"]["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "selector": selector,
            "template": template,
            **({"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}),
        },
    }
    annotations = annotations_for(deployment, made, revision=revision)
    made["metadata"]["annotations"] = {**annotations, **replica_annotations(deployment)}
    return made


def expendable(deployment: ApiObject, old: Sequence[ApiObject]) -> list[ApiObject]:
    """Return the old ReplicaSets beyond spec.revisionHistoryLimit that have no pods left."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    if limit is None or limit == NO_LIMIT:
        return []
    left = sorted(
        (one for one in old if not is_deleting(one)), key=lambda o: (revision_of(o), _age(o))
    )
    return [one for one in left[: max(0, len(left) - limit)] if _is_empty(one)]


def _is_empty(replica_set: ApiObject) -> bool:
    status = replica_set.get("status") or {}
    observed = status.get("observedGeneration", 0)
    settled = observed >= replica_set["metadata"].get("generation", 0)
    return settled and not size_of(replica_set) and not status.get("replicas")
