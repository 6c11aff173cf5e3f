"""Who may fetch and push: by RBAC on the BuildConfig that a repository belongs to.

Fetching is `get buildconfigs`, pushing `create buildconfigs/instantiate`, rewriting or deleting
what others may have `update buildconfigs`. Who may not even see the project learns nothing.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Protocol

from paas.cluster.client import Cluster
from paas.core.actors import Actor, platform_actor
from paas.core.errors import ForbiddenError, NotFoundError, UnauthorizedError
from paas.core.objects import ApiObject, annotations_of, is_deleting
from paas.core.wellknown import GIT_REPOSITORY
from paas.git.locations import GitRequest, RepositoryName, Service
from paas.git.tokens import PREFIX, RepositoryTokens

BUILD_CONFIGS = "buildconfigs.build.openshift.io"
PROJECTS = "projects.project.openshift.io"
ACTOR = platform_actor("git")


class Authenticator(Protocol):
    """Turns a bearer token into an Actor."""

    def authenticate(self, token: str) -> Actor:
        """Return whose token it is. Raises UnauthorizedError."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may do what they ask, with the BuildConfig as it is now."""

    actor: Actor
    repository: RepositoryName
    config: ApiObject
    may_rewrite: bool = False


class Gate:
    """Lets visitors in. Blocking: for a thread."""

    def __init__(
        self, cluster: Cluster, authenticator: Authenticator, tokens: RepositoryTokens
    ) -> None:
        self._cluster = cluster
        self._authenticator = authenticator
        self._tokens = tokens

    def admit(self, request: GitRequest, credentials: str, source: str = "") -> Visitor:
        """Return the visitor, who comes from the address `source`.

        Raises UnauthorizedError, NotFoundError, ForbiddenError.
        """
        password = password_of(credentials)
        if password.startswith(PREFIX):
            return self._build(request, password)
        actor = self._authenticator.authenticate(password).at(source)
        config = self._config_for(actor, request.repository)
        may_rewrite = False
        if request.service is Service.RECEIVE:
            self._check_push(actor, request.repository)
            may_rewrite = self._may(actor, "update", BUILD_CONFIGS, request.repository)
        return Visitor(actor, request.repository, config, may_rewrite)

    def _build(self, request: GitRequest, password: str) -> Visitor:
        token = self._tokens.read(password)
        if token.repository != request.repository:
            raise _missing(request.repository)
        if request.service is Service.RECEIVE:
            raise ForbiddenError("A build may not push.")
        config = _with_repository(self._config(ACTOR, request.repository), request.repository)
        return Visitor(Actor(token.subject), request.repository, config)

    def _config_for(self, actor: Actor, name: RepositoryName) -> ApiObject:
        try:
            return _with_repository(self._config(actor, name), name)
        except ForbiddenError as error:
            if self._cluster.may(actor, "get", PROJECTS, name.project, name.project):
                raise ForbiddenError(
                    f"{actor.name} may not fetch from {name}.",
                    hint="Ask an administrator of the project for the role 'view' or 'edit'.",
                ) from error
            raise _missing(name) from error

    def _config(self, actor: Actor, name: RepositoryName) -> ApiObject:
        try:
            return self._cluster.get(actor, BUILD_CONFIGS, name.app, name.project)
        except NotFoundError as error:
            raise _missing(name) from error

    def _check_push(self, actor: Actor, name: RepositoryName) -> None:
        if not self._may(actor, "create", f"{BUILD_CONFIGS}/instantiate", name):
            raise ForbiddenError(
                f"{actor.name} may fetch from {name}, but not push to it.",
                hint="Ask an administrator of the project for the role 'edit'.",
            )

    def _may(self, actor: Actor, verb: str, resource: str, name: RepositoryName) -> bool:
        return self._cluster.may(actor, verb, resource, name.project, name.app)


def password_of(credentials: str) -> str:
    """Return the token of an Authorization header. Raises UnauthorizedError."""
    scheme, _, encoded = credentials.partition(" ")
    if scheme.lower() == "bearer" and encoded:
        return encoded.strip()
    if scheme.lower() != "basic":
        raise UnauthorizedError(
            "Sign in first.", hint="The user name may be anything, the password is a token."
        )
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise UnauthorizedError("The credentials cannot be read.") from error
    return text.partition(":")[2]


def _with_repository(config: ApiObject, name: RepositoryName) -> ApiObject:
    if annotations_of(config).get(GIT_REPOSITORY) != "true" or is_deleting(config):
        raise _missing(name)
    return config


def _missing(name: RepositoryName) -> NotFoundError:
    return NotFoundError(
        f"There is no repository {name}.",
        hint="Check the address, and whose token it is that you use.",
    )
