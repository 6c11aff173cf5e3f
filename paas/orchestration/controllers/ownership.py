"""Adopting children that match a selector and letting go of those that no longer do.

Source: k8s.io/kubernetes/pkg/controller ControllerRefManager.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from paas.apimachinery.engine.client import Client
from paas.core.errors import NotFoundError
from paas.core.objects import (
    ApiObject,
    controller_of,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from paas.core.selectors import LabelSelector


@dataclass(frozen=True, slots=True)
class Claims:
    """What to do with the children in sight."""

    owned: list[ApiObject]
    adopt: list[ApiObject]
    release: list[ApiObject]


def plan_claims(owner: ApiObject, children: Iterable[ApiObject], selector: LabelSelector) -> Claims:
    """Decide which children are the owner's, which become so and which no longer are.

    An owner that is being deleted neither adopts nor releases; a child that is being deleted is
    neither adopted nor released.
    """
    claims = Claims([], [], [])
    for child in children:
        reference = controller_of(child)
        matches = selector.matches(labels_of(child))
        if reference is not None:
            if reference["uid"] != uid_of(owner):
                continue
            if matches or is_deleting(owner) or is_deleting(child):
                claims.owned.append(child)
            else:
                claims.release.append(child)
        elif matches and not is_deleting(owner) and not is_deleting(child):
            claims.adopt.append(child)
    return claims


def claim(
    client: Client,
    *,
    owner: ApiObject,
    owner_resource: str,
    child_resource: str,
    claims: Claims,
    finalizer: str = "",
) -> list[ApiObject]:
    """Carry the claims out; return all children the owner has then. Raises ConflictError.

    What is adopted gets the `finalizer` as well.
    """
    for child in claims.release:
        _release(client, child, child_resource, uid_of(owner))
    if not claims.adopt or not _may_adopt(client, owner, owner_resource):
        return claims.owned
    adopted = [_adopt(client, child, child_resource, owner, finalizer) for child in claims.adopt]
    return [*claims.owned, *(child for child in adopted if child is not None)]


def _may_adopt(client: Client, owner: ApiObject, resource: str) -> bool:
    """Ask the store, not the copy: an owner just deleted must not adopt."""
    fresh = client.find(resource, name_of(owner), namespace_of(owner))
    return fresh is not None and uid_of(fresh) == uid_of(owner) and not is_deleting(fresh)


def _adopt(
    client: Client, child: ApiObject, resource: str, owner: ApiObject, finalizer: str
) -> ApiObject | None:
    references = [*(child["metadata"].get("ownerReferences") or ()), owner_reference(owner)]
    finalizers = list(child["metadata"].get("finalizers") or ())
    if not finalizer or finalizer in finalizers:
        return _refer(client, child, resource, references)
    return _refer(client, child, resource, references, finalizers=[*finalizers, finalizer])


def _release(client: Client, child: ApiObject, resource: str, uid: str) -> None:
    references = [
        reference
        for reference in child["metadata"].get("ownerReferences") or ()
        if reference["uid"] != uid
    ]
    _refer(client, child, resource, references)


def _refer(
    client: Client, child: ApiObject, resource: str, references: list[ApiObject], **more: object
) -> ApiObject | None:
    version = child["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version, "ownerReferences": references or None, **more}}
    try:
        return client.merge(resource, name_of(child), namespace_of(child), body=body)
    except NotFoundError:  # gone meanwhile: nothing to own
        return None
