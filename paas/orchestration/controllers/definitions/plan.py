"""What a CustomResourceDefinition's status says: names, conditions. Pure.

Source: k8s.io/apiextensions-apiserver/pkg/controller/{status,establish,finalizer,apiapproval}.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from paas.apimachinery.custom.kinds import ESTABLISHED, TERMINATING
from paas.core.conditions import is_true, set_condition
from paas.core.objects import ApiObject, name_of
from paas.core.shape import submap, text, values
from paas.orchestration.kinds.definition_names import APPROVED, approval_of

NAMES_ACCEPTED = "NamesAccepted"
APPROVAL = "KubernetesAPIApprovalPolicyConformant"
_APPROVALS = {
    "missing": (False, "MissingAnnotation"),
    "invalid": (False, "InvalidAnnotation"),
    "bypassed": (False, "UnapprovedAnnotation"),
    "approved": (True, "ApprovedAnnotation"),
}
Status = dict[str, Any]


@dataclass(slots=True)
class _Taken:
    """The names that others of the group have."""

    resources: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)


def status_of(definition: ApiObject, others: Iterable[ApiObject], *, now: datetime) -> Status:
    """Return the status with the names that the definition gets, given what others have."""
    status = copy.deepcopy(submap(definition, "status"))
    names, (reason, message) = _names_of(definition, _taken(definition, others))
    status["acceptedNames"] = names
    accepted = reason == "NoConflicts"
    set_condition(
        status, kind=NAMES_ACCEPTED, value=accepted, reason=reason, message=message, now=now
    )
    _set_established(status, accepted=accepted, now=now)
    _set_approval(definition, status, now)
    return status


def is_settled(definition: ApiObject) -> bool:
    """Say whether a definition has all the names that it wants, and is served."""
    status = submap(definition, "status")
    return (
        submap(definition, "spec", "names") == submap(status, "acceptedNames")
        and is_true(status, NAMES_ACCEPTED)
        and is_true(status, ESTABLISHED)
        and approval_of(definition) is None
    )


def terminating(status: Status, *, value: bool, reason: str, message: str, now: datetime) -> Status:
    """Return the status with its Terminating condition."""
    new = copy.deepcopy(status)
    set_condition(new, kind=TERMINATING, value=value, reason=reason, message=message, now=now)
    return new


def _set_established(status: Status, *, accepted: bool, now: datetime) -> None:
    """Once established it stays so: its objects must not vanish for a name in conflict."""
    if is_true(status, ESTABLISHED):
        return
    reason, message = "NotAccepted", "not all names are accepted"
    if accepted:
        reason, message = "InitialNamesAccepted", "the initial names have been accepted"
    set_condition(status, kind=ESTABLISHED, value=accepted, reason=reason, message=message, now=now)


def _set_approval(definition: ApiObject, status: Status, now: datetime) -> None:
    state = approval_of(definition)
    if state is None:
        return
    value, reason = _APPROVALS[state[0]]
    said = text(definition, "metadata", "annotations", APPROVED)
    message = state[1] or (f"approved in {said}" if value else f'not approved: "{said}"')
    set_condition(status, kind=APPROVAL, value=value, reason=reason, message=message, now=now)


# -- names -----------------------------------------------------------------------------------------


def _taken(definition: ApiObject, others: Iterable[ApiObject]) -> _Taken:
    found = _Taken()
    group = text(definition, "spec", "group")
    for other in others:
        if text(other, "spec", "group") != group or name_of(other) == name_of(definition):
            continue
        names = submap(other, "status", "acceptedNames")
        found.resources |= {text(names, "plural"), text(names, "singular")}
        found.resources |= set(values(names, "shortNames"))
        found.kinds |= {text(names, "kind"), text(names, "listKind")}
    return found


def _names_of(definition: ApiObject, taken: _Taken) -> tuple[Status, tuple[str, str]]:
    """Return the names accepted, and the reason and message of the condition."""
    wanted = submap(definition, "spec", "names")
    have = submap(definition, "status", "acceptedNames")
    names, trouble = dict(have), ("NoConflicts", "no conflicts found")
    for key, used, reason in (
        ("plural", taken.resources, "PluralConflict"),
        ("singular", taken.resources, "SingularConflict"),
        ("shortNames", taken.resources, "ShortNamesConflict"),
        ("kind", taken.kinds, "KindConflict"),
        ("listKind", taken.kinds, "ListKindConflict"),
    ):
        clashes = _clashes(wanted.get(key), have.get(key), used)
        if clashes:
            trouble = reason, _sentence(clashes)
        else:
            _put(names, key, wanted.get(key))
    _put(names, "categories", wanted.get("categories"))
    return names, trouble


def _clashes(wanted: Any, have: Any, used: set[str]) -> list[str]:
    if isinstance(wanted, list):
        return [one for one in wanted if one not in (have or ()) and one in used]
    return [wanted] if wanted and wanted != have and wanted in used else []


def _put(names: Status, key: str, value: Any) -> None:
    if value:
        names[key] = value
    else:
        names.pop(key, None)


def _sentence(words: Sequence[str]) -> str:
    said = [f'"{word}" is already in use' for word in words]
    return said[0] if len(said) == 1 else f"[{', '.join(said)}]"
