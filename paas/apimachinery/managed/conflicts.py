"""The 409 of an apply that would change what others manage, in upstream's words.

Source: k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go.
"""

from paas.apimachinery.managed.elements import path_text
from paas.apimachinery.managed.entries import UPDATE, Identity
from paas.apimachinery.managed.fields import FieldSet, paths
from paas.core.errors import Cause, ConflictError

REASON = "FieldManagerConflict"


def apply_conflict(conflicts: dict[Identity, FieldSet]) -> ConflictError:
    """Return the error that names each field in dispute and who manages it."""
    found = {_name(identity): list(paths(fields)) for identity, fields in sorted(conflicts.items())}
    causes = [
        Cause(REASON, f"conflict with {manager}", path_text(path))
        for manager, disputed in found.items()
        for path in disputed
    ]
    details = {"causes": [cause.as_dict() for cause in causes]}
    return ConflictError(_message(causes, found), details=details)


def _message(causes: list[Cause], found: dict[str, list[tuple[str, ...]]]) -> str:
    if len(causes) == 1:
        return f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}"
    lines = []
    for manager, disputed in found.items():
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {path_text(path)}" for path in disputed]
    return f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)


def _name(identity: Identity) -> str:
    manager, operation, version, subresource = identity
    name = f'"{manager}"'
    if subresource:
        name += f' with subresource "{subresource}"'
    return f"{name} using {version}" if operation == UPDATE else name
