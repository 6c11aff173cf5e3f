"""The sentences in which upstream answers; clients and people look for them word by word.

Source: k8s.io/apimachinery/pkg/api/errors.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from paas.apimachinery.kinds import Kind
from paas.core.actors import Actor
from paas.core.errors import (
    AlreadyExistsError,
    Cause,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ServiceUnavailableError,
)

if TYPE_CHECKING:
    from paas.apimachinery.rbac import Attributes

MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def details(kind: Kind, name: str, **more: Any) -> dict[str, Any]:
    """Return Status.details: name, group, kind (which upstream fills with the resource)."""
    body = {"name": name, "group": kind.group, "kind": kind.plural, **more}
    return {key: value for key, value in body.items() if value}


def not_found(kind: Kind, name: str) -> NotFoundError:
    """Return the 404 of an object."""
    return NotFoundError(f'{kind.resource} "{name}" not found', details=details(kind, name))


def already_exists(kind: Kind, name: str) -> AlreadyExistsError:
    """Return the 409 of a name that is taken."""
    message = f'{kind.resource} "{name}" already exists'
    return AlreadyExistsError(message, details=details(kind, name))


def conflict(kind: Kind, name: str, why: str) -> ConflictError:
    """Return a 409 of an update."""
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return ConflictError(message, details=details(kind, name))


def changed(kind: Kind, name: str) -> ConflictError:
    """Return the 409 of a write that did not know the newest version."""
    return conflict(kind, name, MODIFIED)


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> InvalidError:
    """Return the 422 that names every rule broken."""
    lines = [
        f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in causes
    ]
    text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    full = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    about = {**details(kind, name), "kind": kind.kind}
    return InvalidError(f'{full} "{name}" is invalid: {text}', causes=causes, details=about)


def forbidden(kind: Kind, name: str, why: str) -> ForbiddenError:
    """Return a 403 of admission or RBAC."""
    subject = f'{kind.resource} "{name}"' if name else kind.resource
    return ForbiddenError(f"{subject} is forbidden: {why}", details=details(kind, name))


def denied(
    kind: Kind, actor: Actor, verb: str, *, namespace: str, name: str, subresource: str
) -> ForbiddenError:
    """Return the 403 of RBAC."""
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    return forbidden(kind, name, _cannot(actor, verb, resource, kind.group, namespace))


def denied_on(actor: Actor, asked: "Attributes") -> ForbiddenError:
    """Return the 403 of RBAC for a named resource that is no kind: whom somebody wants to be."""
    resource = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    about = {"name": asked.name, "group": asked.group, "kind": asked.resource}
    why = _cannot(actor, asked.verb, asked.full_resource, asked.group, asked.namespace)
    return ForbiddenError(
        f'{resource} "{asked.name}" is forbidden: {why}',
        details={key: value for key, value in about.items() if value},
    )


def _cannot(actor: Actor, verb: str, resource: str, group: str, namespace: str) -> str:
    scope = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    return f'User "{actor.name}" cannot {verb} resource "{resource}" in API group "{group}" {scope}'


def expired(version: int, oldest: int) -> ExpiredError:
    """Return the 410 of a watch that asks for what is compacted."""
    return ExpiredError(f"too old resource version: {version} ({oldest})")


def unavailable() -> ServiceUnavailableError:
    """Return the 503 while the database does not answer."""
    return ServiceUnavailableError(
        "The database does not answer.", hint="Nothing was changed; try again in a moment."
    )
