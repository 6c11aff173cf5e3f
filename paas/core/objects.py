"""API objects as plain dictionaries, and the few names that address them."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NewType

ApiObject = dict[str, Any]
"""A JSON object with apiVersion, kind and metadata, exactly as it is on the wire."""

NamespaceName = NewType("NamespaceName", str)
Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits; never a tag."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """Addresses one object of one life: a new object of an old name has another uid.

    `resource` is written as upstream's GroupResource: `pods`, `deployments.apps`.
    `uid` is empty where the name alone is meant.
    """

    resource: str
    namespace: str
    name: str
    uid: str = ""

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.resource} {place}"


def meta(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object's metadata (the very dictionary, not a copy)."""
    found: dict[str, Any] = obj["metadata"]
    return found


def name_of(obj: Mapping[str, Any]) -> str:
    """Return metadata.name, or an empty string where only generateName is set."""
    return str(obj.get("metadata", {}).get("name", ""))


def namespace_of(obj: Mapping[str, Any]) -> str:
    """Return metadata.namespace, or an empty string for cluster-scoped objects."""
    return str(obj.get("metadata", {}).get("namespace", ""))


def uid_of(obj: Mapping[str, Any]) -> str:
    """Return metadata.uid, or an empty string before the object is stored."""
    return str(obj.get("metadata", {}).get("uid", ""))


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels; an empty dictionary where there are none."""
    return obj.get("metadata", {}).get("labels") or {}


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations; an empty dictionary where there are none."""
    return obj.get("metadata", {}).get("annotations") or {}


def is_deleting(obj: Mapping[str, Any]) -> bool:
    """Say whether the object waits for its finalizers or its grace period."""
    return bool(obj.get("metadata", {}).get("deletionTimestamp"))


def controller_of(obj: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the owner reference with `controller: true`, if there is one."""
    for reference in obj.get("metadata", {}).get("ownerReferences") or ():
        if reference.get("controller"):
            return dict(reference)
    return None


def owner_reference(owner: Mapping[str, Any], *, block: bool = True) -> dict[str, Any]:
    """Return the reference by which `owner` controls a new object."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": block,
    }


def dig(obj: Mapping[str, Any], *path: str) -> Any:
    """Return the value at `path`, or None where any step is missing."""
    value: Any = obj
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def new_uid() -> str:
    """Return a fresh metadata.uid."""
    return str(uuid.uuid4())


def timestamp(moment: datetime) -> str:
    """Return a metav1.Time: RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp(moment: datetime) -> str:
    """Return a metav1.MicroTime: RFC 3339, UTC, six decimals."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_timestamp(text: str) -> datetime:
    """Return the moment that a Time or MicroTime names. Raises ValueError on anything else."""
    return datetime.fromisoformat(text)


def walk_owner_uids(obj: Mapping[str, Any]) -> Iterator[str]:
    """Yield the uid of each owner."""
    for reference in obj.get("metadata", {}).get("ownerReferences") or ():
        yield reference["uid"]
