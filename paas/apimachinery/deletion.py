"""Delete: preconditions, grace, finalizers, propagation; then the row, or a mark on it.

Source: Kubernetes, "Garbage Collection" and "Finalizers"; k8s.io/apiserver registry/rest/delete.go.
"""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from paas.apimachinery.admission import AdmissionRequest
from paas.apimachinery.audit import entry_for
from paas.apimachinery.bookkeeping import is_released
from paas.apimachinery.kinds import Kind, WriteContext
from paas.apimachinery.options import DeleteOptions
from paas.apimachinery.words import conflict
from paas.apimachinery.writes import Target, Writer
from paas.core.errors import BadRequestError, ConflictError
from paas.core.objects import ApiObject, ObjectKey, is_deleting, meta, timestamp

if TYPE_CHECKING:
    from paas.apimachinery.door import Door

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
FINALIZER_OF = {"Orphan": ORPHAN, "Foreground": FOREGROUND, "Background": "", "": ""}
TRIES = 5
GRACE_MAX_S = 2**31 - 1
"""68 years; a longer one would lead to no date that can be written."""


class Deleter:
    """Carries out deletes that have been authorised."""

    def __init__(
        self,
        door: "Door",
        writer: Writer,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._door = door
        self._writer = writer
        self._now = now

    def delete(self, target: Target, options: DeleteOptions) -> ApiObject:
        """Delete, again when somebody changed the object meanwhile; return it as it then is."""
        if options.propagation not in FINALIZER_OF:
            raise BadRequestError(
                f"invalid propagationPolicy {options.propagation!r}",
                hint="Use Background, Foreground or Orphan.",
            )
        for attempt in range(1, TRIES + 1):
            old = self._door.store.get(target.kind, target.namespace, target.name)
            _check_preconditions(target.kind, old, options)
            try:
                return self._delete(target, old, options)
            except ConflictError:
                if attempt == TRIES:
                    raise
        raise AssertionError("the loop returns or raises")

    def delete_virtual(self, target: Target, *, dry_run: bool) -> ApiObject:
        """Delete an object of a kind that has a backend of its own."""
        if target.kind.backend is None:
            raise AssertionError(target.kind.resource)
        context = WriteContext(target.actor, self._door, dry_run)
        key = ObjectKey(target.kind.resource, target.namespace, target.name)
        gone = target.kind.backend.delete(context, key)
        if not dry_run:
            self._door.audit.done(target)
        return gone

    def _delete(self, target: Target, old: ApiObject, options: DeleteOptions) -> ApiObject:
        kind = target.kind
        request = self._writer.admit_delete(target, old, dry_run=options.dry_run)
        grace_s = kind.grace_period_s(old, options.grace_period_s) if kind.grace_period_s else 0
        new = self._marked(kind, old, min(grace_s, GRACE_MAX_S), options)
        if new is None:
            return old
        # marked only to see what would hold it: what goes at once never shows a mark
        return self._store(request, old if is_released(kind, new) else new, options)

    def _marked(
        self, kind: Kind, old: ApiObject, grace_s: int, options: DeleteOptions
    ) -> ApiObject | None:
        """Return the object with its mark, or None where it carries that mark already."""
        new = copy.deepcopy(old)
        data = meta(new)
        data["finalizers"] = _finalizers(kind, data.get("finalizers") or [], options)
        if not data["finalizers"]:
            del data["finalizers"]
        if is_deleting(old):
            before = meta(old).get("deletionGracePeriodSeconds") or 0
            if grace_s >= before and data.get("finalizers") == meta(old).get("finalizers"):
                return None if not is_released(kind, old) else new
            grace_s = min(grace_s, before)
        elif "generation" in data:
            data["generation"] += 1
        data["deletionTimestamp"] = timestamp(self._now() + timedelta(seconds=grace_s))
        data["deletionGracePeriodSeconds"] = grace_s
        kind.mark_deleting(new)
        return new

    def _store(
        self, request: AdmissionRequest, obj: ApiObject, options: DeleteOptions
    ) -> ApiObject:
        kind = request.kind
        entry = entry_for(
            kind, request.actor, "delete", namespace=request.namespace, name=request.name
        )
        gone = obj is request.old
        act = self._door.store.delete if gone else self._door.store.update
        return self._writer.commit(
            request, lambda connection: act(kind, obj, entry, connection), dry_run=options.dry_run
        )


def _finalizers(kind: Kind, names: list[str], options: DeleteOptions) -> list[str]:
    kept = [name for name in names if name not in {ORPHAN, FOREGROUND}]
    propagation = options.propagation
    if not propagation:
        if not kind.orphans_by_default or kept != names:
            return names
        propagation = "Orphan"
    added = FINALIZER_OF[propagation]
    return [*kept, added] if added else kept


def _check_preconditions(kind: Kind, old: ApiObject, options: DeleteOptions) -> None:
    data = meta(old)
    for name, wanted, have in (
        ("UID", options.uid, data["uid"]),
        ("ResourceVersion", options.resource_version, data["resourceVersion"]),
    ):
        if wanted and wanted != have:
            why = (
                f"the {name} in the precondition ({wanted}) does not match the {name} in record "
                f"({have}). The object might have been deleted and then recreated"
            )
            raise conflict(kind, data["name"], why)
