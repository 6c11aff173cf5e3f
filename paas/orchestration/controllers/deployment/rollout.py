"""The working state of one reconcile of a Deployment."""

from dataclasses import dataclass, field
from typing import Any

from paas.core.conditions import condition_of
from paas.core.objects import ApiObject, uid_of
from paas.orchestration.controllers.deployment.names import PROGRESSING


@dataclass(slots=True)
class Rollout:
    """What one reconcile works on: objects as last written, the status it will leave."""

    deployment: ApiObject
    current: ApiObject | None
    old: list[ApiObject]
    before: dict[str, Any]
    status: dict[str, Any] = field(default_factory=dict)

    @property
    def every(self) -> list[ApiObject]:
        """Return all ReplicaSets."""
        return [*self.old, *([self.current] if self.current else [])]

    def replace(self, replica_set: ApiObject) -> None:
        """Put a ReplicaSet that was just written in the place of its older version."""
        if self.current is not None and uid_of(self.current) == uid_of(replica_set):
            self.current = replica_set
        else:
            self.old = [
                replica_set if uid_of(one) == uid_of(replica_set) else one for one in self.old
            ]

    @property
    def has_progressing(self) -> bool:
        """Say whether the status has a Progressing condition."""
        return condition_of(self.status, PROGRESSING) is not None
