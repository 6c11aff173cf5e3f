"""Image references as Kubernetes reads them. Pure.

Source: Kubernetes documentation, "Images": no registry means docker.io, no tag means latest.
"""

import re

_ID = re.compile(r"(sha256:)?[0-9a-f]{64}")
DEFAULT_REGISTRY = "docker.io"


def is_image_id(reference: str) -> bool:
    """Return whether this is an image's id and not a name."""
    return _ID.fullmatch(reference) is not None


def normalized(reference: str) -> str:
    """Return the full reference: `nginx` is `docker.io/library/nginx:latest`; ids stay."""
    if is_image_id(reference):
        return reference
    name, at, digest = reference.partition("@")
    host, slash, rest = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        path = name if slash else f"library/{name}"
        name = f"{DEFAULT_REGISTRY}/{path}"
    elif host == DEFAULT_REGISTRY and "/" not in rest:
        name = f"{DEFAULT_REGISTRY}/library/{rest}"
    if at:
        return f"{untagged(name)}@{digest}"
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def untagged(reference: str) -> str:
    """Return the repository: without tag and digest."""
    name = reference.partition("@")[0]
    place, slash, last = name.rpartition("/")
    return f"{place}{slash}{last.partition(':')[0]}"
