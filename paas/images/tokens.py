"""Registry tokens: signed by us, read by CNCF Distribution and, as a password, by our own service.

As a bearer token one opens the registry; given as a password to the token service it is exchanged
for one that allows no more and lives no longer: podman and buildah only know how to sign in. One
for the audience PASSWORD is a password alone, so that it is asked each time whether it still holds.
Source: Distribution, "Token Authentication Implementation".
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
)

from paas.core.errors import UnauthorizedError
from paas.core.objects import new_uid
from paas.core.registry import ISSUER, SERVICE

ALGORITHM = "ES256"
PASSWORD = "minato-registry-password"  # noqa: S105 -- an audience
PULL, PUSH, DELETE = "pull", "push", "delete"
REPOSITORY_TYPE = "repository"
_SKEW_S = 30  # the registry may be asked before its clock has come to our second


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be done with one repository, `<project>/<stream>`."""

    repository: str
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token of ours says."""

    subject: str
    grants: tuple[Grant, ...]
    expires_at: datetime


class RegistryTokens:
    """Signs and reads tokens with one EC P-256 key, whose certificate the registry trusts."""

    def __init__(self, private_key_pem: bytes, certificate_pem: bytes) -> None:
        self._key: Any = load_pem_private_key(private_key_pem, password=None)
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        der = certificate.public_bytes(Encoding.DER)
        # docker-registry 2.8 knows the key by the certificate alone
        self._headers = {"x5c": [base64.b64encode(der).decode()]}

    def issue(
        self,
        grants: Iterable[Grant],
        *,
        subject: str,
        ttl_s: int,
        now: datetime,
        audience: str = SERVICE,
    ) -> str:
        """Return a token for exactly these repositories and actions."""
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "sub": subject,
            "aud": audience,
            "iat": issued,
            "nbf": issued - _SKEW_S,
            "exp": issued + ttl_s,
            "jti": new_uid(),
            "access": [_access(grant) for grant in grants],
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers=self._headers)

    def read(self, token: str) -> TokenClaims:
        """Return what a token says. Raises UnauthorizedError if it is not ours or has ended."""
        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=[ALGORITHM],
                audience=[SERVICE, PASSWORD],
                issuer=ISSUER,
                options={"require": ["exp", "sub", "aud", "access"]},
            )
        except jwt.PyJWTError as error:
            raise UnauthorizedError(f"The registry token is not valid: {error}.") from error
        return TokenClaims(
            claims["sub"],
            _grants(claims["access"]),
            datetime.fromtimestamp(claims["exp"], UTC),
        )


def narrowed(asked: Sequence[Grant], held: Sequence[Grant]) -> list[Grant]:
    """Return what of `asked` is in `held`; repositories of which nothing is left are left out."""
    have = {grant.repository: grant.actions for grant in held}
    found = [
        Grant(one.repository, one.actions & have.get(one.repository, frozenset())) for one in asked
    ]
    return [grant for grant in found if grant.actions]


def _access(grant: Grant) -> dict[str, Any]:
    return {
        "type": REPOSITORY_TYPE,
        "name": grant.repository,
        "actions": sorted(grant.actions),
    }


def _grants(access: Sequence[Mapping[str, Any]]) -> tuple[Grant, ...]:
    return tuple(Grant(one["name"], frozenset(one["actions"])) for one in access)
