"""How people are shown."""

from dataclasses import dataclass

from paas.accounts.backends import ACTIVE
from paas.core.objects import ApiObject, annotations_of, meta, name_of


@dataclass(frozen=True, slots=True)
class UserRow:
    """A person in the list."""

    name: str
    full_name: str
    created: str
    is_active: bool


def user_row(user: ApiObject) -> UserRow:
    """Return what is shown of a person."""
    return UserRow(
        name=name_of(user),
        full_name=str(user.get("fullName") or ""),
        created=str(meta(user).get("creationTimestamp", "")),
        is_active=annotations_of(user).get(ACTIVE) != "false",
    )
