"""What a pod of a StatefulSet is: its name, its place in the DNS, its claims. Pure.

Source: k8s.io/kubernetes/pkg/controller/statefulset/stateful_set_utils.go.
"""

import copy
import re

from paas.core.objects import (
    ApiObject,
    labels_of,
    meta,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from paas.core.shape import Json, ensure, maps, number, submap
from paas.orchestration.controllers.podcontrol import pod_from
from paas.orchestration.controllers.revisions.plan import HASH_LABEL, template_of

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
_NAME = re.compile(r"(.*)-([0-9]+)")


def parent_and_ordinal(name: str) -> tuple[str, int]:
    """Return the StatefulSet that a pod's name tells of, and its number; -1 if it tells of none."""
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2])) if found else ("", -1)


def ordinal_of(pod: ApiObject) -> int:
    """Return a pod's number."""
    return parent_and_ordinal(name_of(pod))[1]


def is_member(owner: ApiObject, pod: ApiObject) -> bool:
    """Say whether the pod has a name of this StatefulSet."""
    return parent_and_ordinal(name_of(pod))[0] == name_of(owner)


def ordinals(owner: ApiObject) -> range:
    """Return the numbers that are to have a pod."""
    start = number(owner, "spec", "ordinals", "start") or 0
    return range(start, start + (number(owner, "spec", "replicas") or 0))


def labels_for(name: str, ordinal: int) -> dict[str, str]:
    """Return the labels by which a pod is found by name and by number."""
    return {POD_NAME: name, POD_INDEX: str(ordinal)}


def is_labelled(pod: ApiObject) -> bool:
    """Say whether a pod carries these labels."""
    return labels_for(name_of(pod), ordinal_of(pod)).items() <= labels_of(pod).items()


def pod_of(owner: ApiObject, ordinal: int, revision: ApiObject) -> ApiObject:
    """Return the new pod of a number, of a revision's template."""
    pod = pod_from(owner, template_of(revision))
    name = f"{name_of(owner)}-{ordinal}"
    data = meta(pod)
    del data["generateName"]
    data["name"] = name
    ensure(pod, "metadata", "labels").update(
        {**labels_for(name, ordinal), HASH_LABEL: name_of(revision)}
    )
    spec = ensure(pod, "spec")
    spec["hostname"] = name
    if service := submap(owner, "spec").get("serviceName"):
        spec["subdomain"] = service
    if volumes := _volumes(owner, ordinal, spec):
        spec["volumes"] = volumes
    return pod


def _volumes(owner: ApiObject, ordinal: int, spec: Json) -> list[Json]:
    """Return the template's volumes, where those of the claims take the place of their like."""
    claims = {
        name_of(template): {"claimName": claim_name(owner, template, ordinal)}
        for template in maps(owner, "spec", "volumeClaimTemplates")
    }
    mine = [{"name": name, "persistentVolumeClaim": source} for name, source in claims.items()]
    return [*mine, *(one for one in maps(spec, "volumes") if one["name"] not in claims)]


def claim_name(owner: ApiObject, template: ApiObject, ordinal: int) -> str:
    """Return the name of one claim of the pod with this number."""
    return f"{name_of(template)}-{name_of(owner)}-{ordinal}"


def claims_of(owner: ApiObject, ordinal: int) -> list[ApiObject]:
    """Return the claims that the pod with this number is to have."""
    return [
        _claim(owner, template, ordinal) for template in maps(owner, "spec", "volumeClaimTemplates")
    ]


def _claim(owner: ApiObject, template: ApiObject, ordinal: int) -> ApiObject:
    claim = copy.deepcopy(template)
    claim.pop("status", None)
    labels = submap(owner, "spec", "selector", "matchLabels")
    data = ensure(claim, "metadata")
    data["name"] = claim_name(owner, template, ordinal)
    data["namespace"] = namespace_of(owner)
    data["labels"] = {**labels_of(template), **labels}
    return {**claim, "apiVersion": "v1", "kind": "PersistentVolumeClaim"}


def owners_for(owner: ApiObject, pod: ApiObject, claim: ApiObject) -> list[Json] | None:
    """Return the claim's owner references by the retention policy; None if they are right.

    A claim goes with the pod that is scaled away, or with the StatefulSet. One that somebody else
    controls is left alone. Source: updateClaimOwnerRefForSetAndPod.
    """
    policy = submap(owner, "spec", "persistentVolumeClaimRetentionPolicy")
    wanted: list[Json] = []
    if policy.get("whenScaled") == "Delete" and ordinal_of(pod) not in ordinals(owner):
        wanted = [owner_reference(pod)]
    elif policy.get("whenDeleted") == "Delete":
        wanted = [owner_reference(owner)]
    before: list[Json] = list(meta(claim).get("ownerReferences") or ())
    ours = {uid_of(owner), uid_of(pod)}
    others = [one for one in before if one["uid"] not in ours]
    if any(one.get("controller") for one in others):
        return None
    if [one["uid"] for one in before if one["uid"] in ours] == [one["uid"] for one in wanted]:
        return None
    return [*others, *wanted]


def is_stale(claim: ApiObject, name: str) -> bool:
    """Say whether a claim goes with an earlier pod of this name: it must be gone first."""
    owners = meta(claim).get("ownerReferences") or ()
    return any(one["kind"] == "Pod" and one["name"] == name for one in owners)
