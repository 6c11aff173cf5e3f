"""Who is a member of a project: the subjects of RoleBindings to `admin`, `edit` and `view`.

RBAC decides who may write the bindings; nobody can grant what they do not have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from paas.apimachinery.options import DeleteOptions
from paas.apimachinery.rbac import GROUP
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.errors import BadRequestError, Cause, ConflictError, InvalidError, NotFoundError
from paas.core.objects import ApiObject, meta, name_of, uid_of
from paas.projects.services import role_binding

BINDINGS = "rolebindings.rbac.authorization.k8s.io"
ROLES = ("admin", "edit", "view")


@dataclass(frozen=True, slots=True)
class Member:
    """One person, group or service account in one role."""

    name: str
    kind: str
    role: str
    namespace: str = ""


def member_list(cluster: Cluster, *, actor: Actor, project: str) -> list[Member]:
    """Return the members: by role, the most powerful first, then by name."""
    found = {
        Member(one["name"], one["kind"], role, one.get("namespace", ""))
        for binding in cluster.list(actor, BINDINGS, project).items
        if (role := _role_of(binding))
        for one in binding.get("subjects") or ()
    }
    return sorted(found, key=lambda one: (ROLES.index(one.role), one.kind, one.name))


def member_add(cluster: Cluster, *, actor: Actor, project: str, name: str, role: str) -> None:
    """Give a person a role; nothing happens if they have it. Raises InvalidError."""
    if role not in ROLES:
        raise _invalid("role", f"must be one of {', '.join(ROLES)}")
    if not name:
        raise _invalid("name", "must not be empty")
    subject = {"kind": "User", "apiGroup": GROUP, "name": name}
    for binding in _bindings(cluster, actor, project, role):
        subjects = binding.get("subjects") or []
        if any(_is(one, Member(name, "User", role)) for one in subjects):
            return
        if name_of(binding) == role:
            _write(cluster, actor, binding, [*subjects, subject])
            return
    wish = role_binding(role, role, [subject])
    cluster.create(actor, wish, project)


def member_remove(cluster: Cluster, *, actor: Actor, project: str, member: Member) -> None:
    """Take a role away. Raises NotFoundError; BadRequestError for the last administrator."""
    if member.role == "admin" and len(_administrators(cluster, actor, project)) <= 1:
        raise BadRequestError(
            "A project needs an administrator.", hint="Make somebody else administrator first."
        )
    found = False
    for binding in _bindings(cluster, actor, project, member.role):
        subjects = binding.get("subjects") or []
        left = [one for one in subjects if not _is(one, member)]
        if len(left) != len(subjects):
            found = True
            _write(cluster, actor, binding, left)
    if not found:
        raise NotFoundError(f'"{member.name}" is not {member.role} in the project "{project}".')


def _administrators(cluster: Cluster, actor: Actor, project: str) -> Sequence[Member]:
    return [
        one for one in member_list(cluster, actor=actor, project=project) if one.role == "admin"
    ]


def _bindings(cluster: Cluster, actor: Actor, project: str, role: str) -> list[ApiObject]:
    found = cluster.list(actor, BINDINGS, project).items
    return [binding for binding in found if _role_of(binding) == role]


def _write(
    cluster: Cluster, actor: Actor, binding: ApiObject, subjects: list[dict[str, str]]
) -> None:
    """Write the subjects, or delete a binding that has none left. Raises ConflictError."""
    namespace = str(meta(binding)["namespace"])
    if not subjects:
        options = DeleteOptions(uid=uid_of(binding))
        cluster.delete(actor, BINDINGS, name_of(binding), namespace, options=options)
        return
    try:
        cluster.update(actor, {**binding, "subjects": subjects})
    except ConflictError as error:
        raise ConflictError(
            "The members were changed by somebody else meanwhile.", hint="Look, and try again."
        ) from error


def _role_of(binding: ApiObject) -> str:
    reference = binding["roleRef"]
    name = str(reference["name"])
    return name if reference["kind"] == "ClusterRole" and name in ROLES else ""


def _is(subject: dict[str, str], member: Member) -> bool:
    place = subject.get("namespace", "")
    return (subject["kind"], subject["name"], place) == (member.kind, member.name, member.namespace)


def _invalid(field: str, why: str) -> InvalidError:
    return InvalidError(f"{field}: {why}", causes=[Cause("FieldValueInvalid", why, field)])
