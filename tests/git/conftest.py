"""A git server on loopback before a real door, with builds that the test conducts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paas.accounts.authentication import Authenticator
from paas.apimachinery.door import Door
from paas.apimachinery.rbac import GROUP
from paas.cluster.client import EmbeddedCluster
from paas.core.objects import ApiObject, uid_of
from paas.core.wellknown import GIT_REPOSITORY
from paas.git.asgi import GitApplication, Limits, git_application
from paas.git.locations import RepositoryName
from paas.git.repositories import Repositories
from paas.git.repository import Repository
from paas.git.tokens import RepositoryTokens
from tests.fakes.builds import FakeBuilds
from tests.fixtures.apiserver import listening
from tests.fixtures.tls import Certificate
from tests.git.clients import Client
from tests.images.people import ADMIN, Members

WEB = RepositoryName("shop", "web")
MIB = 1 << 20


@dataclass(slots=True)
class GitServer:
    """The server, what is behind it, and the people who use it."""

    url: str
    door: Door
    cluster: EmbeddedCluster
    members: Members
    builds: FakeBuilds
    repositories: Repositories
    tokens: RepositoryTokens
    config: ApiObject
    new_client: Callable[[str, str], Client]

    @property
    def repository(self) -> Repository:
        return self.repositories.open(WEB, uid_of(self.config))

    def client(self, name: str, token: str) -> Client:
        return self.new_client(name, token)

    def pusher(self, name: str = "pat") -> Client:
        """Return a work tree of somebody with the role `edit`."""
        return self.client(name, self.members.person(name, role="edit")).init()

    def grant(self, name: str, *rules: tuple[str, str, str]) -> str:
        """Make a person who may exactly this: verb, API group, resource. Return their token."""
        role = {
            "apiVersion": f"{GROUP}/v1",
            "kind": "Role",
            "metadata": {"name": name},
            "rules": [
                {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                for verb, group, resource in rules
            ],
        }
        self.door.create(ADMIN, role, "shop")
        subject = {"kind": "User", "apiGroup": GROUP, "name": name}
        self.bind({"kind": "Role", "name": name}, subject)
        return self.members.person(name)

    def bind(self, role: dict[str, str], subject: dict[str, str]) -> None:
        """Give somebody a role in the project."""
        binding = {
            "apiVersion": f"{GROUP}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": subject["name"]},
            "roleRef": {"apiGroup": GROUP, **role},
            "subjects": [subject],
        }
        self.door.create(ADMIN, binding, "shop")

    def configured(self) -> ApiObject:
        """Return the BuildConfig as it is now."""
        return self.door.get(ADMIN, "buildconfigs.build.openshift.io", "web", "shop")


def build_config(name: str = "web", **git: str) -> ApiObject:
    return {
        "apiVersion": "build.openshift.io/v1",
        "kind": "BuildConfig",
        "metadata": {"name": name, "annotations": {GIT_REPOSITORY: "true"}},
        "spec": {
            "source": {
                "type": "Git",
                "git": {"uri": f"https://git.localhost:8443/git/shop/{name}.git", **git},
            },
            "strategy": {
                "type": "Source",
                "sourceStrategy": {
                    "from": {"kind": "DockerImage", "name": "registry.example/python:3"}
                },
            },
            "output": {"to": {"kind": "ImageStreamTag", "name": f"{name}:latest"}},
            "runPolicy": "SerialLatestOnly",
        },
    }


@pytest.fixture
def limits() -> Limits:
    return Limits(push_max_bytes=512 * MIB, repository_max_bytes=1024 * MIB)


@pytest.fixture
def server(
    platform_door: Door, tmp_path: Path, loopback_certificate: Certificate, limits: Limits
) -> Iterator[GitServer]:
    """Yield the server with the BuildConfig `web` in the project `shop`."""
    members = Members(platform_door)
    members.project("shop")
    cluster = EmbeddedCluster(platform_door, lambda _actor, _request: iter(()))
    config = platform_door.create(ADMIN, build_config(), "shop")
    repositories = Repositories(tmp_path / "git")
    repositories.root.mkdir()
    builds, tokens = FakeBuilds(), RepositoryTokens(b"secret")
    application = git_application(
        cluster,
        Authenticator(platform_door),
        repositories=repositories,
        tokens=tokens,
        builds=builds,
        limits=limits,
    )

    def new_client(name: str, token: str) -> Client:
        home = tmp_path / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        return Client(home / "tree", url, loopback_certificate, token)

    with listening(with_lifespan(application), loopback_certificate) as url:
        yield GitServer(
            url,
            platform_door,
            cluster,
            members,
            builds,
            repositories,
            tokens,
            config,
            new_client,
        )


def with_lifespan(application: GitApplication) -> Callable[..., Any]:
    """Return the application as a server's only one."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        application.close()
        await send({"type": "lifespan.shutdown.complete"})

    return served
