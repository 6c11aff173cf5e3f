"""What a request for a repository asks: a strict reading of its method, path and query.

Only smart HTTP with the two services is offered. Source: git's "HTTP transfer protocols".
"""

import re
from dataclasses import dataclass
from enum import Enum

from paas.core.errors import BadRequestError, MethodNotAllowedError, NotFoundError

_LABEL = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_REPOSITORY = rf"/git/({_LABEL})/({_LABEL}(?:\.{_LABEL})*)\.git"
_PATH = re.compile(rf"{_REPOSITORY}/(info/refs|git-upload-pack|git-receive-pack)", re.ASCII)
_ADVERTISE = "info/refs"
APP_MAX = 200


class Service(Enum):
    """The two services of smart HTTP."""

    UPLOAD = "git-upload-pack"
    RECEIVE = "git-receive-pack"


@dataclass(frozen=True, slots=True, order=True)
class RepositoryName:
    """A repository: the BuildConfig `app` in `project` that it belongs to."""

    project: str
    app: str

    def __str__(self) -> str:
        return f"{self.project}/{self.app}"


@dataclass(frozen=True, slots=True)
class GitRequest:
    """One request: `advertises` says that the refs are asked for, not the service itself."""

    repository: RepositoryName
    service: Service
    advertises: bool

    @property
    def path_info(self) -> str:
        """Return the path as http-backend reads it, made anew from the checked parts."""
        last = _ADVERTISE if self.advertises else self.service.value
        return f"/{self.repository}.git/{last}"

    @property
    def query(self) -> str:
        """Return the query as http-backend reads it."""
        return f"service={self.service.value}" if self.advertises else ""

    @property
    def content_type(self) -> str:
        """Return the one media type of the body; empty where there is none."""
        return "" if self.advertises else f"application/x-{self.service.value}-request"


def read_request(method: str, path: str, query: str, content_type: str) -> GitRequest:
    """Return what is asked. Raises NotFoundError, MethodNotAllowedError, BadRequestError."""
    found = _PATH.fullmatch(path)
    if found is None or len(found[2]) > APP_MAX:
        raise NotFoundError(
            "There is no such repository.", hint="An address is /git/<project>/<app>.git."
        )
    name = RepositoryName(found[1], found[2])
    advertises = found[3] == _ADVERTISE
    if method != ("GET" if advertises else "POST"):
        raise MethodNotAllowedError("This method is not offered here.")
    if advertises:
        return GitRequest(name, _advertised(query), advertises=True)
    request = GitRequest(name, Service(found[3]), advertises=False)
    if query or content_type != request.content_type:
        raise BadRequestError("This is not a request of git's smart HTTP protocol.")
    return request


def repository_at(path: str) -> RepositoryName | None:
    """Return the repository that a path of the git server names, or None."""
    found = re.fullmatch(_REPOSITORY, path, re.ASCII)
    return RepositoryName(found[1], found[2]) if found else None


def _advertised(query: str) -> Service:
    for service in Service:
        if query == f"service={service.value}":
            return service
    raise BadRequestError(
        "Only git's smart HTTP protocol is offered.", hint="Use git 1.6.6 or newer."
    )
