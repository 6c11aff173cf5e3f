"""Who is asking. Made by the authenticators, read by RBAC, admission and audit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"
SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Actor:
    """A user, service account or part of the platform, as upstream's `user.Info`.

    `source` is the address that the request came from, `impersonator` the name of who asks to be
    taken for this one: both for the audit log.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = field(default="", compare=False)
    impersonator: str = field(default="", compare=False)

    @property
    def is_service_account(self) -> bool:
        """Say whether a pod or controller, not a person, is asking."""
        return self.name.startswith(SERVICE_ACCOUNT_PREFIX)

    def at(self, source: str) -> "Actor":
        """Return the same actor, asking from this address."""
        return replace(self, source=source)


ANONYMOUS = Actor("system:anonymous", (UNAUTHENTICATED,))


def user_actor(name: str, *, uid: str = "", groups: tuple[str, ...] = ()) -> Actor:
    """Return a signed-in person. Source: OpenShift adds system:authenticated:oauth."""
    return Actor(name, (*groups, AUTHENTICATED, "system:authenticated:oauth"), uid)


def service_account_actor(namespace: str, name: str, *, uid: str = "") -> Actor:
    """Return a service account with the groups upstream gives it."""
    groups = (*service_account_groups(namespace), AUTHENTICATED)
    return Actor(f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}", groups, uid)


def service_account_groups(namespace: str) -> tuple[str, ...]:
    """Return the groups of a namespace's service accounts, besides that of whoever signed in."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")


def platform_actor(component: str) -> Actor:
    """Return a part of the platform itself, such as `deployment-controller`: may do everything."""
    return Actor(f"system:minato:{component}", (MASTERS, AUTHENTICATED))
