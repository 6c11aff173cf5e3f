"""The text of bearer tokens: `sha256~` and 43 characters, as OpenShift's. Only a hash is kept."""

import hashlib
import secrets

PREFIX = "sha256~"
RANDOM_BYTES = 32


def new_token() -> str:
    """Return a fresh token: shown once, never stored."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def token_digest(token: str) -> str:
    """Return what is stored of a token: SHA-256 in hexadecimal. The token is random: no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
