"""ResourceQuota status: what is used of what is allowed. Admission does not need it, people do.

Source: core/v1 ResourceQuotaStatus.
"""

from collections.abc import Iterable
from decimal import Decimal

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself, key_of
from paas.apimachinery.kinds import Kind
from paas.core.objects import ApiObject, ObjectKey, is_deleting, namespace_of
from paas.core.pods import is_finished
from paas.orchestration.admission.usage import (
    hard_of,
    is_counted,
    is_plain_count,
    matches,
    status_of,
    total,
    usage_of,
)
from paas.orchestration.controllers.every import stored_kinds
from paas.orchestration.podspec.resources import Amounts

NAME = "resourcequota-controller"
RESOURCE = "resourcequotas"


def _changes_use(old: ApiObject, new: ApiObject) -> bool:
    if old.get("spec") != new.get("spec"):
        return True
    return is_finished(old) != is_finished(new) or is_deleting(old) != is_deleting(new)


class ResourceQuotas:
    """Reconciles one ResourceQuota per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._now = context.now
        self._quotas = context.of(RESOURCE)
        self._kinds = [
            kind
            for kind in stored_kinds(context.door.scheme)
            if is_counted(kind) and "watch" in kind.verbs
        ]
        self._informers = {
            kind.resource: context.informers.of(
                kind.resource, metadata_suffices=is_plain_count(kind)
            )
            for kind in self._kinds
        }

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        counted = [
            Source(informer, self._of_content, matters=_changes_use)
            for resource, informer in self._informers.items()
            if resource != RESOURCE
        ]
        own = Source(self._quotas, itself(RESOURCE))
        return Controller(NAME, self.reconcile, [own, *counted])

    def reconcile(self, key: ObjectKey) -> float | None:
        """Write the status if it is not what is there."""
        quota = self._quotas.find(key)
        if quota is None or is_deleting(quota):
            return None
        status = status_of(quota, self._used(quota))
        if status != (quota.get("status") or {}):
            self._client.update_status({**quota, "status": status})
        return None

    def _used(self, quota: ApiObject) -> Amounts:
        wanted = hard_of(quota).keys()
        return total(
            {name: amount for name, amount in self._use_of(kind, quota).items() if name in wanted}
            for kind in self._kinds
        )

    def _use_of(self, kind: Kind, quota: ApiObject) -> Amounts:
        objects = self._informers[kind.resource].list(namespace_of(quota))
        if is_plain_count(kind):
            if not objects or not matches(quota, objects[0], kind):
                return {}
            count = Decimal(len(objects))
            return {name: amount * count for name, amount in usage_of({}, kind).items()}
        now = self._now()
        return total(usage_of(obj, kind, now=now) for obj in objects if matches(quota, obj, kind))

    def _of_content(self, obj: ApiObject) -> Iterable[ObjectKey]:
        return [key_of(quota, RESOURCE) for quota in self._quotas.list(namespace_of(obj))]
