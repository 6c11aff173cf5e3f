"""Create, update and patch: the steps between authorisation and the store.

Order, as upstream: decode (prune, unknown fields) → strategy → defaults → mutating admission →
defaults → validation → validating admission → transaction (quota, store, audit).
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.audit import entry_for
from paas.apimachinery.bookkeeping import (
    SERVER_FIELDS,
    carry_metadata,
    check_identity,
    count_generation,
    is_released,
    renaming_causes,
    tidy,
)
from paas.apimachinery.kinds import Kind, WriteContext
from paas.apimachinery.metadata import metadata_errors, metadata_update_errors
from paas.apimachinery.options import Patch, WriteOptions
from paas.apimachinery.ownership import Claim, Ownership, is_unchanged, put_entries
from paas.apimachinery.patch import apply_patch
from paas.apimachinery.relied import Relied, StaleViewError
from paas.apimachinery.scaling import SCALE, scale_of, scaled
from paas.apimachinery.schema import strict_error
from paas.apimachinery.words import already_exists, invalid
from paas.core.actors import Actor
from paas.core.errors import (
    AlreadyExistsError,
    Cause,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from paas.core.names import generated_name
from paas.core.objects import ApiObject, ObjectKey, meta, name_of, new_uid, timestamp

if TYPE_CHECKING:
    from paas.apimachinery.door import Door

GENERATE_TRIES = 8
PATCH_TRIES = 5
STALE_TRIES = 50

Change = tuple[ApiObject, Claim]
"""What an object becomes, and who manages it then."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a write is aimed at, and as whom."""

    kind: Kind
    actor: Actor
    namespace: str
    name: str
    verb: str
    subresource: str = ""


class Writer:
    """Carries out writes that have been authorised."""

    def __init__(
        self, door: "Door", now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._door = door
        self._now = now
        self.ownership = Ownership(door, now)

    def create(
        self,
        target: Target,
        obj: ApiObject,
        options: WriteOptions,
        claim: Claim | None = None,
    ) -> ApiObject:
        """Store a new object; a generated name that is taken is drawn again.

        `claim` says who manages it, where that is not just who creates it.
        """
        tries = GENERATE_TRIES if meta(obj).get("generateName") and not name_of(obj) else 1
        for attempt in range(1, tries + 1):
            try:
                return self._create_settled(target, obj, options, claim)
            except AlreadyExistsError:
                if attempt == tries:
                    raise
        raise already_exists(target.kind, target.name)

    def _create_settled(
        self, target: Target, obj: ApiObject, options: WriteOptions, claim: Claim | None
    ) -> ApiObject:
        """Create with what plugins have in memory; again where that was old, or refused at first.

        So nobody is refused by an old view, and nothing is stored by one.
        """
        mirror, said = self._door.mirror, len(options.warnings)
        for attempt in range(1, STALE_TRIES + 1):
            seen = mirror.version
            try:
                relied = self._declared(target.kind)  # before the kind is looked up
                body = copy.deepcopy(obj)
                return self._create(self._current(target), body, options, claim, relied)
            except StaleViewError:
                if attempt == STALE_TRIES:
                    raise
                mirror.catch_up()
            except (ForbiddenError, InvalidError, NotFoundError):
                if attempt > 1 or not mirror.is_loaded or not mirror.catch_up(seen):
                    raise
            del options.warnings[said:]
        raise AssertionError("the loop returns or raises")

    def _current(self, target: Target) -> Target:
        """Return the target with its kind as it is declared now."""
        if not target.kind.declared_by:
            return target
        return replace(target, kind=self._door.customs.current(target.kind))

    def update(self, target: Target, obj: ApiObject, options: WriteOptions) -> ApiObject:
        """Replace an object by `obj`, or the part of it that the subresource names."""
        kind = target.kind
        old = self._door.store.get(kind, target.namespace, target.name)
        if target.subresource != "scale":
            new = self._decode(kind, obj, options)
            claim = self.ownership.claim(target, options, meta(new).get("managedFields"))
            return self._replace(target, new, old, options, claim)
        new = self._decode(kind, scaled(kind, old, obj), options)
        claim = self.ownership.claim(target, options)
        return scale_of(kind, self._replace(_whole(target), new, old, options, claim))

    def update_virtual(
        self, target: Target, change: Callable[[WriteContext], ApiObject], options: WriteOptions
    ) -> ApiObject:
        """Update an object of a kind that has a backend of its own."""
        backend = target.kind.backend
        if backend is None:
            raise AssertionError(target.kind.resource)
        context = WriteContext(target.actor, self._door, options.dry_run)
        result = backend.update(context, change(context))
        if not options.dry_run:
            self._door.audit.done(target)
        return result

    def patch_virtual(self, target: Target, patch: Patch, options: WriteOptions) -> ApiObject:
        """Patch an object of a kind that has a backend of its own."""
        kind = target.kind
        key = ObjectKey(kind.resource, target.namespace, target.name)

        def change(context: WriteContext) -> ApiObject:
            if kind.backend is None:
                raise AssertionError(kind.resource)
            return self.patched(patch, kind.backend.get(context, key), kind, options)

        return self.update_virtual(target, change, options)

    def _replace(
        self,
        target: Target,
        new: ApiObject,
        old: ApiObject,
        options: WriteOptions,
        claim: Claim,
    ) -> ApiObject:
        kind = target.kind
        check_identity(kind, new, old)
        carry_metadata(kind, new, old, target.subresource)
        if target.subresource == "status":
            new = _with_status(kind, old, new)
            kind.prepare_status(new, old)
        elif kind.status and not target.subresource:
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        context = WriteContext(target.actor, self._door, options.dry_run)
        if not target.subresource:
            kind.prepare_update(new, old, context)
        kind.default(new)
        put_entries(new, claim(new, old))
        request = self._request("UPDATE", target, new, old, options)
        self._admit(request)
        kind.default(new)
        count_generation(kind, new, old)
        self._validate(kind, new, old)
        self._validate_admission(request)
        if is_unchanged(new, old):
            return old
        return self._store_update(target, request, new, options)

    def patch(self, target: Target, patch: Patch, options: WriteOptions) -> ApiObject:
        """Apply a patch to the object or its Scale, again when somebody else was quicker."""
        if target.subresource == "scale":
            return self._patch_scale(target, patch, options)

        def change(old: ApiObject) -> Change:
            new = self.patched(patch, old, target.kind, options)
            return new, self.ownership.claim(target, options, meta(new).get("managedFields"))

        return self.change(target, options, change)

    def _patch_scale(self, target: Target, patch: Patch, options: WriteOptions) -> ApiObject:
        kind = target.kind
        # a Scale has no lists: to merge it strategically is to merge it
        plain = replace(patch, kind="json" if patch.kind == "json" else "merge")

        def change(old: ApiObject) -> Change:
            scale = self.patched(plain, scale_of(kind, old), SCALE, options)
            return scaled(kind, old, scale), self.ownership.claim(target, options)

        return scale_of(kind, self.change(_whole(target), options, change))

    def patched(self, patch: Patch, old: ApiObject, kind: Kind, options: WriteOptions) -> ApiObject:
        """Return what the patch makes of an object, which stays as it is. Raises InvalidError."""
        schema = self._door.schemas.of(kind)
        new = apply_patch(patch, old, kind=kind, schema=schema, options=options)
        if causes := renaming_causes(new, old):
            raise invalid(kind, name_of(old), causes)
        return new

    def change(
        self, target: Target, options: WriteOptions, change: Callable[[ApiObject], Change]
    ) -> ApiObject:
        """Store what `change` makes of the object, again when somebody else was quicker.

        Raises NotFoundError, and ConflictError where the new object names another version.
        """
        for attempt in range(1, PATCH_TRIES + 1):
            old = self._door.store.get(target.kind, target.namespace, target.name)
            new, claim = change(old)
            pinned = meta(new).get("resourceVersion") != meta(old)["resourceVersion"]
            try:
                return self._replace(target, new, old, options, claim)
            except ConflictError:
                if pinned or attempt == PATCH_TRIES:
                    raise
        raise AssertionError("the loop returns or raises")

    def admit_delete(self, target: Target, old: ApiObject, *, dry_run: bool) -> AdmissionRequest:
        """Ask the plugins whether the object may be deleted."""
        options = WriteOptions(dry_run=dry_run)
        request = self._request("DELETE", target, None, old, options)
        self._admit(request)
        self._validate_admission(request)
        return request

    def _create(
        self,
        target: Target,
        obj: ApiObject,
        options: WriteOptions,
        claim: Claim | None,
        relied: Relied | None,
    ) -> ApiObject:
        kind = target.kind
        new = self._decode(kind, obj, options)
        claim = claim or self.ownership.claim(target, options, meta(new).get("managedFields"))
        self._begin(target, new)
        context = WriteContext(target.actor, self._door, options.dry_run)
        kind.prepare_create(new, context)
        kind.default(new)
        if kind.backend is None:
            put_entries(new, claim(new, None))
        request = self._request("CREATE", target, new, None, options)
        request.relied = relied
        self._admit(request)
        kind.default(new)
        self._validate(kind, new, None)
        self._validate_admission(request)
        if kind.backend is not None:
            made = kind.backend.create(context, new)
            if not options.dry_run:
                self._door.audit.done(replace(target, name=request.name))
            return made
        return self._store_create(request, new, options)

    def _declared(self, kind: Kind) -> Relied | None:
        """Return that the create of a custom resource relies on its definition as it is here."""
        if not kind.declared_by:
            return None
        return Relied(self._door.customs.version, {kind.declared_by})

    def _decode(self, kind: Kind, obj: ApiObject, options: WriteOptions) -> ApiObject:
        schema = self._door.schemas.of(kind)
        if options.field_validation in {"Strict", "Warn"}:
            lines = [f'unknown field "{path}"' for path in schema.unknown_fields(obj)]
            if lines and options.field_validation == "Strict":
                raise strict_error(kind, lines)
            options.warnings += lines
        pruned = schema.decode(obj, kind)
        pruned.setdefault("metadata", {})
        pruned["apiVersion"], pruned["kind"] = kind.api_version, kind.kind
        return pruned

    def _begin(self, target: Target, new: ApiObject) -> None:
        data = meta(new)
        if not data.get("name") and data.get("generateName"):
            data["name"] = generated_name(data["generateName"])
        if target.kind.namespaced:
            data["namespace"] = target.namespace
        else:
            data.pop("namespace", None)
        for field in (*SERVER_FIELDS, "resourceVersion", "managedFields"):
            data.pop(field, None)
        tidy(data)
        data["uid"] = new_uid()
        data["creationTimestamp"] = timestamp(self._now())
        if target.kind.generation and "spec" in new:
            data["generation"] = 1
        if target.kind.status:
            new.pop("status", None)

    def _request(
        self,
        operation: str,
        target: Target,
        new: ApiObject | None,
        old: ApiObject | None,
        options: WriteOptions,
    ) -> AdmissionRequest:
        name = name_of(new) if new is not None else target.name
        return AdmissionRequest(
            operation,
            target.kind,
            target.namespace,
            name,
            target.actor,
            self._door,
            new,
            old,
            target.subresource,
            options.dry_run,
            options.warnings,
        )

    def _plugins(self, request: AdmissionRequest) -> Iterable[AdmissionPlugin]:
        for plugin in self._door.scheme.plugins:
            if not plugin.resources or request.kind.resource in plugin.resources:
                yield plugin

    def _admit(self, request: AdmissionRequest) -> None:
        for plugin in self._plugins(request):
            plugin.admit(request)

    def _validate_admission(self, request: AdmissionRequest) -> None:
        for plugin in self._plugins(request):
            plugin.validate(request)

    def _validate(self, kind: Kind, new: ApiObject, old: ApiObject | None) -> None:
        causes: list[Cause] = list(self._door.schemas.of(kind).check(new, old))
        if old is None and (kind.backend is None or name_of(new)):  # questions have no name
            causes += metadata_errors(new, kind)
        if old is not None:
            causes += metadata_update_errors(new, old)
        if not causes:
            causes += kind.validate(new)
            causes += [] if old is None else kind.validate_update(new, old)
        if causes:
            raise invalid(kind, name_of(new), causes)

    def _store_create(
        self, request: AdmissionRequest, new: ApiObject, options: WriteOptions
    ) -> ApiObject:
        kind = request.kind
        entry = entry_for(
            kind, request.actor, "create", namespace=request.namespace, name=request.name
        )
        return self.commit(
            request,
            lambda connection: self._door.store.create(
                kind, new, entry, connection, relied=request.relied
            ),
            dry_run=options.dry_run,
        )

    def _store_update(
        self, target: Target, request: AdmissionRequest, new: ApiObject, options: WriteOptions
    ) -> ApiObject:
        kind = request.kind
        entry = entry_for(
            kind,
            request.actor,
            target.verb,
            namespace=request.namespace,
            name=request.name,
            subresource=request.subresource,
        )
        act = self._door.store.delete if is_released(kind, new) else self._door.store.update
        return self.commit(
            request,
            lambda connection: act(kind, new, entry, connection),
            dry_run=options.dry_run,
        )

    def commit(
        self,
        request: AdmissionRequest,
        act: Callable[[Any], ApiObject],
        *,
        dry_run: bool,
    ) -> ApiObject:
        """Run the plugins that decide inside the transaction, then the write itself.

        What a dry run makes has the resourceVersion of what is there, as upstream: `kubectl diff`
        shows it otherwise.
        """
        inside = [plugin for plugin in self._plugins(request) if plugin.decides(request)]
        if not inside and not dry_run:
            with self._door.store.autocommit() as connection:
                return act(connection)
        with self._door.store.transaction(undo=dry_run) as connection:
            for plugin in inside:
                plugin.commit(request, connection)
            made = act(connection)
        return _as_before(made, request.old) if dry_run else made


def _as_before(made: ApiObject, old: ApiObject | None) -> ApiObject:
    """Return an object with the resourceVersion that it had, if it was there."""
    kept = {key: value for key, value in meta(made).items() if key != "resourceVersion"}
    version = {} if old is None else {"resourceVersion": meta(old)["resourceVersion"]}
    return {**made, "metadata": {**kept, **version}}


def _whole(target: Target) -> Target:
    """Return the object of which the target is a part: a Scale is written as its parent's spec."""
    return replace(target, subresource="")


def _with_status(kind: Kind, old: ApiObject, new: ApiObject) -> ApiObject:
    """Return the old object with the new one's status; a custom resource may have none."""
    whole = {**old, "metadata": meta(new), "status": new.get("status") or {}}
    if kind.declared_by and "status" not in new:
        del whole["status"]
    return whole
