"""Adopting children that match a selector and letting go of those that no longer do.

Source: k8s.io/kubernetes/pkg/controller ControllerRefManager.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.controller import its_controller, key_of
from paas.apimachinery.engine.informer import Informer
from paas.core.errors import NotFoundError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    controller_of,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from paas.core.pods import ORPHANS, orphans_index
from paas.core.selectors import LabelSelector, selector_from_object


def _selector_of(owner: ApiObject) -> LabelSelector:
    return selector_from_object(owner["spec"].get("selector"))


def _every(_owner: ApiObject, _child: ApiObject) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Rules:
    """How owners of one kind choose their children.

    `selector` reads an owner's spec.selector, `adoptable` says of an owner and an orphan whether it
    may take it; what is adopted gets the `finalizer`, if there is one.
    """

    selector: Callable[[ApiObject], LabelSelector] = _selector_of
    adoptable: Callable[[ApiObject, ApiObject], bool] = _every
    finalizer: str = ""


_RULES = Rules()


class Children:
    """The objects of one resource that owners of one kind (`kind` is its name) adopt."""

    def __init__(
        self,
        client: Client,
        owners: Informer,
        kind: str,
        children: Informer,
        rules: Rules = _RULES,
    ) -> None:
        self._client = client
        self._owners = owners
        self._named = its_controller(owners.resource, kind)
        self._children = children
        self._rules = rules
        children.add_index(ORPHANS, orphans_index)

    def of(self, owner: ApiObject) -> list[ApiObject]:
        """Return all that the owner has after it has adopted and released. Raises ConflictError."""
        orphans = self._children.by_index(ORPHANS, namespace_of(owner))
        children = [
            *self._children.controlled_by(uid_of(owner)),
            *(child for child in orphans if self._rules.adoptable(owner, child)),
        ]
        return claim(
            self._client,
            owner=owner,
            owner_resource=self._owners.resource,
            child_resource=self._children.resource,
            claims=plan_claims(owner, children, self._rules.selector(owner)),
            finalizer=self._rules.finalizer,
        )

    def owners_of(self, child: ApiObject) -> Iterable[ObjectKey]:
        """Name a child's owner, or those that may adopt it."""
        if controller_of(child) is not None:
            return self._named(child)
        labels = labels_of(child)
        return [
            key_of(one, self._owners.resource)
            for one in self._owners.list(namespace_of(child))
            if self._rules.selector(one).matches(labels)
        ]


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
