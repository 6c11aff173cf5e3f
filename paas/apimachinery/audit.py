"""Which writes and denials the audit log keeps, and how they get there.

A write's record is part of the write's own transaction (`Store`); what writes no row (a shell in a
pod, a Project) and what is refused get a record of their own. Reads, Leases, Events and what the
platform itself writes are not kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paas.apimachinery.kinds import Kind
from paas.apimachinery.store import AuditEntry, Store
from paas.core.actors import AUTHENTICATED, MASTERS, Actor
from paas.core.errors import ForbiddenError

if TYPE_CHECKING:
    from paas.apimachinery.writes import Target

READS = frozenset({"get", "list", "watch"})
PLATFORM_PREFIX = "system:minato:"


def is_platform(actor: Actor) -> bool:
    """Say whether a part of the platform, not a person or a service account, is asking."""
    return MASTERS in actor.groups and actor.name.startswith(PLATFORM_PREFIX)


def entry_for(
    kind: Kind, actor: Actor, verb: str, *, namespace: str, name: str, subresource: str = ""
) -> AuditEntry | None:
    """Return the record of a write, or None where none is kept."""
    if not kind.audited or verb in READS or is_platform(actor):
        return None
    return AuditEntry(actor.name, verb, kind.resource, subresource, namespace, name, actor.source)


class Audit:
    """Keeps what has no transaction of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def done(self, target: "Target") -> None:
        """Keep a write that wrote no row of its own."""
        entry = entry_for(
            target.kind,
            target.actor,
            target.verb,
            namespace=target.namespace,
            name=target.name,
            subresource=target.subresource,
        )
        if entry is not None:
            self._store.record(entry)

    def refused(self, actor: Actor, entry: AuditEntry, why: str) -> None:
        """Keep a denial of a person or service account."""
        if AUTHENTICATED in actor.groups and not is_platform(actor):
            self._store.record(entry, refused=why)

    @contextmanager
    def denials(self, target: "Target") -> Iterator[None]:
        """Keep it where admission refuses what RBAC allows: quota, escalation, pod security."""
        try:
            yield
        except ForbiddenError as error:
            entry = AuditEntry(
                target.actor.name,
                target.verb,
                target.kind.resource,
                target.subresource,
                target.namespace,
                target.name,
                target.actor.source,
            )
            self.refused(target.actor, entry, error.message)
            raise
