"""Admission: what looks at every write between authorisation and the store.

A plugin's `admit` may change `request.obj` in place; its `validate` runs after defaults and
schema and may only refuse. Both raise ForbiddenError or InvalidError. `commit` runs inside the
store's transaction, with rows it locks: quota is decided there, so that simultaneous writes
cannot exceed it together.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paas.apimachinery.kinds import Kind
from paas.apimachinery.relied import Relied
from paas.core.actors import Actor
from paas.core.objects import ApiObject

if TYPE_CHECKING:
    from psycopg import Connection

    from paas.apimachinery.door import Door


@dataclass(slots=True)
class AdmissionRequest:
    """One write. `operation` is CREATE, UPDATE or DELETE; `obj` is None on DELETE.

    `read` holds what plugins have read for this write, by whatever key, so that none reads twice;
    `relied` says what of it came from memory.
    """

    operation: str
    kind: Kind
    namespace: str
    name: str
    actor: Actor
    door: "Door"
    obj: ApiObject | None
    old: ApiObject | None = None
    subresource: str = ""
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)
    read: dict[tuple[str, ...], Any] = field(default_factory=dict)
    relied: Relied | None = None


class AdmissionPlugin:
    """The base of every plugin: does nothing. `resources` empty means every resource.

    `reads` are resources that it reads for many writes, and that every process keeps in memory.
    """

    name = ""
    resources: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    needs_transaction = False

    def admit(self, request: AdmissionRequest) -> None:
        """Fill in what the object leaves out."""

    def validate(self, request: AdmissionRequest) -> None:
        """Refuse what may not be."""

    def decides(self, request: AdmissionRequest) -> bool:  # noqa: ARG002 -- for those that care
        """Say whether `commit` has anything to decide about this write."""
        return self.needs_transaction

    def commit(self, request: AdmissionRequest, connection: "Connection[Any]") -> None:
        """Decide inside the transaction. Called only where `needs_transaction` is true."""
