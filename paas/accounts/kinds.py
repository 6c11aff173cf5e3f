"""The User kind: people as the API shows them. Rows, not stored objects, are behind it.

Source: user.openshift.io/v1. Our own: the annotation that says whether a person may sign in, and
the subresource by which an administrator sets a password.
"""

from paas.accounts.backends import ACTIVE, UserBackend, password_set
from paas.apimachinery.kinds import Column, Kind, Subresource
from paas.core.names import path_segment_errors
from paas.core.objects import ApiObject, annotations_of, meta

GROUP = "user.openshift.io"

_STRINGS = {"type": "array", "items": {"type": "string"}}
_SCHEMA = {
    "description": "User is a person who can sign in.",
    "properties": {
        "fullName": {"type": "string", "description": "The person's full name."},
        "identities": {**_STRINGS, "description": "The identities that lead to this user."},
        "groups": {**_STRINGS, "description": "The groups that the user belongs to."},
    },
}


def _full_name(user: ApiObject) -> str:
    return str(user.get("fullName") or "")


def _active(user: ApiObject) -> bool:
    return annotations_of(user).get(ACTIVE) != "false"


def _identities(user: ApiObject) -> str:
    return ", ".join(user.get("identities") or ())


def _uid(user: ApiObject) -> str:
    return str(meta(user).get("uid", ""))


KINDS = (
    Kind(
        group=GROUP,
        version="v1",
        kind="User",
        plural="users",
        name_errors=path_segment_errors,
        schema=_SCHEMA,
        namespaced=False,
        verbs=("create", "get", "list", "patch", "update"),
        subresources=(Subresource("password", ("create",), handler=password_set),),
        columns=(
            Column("Name", lambda user: meta(user)["name"], format="name"),
            Column("UID", _uid),
            Column("Full Name", _full_name),
            Column("Identities", _identities),
            Column("Active", _active, kind="boolean", priority=1),
        ),
        backend=UserBackend(),
    ),
)
