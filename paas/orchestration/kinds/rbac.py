"""rbac.authorization.k8s.io/v1. Who may write these is the door's own rule (no escalation)."""

from paas.apimachinery.columns import AGE, NAME, wide
from paas.apimachinery.fielderrors import (
    invalid,
    invalid_all,
    not_supported,
    required,
)
from paas.apimachinery.kinds import Column, Kind
from paas.apimachinery.metadata import label_selector_errors
from paas.core.errors import Cause
from paas.core.names import path_segment_errors, subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import Json, default, maps, submap, text, values

GROUP = "rbac.authorization.k8s.io"
_SUBJECTS = ("ServiceAccount", "User", "Group")


def _rule_errors(rule: Json, path: str, *, namespaced: bool) -> list[Cause]:
    wrong: list[Cause] = []
    if not values(rule, "verbs"):
        wrong.append(required(f"{path}.verbs", "verbs must contain at least one value"))
    if paths := values(rule, "nonResourceURLs"):
        at = f"{path}.nonResourceURLs"
        if namespaced:
            why = "namespaced rules cannot apply to non-resource URLs"
            wrong.append(invalid(at, paths, why))
        if any(values(rule, field) for field in ("apiGroups", "resources", "resourceNames")):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            wrong.append(invalid(at, paths, why))
        return wrong
    if not values(rule, "apiGroups"):
        why = "resource rules must supply at least one api group"
        wrong.append(required(f"{path}.apiGroups", why))
    if not values(rule, "resources"):
        why = "resource rules must supply at least one resource"
        wrong.append(required(f"{path}.resources", why))
    return wrong


def _rules_errors(obj: ApiObject, *, namespaced: bool) -> list[Cause]:
    return [
        cause
        for position, rule in enumerate(maps(obj, "rules"))
        for cause in _rule_errors(rule, f"rules[{position}]", namespaced=namespaced)
    ]


def _role_errors(obj: ApiObject) -> list[Cause]:
    return _rules_errors(obj, namespaced=True)


def _cluster_role_errors(obj: ApiObject) -> list[Cause]:
    wrong = _rules_errors(obj, namespaced=False)
    if obj.get("aggregationRule") is None:
        return wrong
    path = "aggregationRule.clusterRoleSelectors"
    selectors = maps(obj, "aggregationRule", "clusterRoleSelectors")
    if not selectors:
        why = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        wrong.append(required(path, why))
    for position, selector in enumerate(selectors):
        wrong += label_selector_errors(selector, f"{path}[{position}]")
    return wrong


def _default_binding(obj: ApiObject) -> None:
    if obj.get("roleRef") is not None:
        default(submap(obj, "roleRef"), "apiGroup", GROUP)
    for subject in maps(obj, "subjects"):
        if subject.get("kind") in {"User", "Group"}:
            default(subject, "apiGroup", GROUP)


def _binding_errors(obj: ApiObject, kinds: tuple[str, ...], *, namespaced: bool) -> list[Cause]:
    reference = submap(obj, "roleRef")
    group, kind, name = (text(reference, field) for field in ("apiGroup", "kind", "name"))
    wrong: list[Cause] = []
    if group != GROUP:
        wrong.append(not_supported("roleRef.apiGroup", group, (GROUP,)))
    if kind not in kinds:
        wrong.append(not_supported("roleRef.kind", kind, kinds))
    if name:
        wrong += invalid_all("roleRef.name", name, path_segment_errors(name))
    else:
        wrong.append(required("roleRef.name"))
    for position, subject in enumerate(maps(obj, "subjects")):
        wrong += _subject_errors(subject, f"subjects[{position}]", namespaced=namespaced)
    return wrong


def _subject_errors(subject: Json, path: str, *, namespaced: bool) -> list[Cause]:
    kind, name, group = (text(subject, field) for field in ("kind", "name", "apiGroup"))
    wrong = [] if name else [required(f"{path}.name")]
    if kind not in _SUBJECTS:
        return [*wrong, not_supported(f"{path}.kind", kind, _SUBJECTS)]
    if kind == "ServiceAccount":
        if name:
            wrong += invalid_all(f"{path}.name", name, subdomain_errors(name))
        if group:
            wrong.append(not_supported(f"{path}.apiGroup", group, ("",)))
        if not namespaced and not text(subject, "namespace"):
            wrong.append(required(f"{path}.namespace"))
    elif group != GROUP:
        wrong.append(not_supported(f"{path}.apiGroup", group, (GROUP,)))
    return wrong


def _role_binding_errors(obj: ApiObject) -> list[Cause]:
    return _binding_errors(obj, ("Role", "ClusterRole"), namespaced=True)


def _cluster_role_binding_errors(obj: ApiObject) -> list[Cause]:
    return _binding_errors(obj, ("ClusterRole",), namespaced=False)


def _reference_stays(new: ApiObject, old: ApiObject) -> list[Cause]:
    if submap(new, "roleRef") == submap(old, "roleRef"):
        return []
    return [invalid("roleRef", submap(new, "roleRef"), "cannot change roleRef")]


def _role_of(obj: ApiObject) -> str:
    return f"{text(obj, 'roleRef', 'kind')}/{text(obj, 'roleRef', 'name')}"


def _subjects(obj: ApiObject, kind: str) -> str:
    names = [
        f"{text(one, 'namespace')}/{text(one, 'name')}"
        if kind == "ServiceAccount" and text(one, "namespace")
        else text(one, "name")
        for one in maps(obj, "subjects")
        if one.get("kind") == kind
    ]
    return ", ".join(names)


def _created(obj: ApiObject) -> str:
    return text(obj, "metadata", "creationTimestamp")


# as upstream, which has no printer for roles: the timestamp itself, not an age
_ROLE_COLUMNS = (NAME, Column("Created At", _created, description="When it was created."))
_BINDING_COLUMNS = (
    NAME,
    Column("Role", _role_of, description="The role that it gives."),
    AGE,
    wide(Column("Users", lambda obj: _subjects(obj, "User"))),
    wide(Column("Groups", lambda obj: _subjects(obj, "Group"))),
    wide(Column("ServiceAccounts", lambda obj: _subjects(obj, "ServiceAccount"))),
)

ROLE = Kind(
    group=GROUP,
    version="v1",
    kind="Role",
    plural="roles",
    name_errors=path_segment_errors,
    schema="io.k8s.api.rbac.v1.Role",
    generation=False,
    validate=_role_errors,
    columns=_ROLE_COLUMNS,
)
CLUSTER_ROLE = Kind(
    group=GROUP,
    version="v1",
    kind="ClusterRole",
    plural="clusterroles",
    name_errors=path_segment_errors,
    schema="io.k8s.api.rbac.v1.ClusterRole",
    namespaced=False,
    generation=False,
    validate=_cluster_role_errors,
    columns=_ROLE_COLUMNS,
)
ROLE_BINDING = Kind(
    group=GROUP,
    version="v1",
    kind="RoleBinding",
    plural="rolebindings",
    name_errors=path_segment_errors,
    schema="io.k8s.api.rbac.v1.RoleBinding",
    generation=False,
    default=_default_binding,
    validate=_role_binding_errors,
    validate_update=_reference_stays,
    columns=_BINDING_COLUMNS,
)
CLUSTER_ROLE_BINDING = Kind(
    group=GROUP,
    version="v1",
    kind="ClusterRoleBinding",
    plural="clusterrolebindings",
    name_errors=path_segment_errors,
    schema="io.k8s.api.rbac.v1.ClusterRoleBinding",
    namespaced=False,
    generation=False,
    default=_default_binding,
    validate=_cluster_role_binding_errors,
    validate_update=_reference_stays,
    columns=_BINDING_COLUMNS,
)
KINDS = (ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING)
