"""Server-side apply at the door: what may be applied, to what, and what it makes of it.

Where there is no such object the apply creates it. Source: k8s.io/apiserver/pkg/endpoints/handlers
(patch.go, applyPatcher). Where upstream lets a configuration that does not fit its type end in a
500, it is a 400 here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from paas.apimachinery.kinds import Kind, WriteContext
from paas.apimachinery.managed.reading import read_config
from paas.apimachinery.managed.shapes import whole_shape
from paas.apimachinery.options import Patch, WriteOptions
from paas.apimachinery.ownership import Claim
from paas.apimachinery.scaling import SCALE, scale_of, scaled, with_replicas
from paas.apimachinery.words import changed, conflict
from paas.apimachinery.writes import Change, Target, Writer
from paas.core.errors import AlreadyExistsError, BadRequestError, NotFoundError
from paas.core.objects import ApiObject, ObjectKey, dig

if TYPE_CHECKING:
    from paas.apimachinery.door import Door

TRIES = 5


class Applier:
    """Carries out applies that have been authorised as patches."""

    def __init__(self, door: "Door", writer: Writer) -> None:
        self._door = door
        self._writer = writer

    def apply(self, target: Target, patch: Patch, options: WriteOptions) -> ApiObject:
        """Apply a configuration; `options.created` says afterwards whether it made the object.

        Raises BadRequestError, ConflictError, ForbiddenError, InvalidError.
        """
        if target.subresource == "scale":
            return self._apply_scale(target, patch, options)
        config = self._config(target, target.kind, patch, options)
        for attempt in range(1, TRIES + 1):
            try:
                return self._update(target, config, options)
            except NotFoundError:
                if target.subresource:
                    raise
                if self._exists(target):  # somebody has just made it, or something else is missing
                    if attempt == TRIES:
                        raise
                    continue
            try:
                return self._create(target, config, options)
            except AlreadyExistsError:  # somebody was quicker: then it is an update
                if attempt == TRIES:
                    raise
        raise AssertionError("the loop returns or raises")

    def apply_virtual(self, target: Target, patch: Patch, options: WriteOptions) -> ApiObject:
        """Merge a configuration into an object of a kind with a backend.

        Such an object has no place for managers: nothing is in dispute, and nothing goes again.
        """
        kind = target.kind
        config = self._config(target, kind, patch, options)

        def change(context: WriteContext) -> ApiObject:
            if kind.backend is None:
                raise AssertionError(kind.resource)
            live = kind.backend.get(
                context, ObjectKey(kind.resource, target.namespace, target.name)
            )
            return self._merged(target, live, config, replace(options, force=True))[0]

        try:
            return self._writer.update_virtual(target, change, options)
        except NotFoundError:
            if "create" not in kind.verbs:
                raise
        return self._create(target, config, options)

    def _apply_scale(self, target: Target, patch: Patch, options: WriteOptions) -> ApiObject:
        """Apply a Scale: what it says of replicas is applied to the object itself."""
        kind = target.kind
        scale = self._config(target, SCALE, patch, options)
        config = _of_scale(kind, scale)

        def change(old: ApiObject) -> Change:
            new, claim = self._merged(target, old, config, options)
            return scaled(kind, new, scale_of(kind, new)), claim

        whole = replace(target, subresource="")
        return scale_of(kind, self._writer.change(whole, options, change))

    def _update(self, target: Target, config: ApiObject, options: WriteOptions) -> ApiObject:
        return self._writer.change(
            target, options, lambda old: self._merged(target, old, config, options)
        )

    def _create(self, target: Target, config: ApiObject, options: WriteOptions) -> ApiObject:
        kind, metadata = target.kind, config.get("metadata") or {}
        self._door.authorize(
            target.actor, kind, "create", namespace=target.namespace, name=target.name
        )
        if uid := metadata.get("uid"):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object "
            raise conflict(kind, target.name, f"{why}was found")
        if metadata.get("resourceVersion"):
            raise changed(kind, target.name)
        if not metadata.get("name"):
            raise BadRequestError(
                f"the name of the object ({target.name} based on URL) was undeterminable: "
                "name must be provided"
            )
        new, claim = self._merged(target, None, config, options)
        made = self._writer.create(replace(target, verb="create"), new, options, claim)
        options.created = True
        return made

    def _exists(self, target: Target) -> bool:
        """Say whether the object is there now."""
        try:
            self._door.store.get(target.kind, target.namespace, target.name)
        except NotFoundError:
            return False
        return True

    def _merged(
        self, target: Target, live: ApiObject | None, config: ApiObject, options: WriteOptions
    ) -> tuple[ApiObject, Claim]:
        found = self._writer.ownership.apply(target, live, config, options)
        schema = self._door.schemas.of(target.kind)
        return schema.decode(found.obj, target.kind), lambda _new, _old: found.entries

    def _config(self, target: Target, kind: Kind, patch: Patch, options: WriteOptions) -> ApiObject:
        """Return the configuration with canonical values. Raises BadRequestError."""
        body = patch.body
        if not isinstance(body, dict):
            raise BadRequestError("error decoding patch: the body of the request is no object")
        version, name = str(body.get("apiVersion") or "/"), str(body.get("kind") or "")
        if (version, name) != (kind.api_version, kind.kind):
            raise BadRequestError(f"invalid object type: {version}, Kind={name}")
        _check_metadata(target, body.get("metadata"))
        _check_repeated(patch, options)
        if body.get("metadata") is None:
            body = {**body, "metadata": {}}
        config, faults = read_config(whole_shape(self._door.schemas.of(kind)), body)
        if faults:
            place = f"{target.namespace}/{target.name}; {kind.api_version}, Kind={kind.kind}"
            why = faults[0] if len(faults) == 1 else "errors:\n  " + "\n  ".join(faults)
            raise BadRequestError(f"failed to create typed patch object ({place}): {why}")
        return config


def _check_metadata(target: Target, metadata: Any) -> None:
    """Refuse what names another object, or says who manages it: that follows from the apply."""
    given = metadata if isinstance(metadata, Mapping) else {}
    if given.get("managedFields") is not None:
        raise BadRequestError("metadata.managedFields must be nil")
    name, namespace = given.get("name"), given.get("namespace")
    if name and name != target.name:
        raise BadRequestError(
            f"the name of the object ({name}) does not match the name on the URL ({target.name})"
        )
    if namespace and namespace != target.namespace:
        raise BadRequestError(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _check_repeated(patch: Patch, options: WriteOptions) -> None:
    lines = [f'duplicate field "{path}"' for path in patch.duplicates]
    if lines and options.field_validation == "Strict":
        raise BadRequestError(f"error strict decoding patch: {', '.join(lines)}")
    if options.field_validation == "Warn":
        options.warnings += lines


def _of_scale(kind: Kind, scale: ApiObject) -> ApiObject:
    """Return the configuration of the object that a Scale's configuration amounts to."""
    config: ApiObject = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": scale.get("metadata") or {},
    }
    if kind.scale is None:
        raise NotFoundError("the server could not find the requested resource")
    replicas = dig(scale, "spec", "replicas")
    return config if replicas is None else with_replicas(kind.scale, config, replicas)
