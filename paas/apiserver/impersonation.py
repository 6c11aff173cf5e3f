"""Whom a client wants to be taken for (`kubectl --as`): read from the headers, one right for each.

Pure. Every user, group, uid and extra value that is asked for takes the verb `impersonate` on it.
Source: k8s.io/apiserver/pkg/endpoints/filters/impersonation.go.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from paas.apimachinery.rbac import Attributes
from paas.core.actors import (
    ANONYMOUS,
    AUTHENTICATED,
    SERVICE_ACCOUNT_PREFIX,
    UNAUTHENTICATED,
    Actor,
    service_account_groups,
)
from paas.core.errors import BadRequestError
from paas.core.names import label_errors, subdomain_errors

VERB = "impersonate"
_USER, _GROUP, _UID = b"impersonate-user", b"impersonate-group", b"impersonate-uid"
_EXTRA = b"impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"
_KINDS = {"users": "User", "groups": "Group", "uids": "UID", "userextras": "UserExtra"}

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Somebody to act as; `groups` is empty where the client names none."""

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    def rights(self) -> list[Attributes]:
        """Return what the client must be allowed to do, in upstream's order."""
        rights = []
        if account := account_of(self.user):
            rights.append(Attributes(VERB, "", "serviceaccounts", "", *account))
        elif self.user:
            rights.append(Attributes(VERB, "", "users", name=self.user))
        rights += [Attributes(VERB, "", "groups", name=group) for group in self.groups]
        for key, value in self.extra:
            rights.append(Attributes(VERB, _AUTHENTICATION, "userextras", key, name=value))
        if self.uid:
            rights.append(Attributes(VERB, _AUTHENTICATION, "uids", name=self.uid))
        return rights

    def actor(self, asking: Actor) -> Actor:
        """Return who is acting from now on; the audit log goes on to name who is asking."""
        extra: dict[str, tuple[str, ...]] = {}
        for key, value in self.extra:
            extra[key] = (*extra.get(key, ()), value)
        return Actor(self.user, self._groups(), self.uid, extra, asking.source, asking.name)

    def _groups(self) -> tuple[str, ...]:
        """Return the groups that are named, or those of an account, and whether it is signed in."""
        account = account_of(self.user)
        groups = self.groups or (service_account_groups(account[0]) if account else ())
        if self.user == ANONYMOUS.name:
            return groups if UNAUTHENTICATED in groups else (*groups, UNAUTHENTICATED)
        said = AUTHENTICATED in groups or UNAUTHENTICATED in groups
        return groups if said else (*groups, AUTHENTICATED)


def impersonation_of(headers: Headers) -> Impersonation | None:
    """Return whom the client wants to be, or None. `headers` have lower-case names.

    Raises BadRequestError for groups, a uid or extras without a user.
    """
    asked = [(name, value.decode("utf-8", "replace")) for name, value in headers if _ours(name)]
    if not asked:  # nearly always
        return None
    wanted = Impersonation(
        next((value for name, value in asked if name == _USER), ""),
        tuple(value for name, value in asked if name == _GROUP),
        next((value for name, value in asked if name == _UID), ""),
        tuple((_key(name), value) for name, value in asked if name.startswith(_EXTRA)),
    )
    rights = wanted.rights()
    if rights and not wanted.user:
        shown = " ".join(_shown(right) for right in rights)
        raise BadRequestError(f"requested [{shown}] without impersonating a user")
    return wanted if wanted.user else None


def _ours(name: bytes) -> bool:
    return name in {_USER, _GROUP, _UID} or name.startswith(_EXTRA)


def _key(name: bytes) -> str:
    return unquote(name.removeprefix(_EXTRA).decode("latin-1"))


def account_of(user: str) -> tuple[str, str] | None:
    """Return the namespace and the name of a service account's user name, or None for others."""
    if not user.startswith(SERVICE_ACCOUNT_PREFIX):
        return None
    namespace, colon, name = user.removeprefix(SERVICE_ACCOUNT_PREFIX).partition(":")
    if not colon or label_errors(namespace) or subdomain_errors(name):
        return None
    return namespace, name


def _shown(right: Attributes) -> str:
    """Return an ObjectReference as Go prints it: upstream's message has it so."""
    version = f"{right.group}/v1" if right.group else ""
    return f"{{{_KINDS[right.resource]}  {right.name}  {version}  {right.subresource}}}"
