"""ResourceQuota status: what is used of what is allowed. Admission does not need it, people do.

Source: core/v1 ResourceQuotaStatus.
"""

from collections.abc import Iterable
from decimal import Decimal

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import (
    Controller,
    LateSources,
    Source,
    itself,
    key_of,
)
from paas.apimachinery.engine.informer import Informer
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
        self._scheme = context.door.scheme
        self._all = context.informers
        self._late = LateSources()
        # replaced as a whole when kinds come or go: a reconcile sees the one state or the other
        self._counted = {kind.resource: self._taken_up(kind) for kind in self._kinds()}
        self._scheme.on_change(self._follow)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        counted = [
            self._source(informer)
            for resource, (_, informer) in self._counted.items()
            if resource != RESOURCE
        ]
        own = Source(self._quotas, itself(RESOURCE))
        return Controller(NAME, self.reconcile, [own, *counted], late=self._late)

    def _kinds(self) -> list[Kind]:
        kinds = stored_kinds(self._scheme)
        return [one for one in kinds if is_counted(one) and "watch" in one.verbs]

    def _taken_up(self, kind: Kind) -> tuple[Kind, Informer]:
        return kind, self._all.of(kind.resource, metadata_suffices=is_plain_count(kind))

    def _source(self, informer: Informer) -> Source:
        return Source(informer, self._of_content, matters=_changes_use)

    def _follow(self) -> None:
        """Count custom resources that have come, and no more those that are gone."""
        before = self._counted
        self._counted = {
            kind.resource: before.get(kind.resource) or self._taken_up(kind)
            for kind in self._kinds()
        }
        for resource in self._counted.keys() - before.keys():
            self._late.add(self._source(self._counted[resource][1]))
        for resource in before.keys() - self._counted.keys():
            self._all.forget(resource)

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
            {
                name: amount
                for name, amount in self._use_of(kind, informer, quota).items()
                if name in wanted
            }
            for kind, informer in self._counted.values()
        )

    def _use_of(self, kind: Kind, informer: Informer, quota: ApiObject) -> Amounts:
        objects = informer.list(namespace_of(quota))
        if is_plain_count(kind):
            if not objects or not matches(quota, objects[0], kind):
                return {}
            count = Decimal(len(objects))
            return {name: amount * count for name, amount in usage_of({}, kind).items()}
        now = self._now()
        return total(usage_of(obj, kind, now=now) for obj in objects if matches(quota, obj, kind))

    def _of_content(self, obj: ApiObject) -> Iterable[ObjectKey]:
        return [key_of(quota, RESOURCE) for quota in self._quotas.list(namespace_of(obj))]
