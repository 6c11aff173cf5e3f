"""The client of our own registry: manifests, configurations, tags; over its Unix socket.

Each request carries a token for the one repository that it is about.
Source: Distribution, "HTTP API V2"; OCI image and distribution specifications.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

from paas.core.objects import Digest
from paas.images.errors import ImageUnknownError, RegistryUnavailableError
from paas.images.names import Repository, parse_digest
from paas.images.tokens import DELETE, PULL, Grant, RegistryTokens

TIMEOUT_S = 10.0
TOKEN_S = 60
DOCUMENT_MAX_BYTES = 4 * 1024 * 1024
TAGS_MAX = 1000
SUBJECT = "system:minato:image-registry"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ACCEPTED = ", ".join((OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST))


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as the registry has it; `body` is its JSON."""

    digest: Digest
    media_type: str
    size_bytes: int
    body: dict[str, Any]


def _now() -> datetime:
    return datetime.now(UTC)


class Registry:
    """One per process, safe to use from several threads."""

    def __init__(
        self,
        socket: Path,
        tokens: RegistryTokens,
        *,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._tokens = tokens
        self._now = now
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket)),
            base_url="http://registry",
            timeout=TIMEOUT_S,
        )

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def digest(self, repository: Repository, reference: str) -> Digest:
        """Return the digest of a tag or digest, asked of the registry now.

        Raises ImageUnknownError, RegistryUnavailableError.
        """
        path = f"manifests/{reference}"
        answer = self._send("HEAD", repository, path, headers={"Accept": ACCEPTED})
        return _digest(answer)

    def manifest(self, repository: Repository, reference: str) -> Manifest:
        """Return a manifest or a list of manifests."""
        path = f"manifests/{reference}"
        answer = self._send("GET", repository, path, headers={"Accept": ACCEPTED})
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        return Manifest(_digest(answer), media_type, len(answer.content), _json(answer.content))

    def document(self, repository: Repository, digest: Digest) -> dict[str, Any]:
        """Return a blob that is JSON and at most 4 MiB, such as an image's configuration."""
        request = self._request("GET", repository, f"blobs/{digest}")
        try:
            answer = self._http.send(request, stream=True)
            try:
                _check(answer, repository)
                body = _bounded(answer)
            finally:
                answer.close()
        except httpx.TransportError as error:
            raise _unavailable(error) from error
        if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            raise RegistryUnavailableError(f"The registry's blob {digest} is damaged.")
        return _json(body)

    def tags(self, repository: Repository) -> list[str]:
        """Return the repository's tags, at most 1000; none where there is no repository."""
        try:
            answer = self._send("GET", repository, f"tags/list?n={TAGS_MAX}")
        except ImageUnknownError:
            return []
        return list(_json(answer.content).get("tags") or ())

    def manifest_delete(self, repository: Repository, digest: Digest) -> None:
        """Delete a manifest and every tag of it; nothing happens where it is gone."""
        try:
            self._send("DELETE", repository, f"manifests/{digest}", action=DELETE)
        except ImageUnknownError:
            return

    def _send(
        self,
        method: str,
        repository: Repository,
        path: str,
        *,
        action: str = PULL,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        try:
            answer = self._http.send(
                self._request(method, repository, path, action=action, headers=headers)
            )
        except httpx.TransportError as error:
            raise _unavailable(error) from error
        _check(answer, repository)
        return answer

    def _request(
        self,
        method: str,
        repository: Repository,
        path: str,
        *,
        action: str = PULL,
        headers: dict[str, str] | None = None,
    ) -> httpx.Request:
        grant = Grant(str(repository), frozenset({action}))
        token = self._tokens.issue([grant], subject=SUBJECT, ttl_s=TOKEN_S, now=self._now())
        return self._http.build_request(
            method,
            f"/v2/{repository}/{path}",
            headers={**(headers or {}), "Authorization": f"Bearer {token}"},
        )


def _check(answer: httpx.Response, repository: Repository) -> None:
    if answer.is_success:
        return
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise ImageUnknownError(f"The registry has no such image in {repository}.")
    raise RegistryUnavailableError(
        f"The registry answered {answer.status_code} for {repository}.",
        hint="minato status shows whether it runs.",
    )


def _unavailable(error: httpx.TransportError) -> RegistryUnavailableError:
    return RegistryUnavailableError(
        f"The registry does not answer: {error}.", hint="minato status shows whether it runs."
    )


def _digest(answer: httpx.Response) -> Digest:
    digest = parse_digest(answer.headers.get("Docker-Content-Digest", ""))
    if digest is None:
        raise RegistryUnavailableError("The registry named no digest.")
    return digest


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RegistryUnavailableError("The registry's answer is not JSON.") from error
    return found if isinstance(found, dict) else {}


def _bounded(answer: httpx.Response) -> bytes:
    body = b""
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > DOCUMENT_MAX_BYTES:
            raise ImageUnknownError("The image's configuration is larger than 4 MiB.")
    return body
