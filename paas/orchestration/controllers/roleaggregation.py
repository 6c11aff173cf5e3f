"""Writes into each aggregated ClusterRole the rules that it holds, for all who read it.

RBAC does not wait for that: it puts the same rules together by itself (`held_rules`).
Source: k8s.io/kubernetes/pkg/controller/clusterroleaggregation.
"""

from collections.abc import Iterable

from paas.apimachinery.aggregation import Policies, aggregates, held_rules
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, key_of
from paas.core.objects import ApiObject, ObjectKey, is_deleting, labels_of

NAME = "clusterrole-aggregation-controller"
RESOURCE = "clusterroles.rbac.authorization.k8s.io"


def plan(role: ApiObject, roles: Iterable[ApiObject]) -> Policies | None:
    """Return the rules to write into a role, or None where nothing is to be written."""
    if not aggregates(role) or is_deleting(role):
        return None
    held = held_rules(role, roles)
    return None if held == (role.get("rules") or []) else held


class RoleAggregation:
    """Reconciles one aggregated ClusterRole per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._roles = context.of(RESOURCE)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(NAME, self.reconcile, [Source(self._roles, self._all, _matters)])

    def reconcile(self, key: ObjectKey) -> float | None:
        """Write the rules if they are others; safe to repeat."""
        role = self._roles.find(key)
        if role is None:
            return None
        rules = plan(role, self._roles.list())
        if rules is not None:
            self._client.update({**role, "rules": rules})
        return None

    def _all(self, _: ApiObject) -> Iterable[ObjectKey]:
        """Return every aggregated role: which of them a change concerns, its parts' parts say."""
        return [key_of(one, RESOURCE) for one in self._roles.list() if aggregates(one)]


def _matters(old: ApiObject, new: ApiObject) -> bool:
    return labels_of(old) != labels_of(new) or any(
        old.get(field) != new.get(field) for field in ("rules", "aggregationRule")
    )
