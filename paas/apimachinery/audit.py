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
SUBRESOURCE_MAX, NAME_MAX = 64, 253


def is_platform(actor: Actor) -> bool:
    """Say whether a part of the platform, not a person or a service account, is asking."""
    its_own = actor.name.startswith(PLATFORM_PREFIX) and not actor.impersonator
    return its_own and MASTERS in actor.groups


def entry_of(
    actor: Actor,
    verb: str,
    resource: str,
    *,
    subresource: str = "",
    namespace: str = "",
    name: str = "",
) -> AuditEntry:
    """Return a record of what an actor did or was refused; it names who really asked, and as whom.

    What a client may make up at any length is cut to what a record holds.
    """
    asking, acting_as = actor.name, ""
    if actor.impersonator:
        asking, acting_as = actor.impersonator, actor.name
    part, name = subresource[:SUBRESOURCE_MAX], name[:NAME_MAX]
    return AuditEntry(asking, verb, resource, part, namespace, name, actor.source, acting_as)


def entry_for(
    kind: Kind, actor: Actor, verb: str, *, namespace: str, name: str, subresource: str = ""
) -> AuditEntry | None:
    """Return the record of a write, or None where none is kept."""
    if not kind.audited or verb in READS or is_platform(actor):
        return None
    return entry_of(
        actor, verb, kind.resource, subresource=subresource, namespace=namespace, name=name
    )


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
        signed_in = bool(actor.impersonator) or AUTHENTICATED in actor.groups
        if signed_in and not is_platform(actor):
            self._store.record(entry, refused=why)

    @contextmanager
    def denials(self, target: "Target") -> Iterator[None]:
        """Keep it where admission refuses what RBAC allows: quota, escalation, pod security."""
        try:
            yield
        except ForbiddenError as error:
            entry = entry_of(
                target.actor,
                target.verb,
                target.kind.resource,
                subresource=target.subresource,
                namespace=target.namespace,
                name=target.name,
            )
            self.refused(target.actor, entry, error.message)
            raise
