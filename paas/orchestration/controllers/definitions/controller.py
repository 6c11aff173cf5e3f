"""Accepts the names of CustomResourceDefinitions, and empties those that are being deleted.

The processes that serve them follow the definitions themselves: Established is a wish to them.
"""

from collections.abc import Iterable

import structlog

from paas.apimachinery.custom.kinds import RESOURCE, custom_kinds, is_established
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, key_of
from paas.apimachinery.options import DeleteOptions, ListOptions
from paas.apimachinery.store import INDEX_BATCH
from paas.core.conditions import is_true
from paas.core.errors import ConflictError, NotFoundError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    meta,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.shape import maps, submap, text
from paas.orchestration.controllers.definitions.plan import (
    NAMES_ACCEPTED,
    is_settled,
    status_of,
    terminating,
)
from paas.orchestration.kinds.custom_resource_definition import CLEANUP

log = structlog.get_logger(__name__)

NAME = "customresourcedefinition-controller"
LOOK_AGAIN_S = 1.0
AT_ONCE_S = 0.0
PAGE = 500


class Definitions:
    """Reconciles one CustomResourceDefinition per call. One worker: names go to one at a time."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._now = context.now
        self._definitions = context.of(RESOURCE)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(NAME, self.reconcile, [Source(self._definitions, self._keys)])

    def reconcile(self, key: ObjectKey) -> float | None:
        """Write the status that its names deserve, or take the next step of its deletion.

        Returns seconds until the next look while objects of it remain.
        """
        known = self._definitions.find(key)
        if known is None:
            return None
        if is_settled(known) and not is_deleting(known):
            return AT_ONCE_S if self._index(known) else None
        # fresh, all of them: two that want one name must not both be given it
        everything = self._client.list(RESOURCE).items
        definition = next((one for one in everything if uid_of(one) == key.uid), None)
        if definition is None:
            return None
        if is_deleting(definition):
            return self._clean_up(definition)
        status = status_of(definition, everything, now=self._now())
        definition = self._record(definition, status)
        return AT_ONCE_S if self._index(definition) else None

    def _index(self, definition: ApiObject) -> bool:
        """Let new selectable fields find objects that are there; say whether more remain."""
        versions = maps(definition, "spec", "versions")
        if not any(version.get("selectableFields") for version in versions):
            return False
        store = self._client.door.store
        # its own reading of the definition: the scheme may be a moment behind
        return any(store.index_fields(kind) == INDEX_BATCH for kind in custom_kinds(definition)[:1])

    def _record(self, definition: ApiObject, status: ApiObject) -> ApiObject:
        if status == definition.get("status"):
            return definition
        return self._client.update_status({**definition, "status": status})

    # -- deletion ------------------------------------------------------------------------------

    def _clean_up(self, definition: ApiObject) -> float | None:
        if CLEANUP not in (meta(definition).get("finalizers") or ()):
            return None
        reason, message = "NeverEstablished", "resource was never established"
        if is_established(definition):
            definition = self._tell(
                definition,
                "InstanceDeletionInProgress",
                "CustomResource deletion is in progress",
                value=True,
            )
            if self._delete_instances(name_of(definition)):
                return LOOK_AGAIN_S
            reason, message = "InstanceDeletionCompleted", "removed all instances"
        definition = self._tell(definition, reason, message, value=False)
        self._let_go(definition)
        return None

    def _tell(self, definition: ApiObject, reason: str, message: str, *, value: bool) -> ApiObject:
        status = terminating(
            submap(definition, "status"),
            value=value,
            reason=reason,
            message=message,
            now=self._now(),
        )
        return self._record(definition, status)

    def _delete_instances(self, resource: str) -> bool:
        """Delete what is there, a page at a time; say whether anything remains."""
        page = self._client.list(resource, options=ListOptions(limit=PAGE))
        for obj in page.items:
            if not is_deleting(obj):
                self._delete(resource, obj)
        return bool(page.items and self._client.list(resource, options=ListOptions(limit=1)).items)

    def _delete(self, resource: str, obj: ApiObject) -> None:
        options = DeleteOptions(uid=uid_of(obj), propagation="Background")
        try:
            self._client.delete(resource, name_of(obj), namespace_of(obj), options=options)
        except (ConflictError, NotFoundError):  # gone, or another of its name: seen next time
            return

    def _let_go(self, definition: ApiObject) -> None:
        kept = [name for name in meta(definition)["finalizers"] if name != CLEANUP]
        body = {
            "metadata": {
                "resourceVersion": meta(definition)["resourceVersion"],
                "finalizers": kept or None,
            }
        }
        self._client.merge(RESOURCE, name_of(definition), body=body)
        log.info("definition_emptied", name=name_of(definition))

    def _keys(self, definition: ApiObject) -> Iterable[ObjectKey]:
        """Name the definition, and those of its group that wait for a name it may have freed."""
        yield key_of(definition, RESOURCE)
        group = text(definition, "spec", "group")
        for other in self._definitions.list():
            waits = not is_true(submap(other, "status"), NAMES_ACCEPTED)
            if waits and text(other, "spec", "group") == group:
                yield key_of(other, RESOURCE)
