"""The image trigger: a new image of a stream's tag goes into the Deployments that follow it.

Source: OpenShift, "Triggering updates on image stream changes".
"""

from collections.abc import Iterable

import structlog

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself, key_of
from paas.core.actors import Actor, service_account_actor
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    annotations_of,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.shape import text
from paas.images.history import TagEvent, newest_event
from paas.images.rights import STREAMS
from paas.images.triggers import plan, triggers_of, triggers_problem

NAME = "image-trigger-controller"
DEPLOYMENTS = "deployments.apps"
SETS = "replicasets.apps"
BY_STREAM = "image-trigger-streams"
log = structlog.get_logger(__name__)


class ImageTriggers:
    """Reconciles one Deployment per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._deployments = context.of(DEPLOYMENTS)
        self._sets = context.of(SETS)
        self._streams = context.of(STREAMS)
        self._deployments.add_index(BY_STREAM, _followed)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME,
            self.reconcile,
            [
                Source(self._deployments, itself(DEPLOYMENTS), matters=_wish_changed),
                Source(self._streams, self._followers),
            ],
            reads=[self._sets],
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Write the images that the Deployment's triggers bring now; safe to repeat."""
        deployment = self._deployments.find(key)
        if deployment is None or is_deleting(deployment):
            return None
        if problem := triggers_problem(deployment):
            self._events.warning(deployment, "InvalidImageTrigger", problem)
        account = _account(deployment)

        def newest(namespace: str, stream: str, tag: str) -> TagEvent | None:
            return self._newest(account, namespace, stream, tag)

        changed = plan(deployment, self._sets.controlled_by(uid_of(deployment)), newest)
        if changed is not None:
            self._client.update(changed)
            log.info("image_triggered", namespace=key.namespace, deployment=key.name)
        return None

    def _newest(self, account: Actor, namespace: str, stream: str, tag: str) -> TagEvent | None:
        """Return the tag's newest image; of another project only where its pods may pull it."""
        found = self._streams.get(namespace, stream)
        if found is None:
            return None
        own = account.name.startswith(f"system:serviceaccount:{namespace}:")
        if not own and not self._may_pull(account, namespace, stream):
            return None
        return newest_event(found, tag)

    def _may_pull(self, account: Actor, namespace: str, stream: str) -> bool:
        return self._client.door.may(
            account, "get", STREAMS, namespace=namespace, name=stream, subresource="layers"
        )

    def _followers(self, stream: ApiObject) -> Iterable[ObjectKey]:
        place = f"{namespace_of(stream)}/{name_of(stream)}"
        return [key_of(one, DEPLOYMENTS) for one in self._deployments.by_index(BY_STREAM, place)]


def controllers(context: Context) -> list[Controller]:
    """Return the controllers of this domain."""
    return [ImageTriggers(context).controller()]


def _followed(deployment: ApiObject) -> Iterable[str]:
    return {f"{one.namespace}/{one.stream}" for one in triggers_of(deployment)}


def _account(deployment: ApiObject) -> Actor:
    name = text(deployment, "spec", "template", "spec", "serviceAccountName") or "default"
    return service_account_actor(namespace_of(deployment), name)


def _wish_changed(old: ApiObject, new: ApiObject) -> bool:
    """Leave out what only the Deployment controller says in status."""
    return bool(old["spec"] != new["spec"] or annotations_of(old) != annotations_of(new))
