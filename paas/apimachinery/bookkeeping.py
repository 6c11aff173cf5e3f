"""What only the server writes of an object, and how an update carries it over.

Source: k8s.io/apiserver/pkg/registry/rest (update.go, create.go).
"""

from paas.apimachinery.fielderrors import immutable, required
from paas.apimachinery.kinds import Kind
from paas.apimachinery.words import changed, conflict
from paas.core.errors import Cause
from paas.core.objects import ApiObject, meta, name_of

# Only the server writes these; what a client sends for them is replaced.
SERVER_FIELDS = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "selfLink",
    "uid",
)
STATUS_METADATA = ("annotations", "labels")
OMITTED_WHEN_EMPTY = ("annotations", "finalizers", "labels", "ownerReferences")


def renaming_causes(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Keep a patch to the object that its URL names: only about that one RBAC was asked."""
    if "metadata" not in new:
        return [required("metadata")]
    data, before = meta(new), meta(old)
    wrong: list[Cause] = []
    for field in ("name", "namespace"):
        if field in before:
            data[field] = data.get(field) or before[field]
            wrong += immutable(f"metadata.{field}", data[field], before[field])
    return wrong


def check_identity(kind: Kind, new: ApiObject, old: ApiObject) -> None:
    """Refuse an update of another object or version, and name the one it updates, in place."""
    wanted, have = meta(new), meta(old)
    if wanted.get("uid") and wanted["uid"] != have["uid"]:
        why = f"Precondition failed: UID in precondition: {wanted['uid']}, UID in object meta: "
        raise conflict(kind, name_of(old), why + str(have["uid"]))
    version = wanted.get("resourceVersion")
    if version and version != have["resourceVersion"]:
        raise changed(kind, name_of(old))
    wanted["resourceVersion"] = have["resourceVersion"]


def carry_metadata(kind: Kind, new: ApiObject, old: ApiObject, subresource: str) -> None:
    """Give the new object what only the server writes, and what the subresource may not.

    As upstream, a status may bring labels and annotations, but not that of a custom resource.
    """
    data, before = meta(new), meta(old)
    for field in SERVER_FIELDS:
        data.pop(field, None)
        if field in before:
            data[field] = before[field]
    data["name"] = before["name"]
    if "namespace" in before:
        data["namespace"] = before["namespace"]
    if subresource:
        open_fields = () if kind.declared_by else STATUS_METADATA
        kept = {key: data[key] for key in open_fields if key in data}
        data.clear()
        data.update({key: value for key, value in before.items() if key not in open_fields})
        data.update(kept)
    tidy(data)


def tidy(data: ApiObject) -> None:
    """Leave out what is empty, as upstream does: clients ask whether the field is there."""
    for field in OMITTED_WHEN_EMPTY:
        if not data.get(field, True):
            del data[field]


def count_generation(kind: Kind, new: ApiObject, old: ApiObject) -> None:
    """Give the new object its generation, in place: one more where the wish has changed."""
    data, before = meta(new), meta(old)
    if not kind.generation or "generation" not in before:
        return
    data["generation"] = before["generation"]
    if _wish(kind, new) != _wish(kind, old):
        data["generation"] += 1


def _wish(kind: Kind, obj: ApiObject) -> ApiObject:
    """Return what counts for metadata.generation: all but metadata, and status where it is apart.

    A custom resource without the status subresource has it among its wishes, as upstream.
    """
    apart = {"metadata"} if kind.declared_by and not kind.status else {"metadata", "status"}
    return {key: value for key, value in obj.items() if key not in apart}


def is_released(kind: Kind, obj: ApiObject) -> bool:
    """Say whether an object that is being deleted waits for nothing any more."""
    data = meta(obj)
    if not data.get("deletionTimestamp") or data.get("finalizers"):
        return False
    graceful = kind.grace_period_s is not None and bool(data.get("deletionGracePeriodSeconds"))
    return not graceful and not kind.holds(obj)
