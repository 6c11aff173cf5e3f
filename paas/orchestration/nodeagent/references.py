"""Image references: what they name, which credential fits. Pure.

Source: distribution/reference; kubelet credentialprovider keyring.
"""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any

from paas.core.objects import ApiObject
from paas.runtime.base import RegistryAuth

_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?)"
_PATH = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}/)?{_PATH}(?:/{_PATH})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
DEFAULT_HOST = "docker.io"


def is_reference(image: str) -> bool:
    """Say whether the text is an image reference at all."""
    return _REFERENCE.fullmatch(image) is not None


def full_reference(image: str) -> str:
    """Return host/path:tag or host/path@digest, as `nginx` is docker.io/library/nginx:latest."""
    first, slash, _ = image.partition("/")
    if not slash:
        image = f"{DEFAULT_HOST}/library/{image}"
    elif not ({".", ":"} & set(first) or first == "localhost"):
        image = f"{DEFAULT_HOST}/{image}"
    last = image.rpartition("/")[2]
    return image if {":", "@"} & set(last) else f"{image}:latest"


def default_policy(image: str) -> str:
    """Return the pull policy of an image whose container names none."""
    return "Always" if full_reference(image).endswith(":latest") else "IfNotPresent"


def auth_for(image: str, secrets: Iterable[ApiObject]) -> RegistryAuth | None:
    """Return the credential whose registry (and path) fits the image best."""
    place = full_reference(image)
    best: tuple[int, RegistryAuth] | None = None
    for secret in secrets:
        for registry, entry in _entries(secret).items():
            prefix = _registry(registry)
            fits = place == prefix or place.startswith(f"{prefix}/")
            auth = _auth(entry)
            if fits and auth is not None and (best is None or len(prefix) > best[0]):
                best = (len(prefix), auth)
    return best[1] if best else None


def _entries(secret: ApiObject) -> dict[str, Any]:
    data = secret.get("data") or {}
    try:
        if text := data.get(".dockerconfigjson"):
            return dict(json.loads(base64.b64decode(text)).get("auths") or {})
        if text := data.get(".dockercfg"):
            return dict(json.loads(base64.b64decode(text)))
    except (ValueError, TypeError, AttributeError):
        return {}  # admission refuses such secrets; an old one helps nobody
    return {}


def _registry(text: str) -> str:
    host = re.sub(r"^https?://", "", text).rstrip("/")
    host = re.sub(r"/v[12]$", "", host)
    return DEFAULT_HOST if host in {"index.docker.io", "registry-1.docker.io"} else host


def _auth(entry: Any) -> RegistryAuth | None:
    if not isinstance(entry, dict):
        return None
    if entry.get("username"):
        return RegistryAuth(str(entry["username"]), str(entry.get("password") or ""))
    try:
        name, _, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    except ValueError:
        return None
    return RegistryAuth(name, password) if name else None
