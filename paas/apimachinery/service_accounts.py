"""Tokens of service accounts: signed by us (ES256), bound to an account and, mostly, to a pod.

A token says who it was given to; whether that account and pod still exist is asked when it is
used. Source: Kubernetes, "Managing Service Accounts", bound token claims.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from paas.core.errors import UnauthorizedError
from paas.core.objects import ObjectKey, new_uid

ISSUER = "https://kubernetes.default.svc.cluster.local"
ALGORITHM = "ES256"
DEFAULT_TTL_S = 3600
MINIMUM_TTL_S = 600
MAXIMUM_TTL_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class AccountClaims:
    """What a valid token says. `pod` is None where it is bound to the account alone."""

    account: ObjectKey
    pod: ObjectKey | None
    audiences: tuple[str, ...]
    expires_at: int
    token_id: str


class ServiceAccountTokens:
    """Signs and reads tokens with one EC P-256 key."""

    def __init__(self, private_key_pem: bytes) -> None:
        self._key: Any = load_pem_private_key(private_key_pem, password=None)
        self._public: Any = self._key.public_key()

    def issue(
        self,
        account: ObjectKey,
        *,
        audiences: Sequence[str],
        now: datetime,
        ttl_s: int,
        pod: ObjectKey | None = None,
    ) -> str:
        """Return a token. `account` and `pod` carry their uids; no audience means the API's."""
        private: dict[str, Any] = {
            "namespace": account.namespace,
            "serviceaccount": {"name": account.name, "uid": account.uid},
        }
        if pod is not None:
            private["pod"] = {"name": pod.name, "uid": pod.uid}
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "sub": f"system:serviceaccount:{account.namespace}:{account.name}",
            "aud": list(audiences) or [ISSUER],
            "iat": issued,
            "nbf": issued,
            "exp": issued + ttl_s,
            "jti": new_uid(),
            "kubernetes.io": private,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, token: str, *, audiences: Sequence[str] = (ISSUER,)) -> AccountClaims:
        """Return what the token says. Raises UnauthorizedError if it is not ours or too old."""
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                audience=list(audiences),
                issuer=ISSUER,
                options={"require": ["exp", "sub", "aud", "kubernetes.io"]},
            )
        except jwt.PyJWTError as error:
            raise UnauthorizedError(
                f"The service account's token is not valid: {error}."
            ) from error
        return _claims(claims)


def _claims(claims: Mapping[str, Any]) -> AccountClaims:
    private = claims["kubernetes.io"]
    namespace = private["namespace"]
    account, pod = private["serviceaccount"], private.get("pod")
    return AccountClaims(
        ObjectKey("serviceaccounts", namespace, account["name"], account["uid"]),
        ObjectKey("pods", namespace, pod["name"], pod["uid"]) if pod else None,
        tuple(claims["aud"]) if isinstance(claims["aud"], list) else (claims["aud"],),
        int(claims["exp"]),
        claims.get("jti", ""),
    )
