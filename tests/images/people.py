"""People of a project: each with a role and a bearer token."""

from datetime import UTC, datetime, timedelta

from paas.accounts.selectors import user_get
from paas.accounts.services import token_create, user_create
from paas.apimachinery.door import Door
from paas.apimachinery.rbac import GROUP
from paas.core.actors import Actor, platform_actor, user_actor
from paas.core.objects import ApiObject, ObjectKey, uid_of
from paas.projects.services import project_provision, role_binding

ADMIN = platform_actor("test")
PASSWORD = "correct horse battery"


class Members:
    """Makes projects, people and tokens through the real services."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def project(self, name: str, owner: str = "owner") -> ApiObject:
        """Make a project with what every project has."""
        return project_provision(door=self._door, name=name, requester=owner)

    def person(self, name: str, *, role: str = "", project: str = "shop") -> str:
        """Make a person, bind the role in the project, return a token."""
        user_create(username=name, password=PASSWORD, must_change_password=False)
        if role:
            self.bind(name, role, project)
        return self.token(name)

    def bind(self, name: str, role: str, project: str) -> None:
        """Give a person a role in a project."""
        subject = {"kind": "User", "apiGroup": GROUP, "name": name}
        self._door.create(ADMIN, role_binding(f"{role}-{name}", role, [subject]), project)

    def bind_account(self, namespace: str, account: str, role: str, project: str) -> None:
        """Give a service account a role in another project."""
        subject = {"kind": "ServiceAccount", "namespace": namespace, "name": account}
        self._door.create(ADMIN, role_binding(f"{role}-{namespace}", role, [subject]), project)

    def token(self, name: str) -> str:
        """Return a new token of a person."""
        _, text = token_create(user=user_get(name), name="test", ttl=timedelta(hours=1))
        return text

    def actor(self, name: str) -> Actor:
        """Return who the person is."""
        return user_actor(name, uid=str(user_get(name).uid))

    def account_token(self, namespace: str, name: str) -> str:
        """Make a service account and return a token of it."""
        wish = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        account = self._door.create(ADMIN, wish, namespace)
        key = ObjectKey("serviceaccounts", namespace, name, uid_of(account))
        return self._door.account_tokens.issue(key, audiences=(), now=datetime.now(UTC), ttl_s=600)
