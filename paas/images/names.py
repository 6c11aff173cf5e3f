"""Names of streams, tags and images, and the references made of them. Pure.

Source: distribution/reference; image.openshift.io/v1 validation.
"""

import re
from dataclasses import dataclass

from paas.core.names import label_errors
from paas.core.objects import Digest
from paas.core.registry import INTERNAL_REGISTRY

DEFAULT_TAG = "latest"
REPOSITORY_MAX = 255
_STREAM = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """Where a stream's images lie in the registry: always a project and a stream."""

    namespace: str
    stream: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.stream}"

    @property
    def internal(self) -> str:
        """Return the reference without tag by which pods and builds name it."""
        return f"{INTERNAL_REGISTRY}/{self}"

    def at(self, digest: Digest) -> str:
        """Return the reference of one image of it."""
        return f"{self.internal}@{digest}"


def parse_repository(text: str) -> Repository | None:
    """Return the repository that `<project>/<stream>` names; None where it cannot be one."""
    namespace, _, stream = text.partition("/")
    if label_errors(namespace) or stream_errors(stream) or len(text) > REPOSITORY_MAX:
        return None
    return Repository(namespace, stream)


def parse_internal(image: str) -> tuple[Repository, Digest | None] | None:
    """Return what a reference to the built-in registry names; None where it is of another."""
    prefix = f"{INTERNAL_REGISTRY}/"
    if not image.startswith(prefix):
        return None
    name, _, digest = image.removeprefix(prefix).partition("@")
    repository = parse_repository(name.partition(":")[0])
    if repository is None:
        return None
    return repository, parse_digest(digest)


def parse_digest(text: str) -> Digest | None:
    """Return the digest; None where the text is none."""
    return Digest(text) if _DIGEST.fullmatch(text) else None


def stream_errors(text: str) -> list[str]:
    """Check the name of an ImageStream: it is the last part of a repository's."""
    if _STREAM.fullmatch(text):
        return []
    return [
        "must be lowercase letters and digits, with '.', '_', '__' or '-' between them "
        f"(regex used for validation is '{_STREAM.pattern}')"
    ]


def tag_errors(text: str) -> list[str]:
    """Check a tag."""
    if _TAG.fullmatch(text):
        return []
    return [
        "must be 1 to 128 letters, digits, '_', '.' or '-' and not begin with '.' or '-' "
        f"(regex used for validation is '{_TAG.pattern}')"
    ]


def stream_tag_errors(text: str) -> list[str]:
    """Check the name of an ImageStreamTag, `<stream>:<tag>`."""
    stream, colon, tag = text.partition(":")
    if not colon:
        return ["must be in the form <name>:<tag>"]
    return [*stream_errors(stream), *tag_errors(tag)]


def stream_image_errors(text: str) -> list[str]:
    """Check the name of an ImageStreamImage, `<stream>@<digest>`."""
    stream, at, digest = text.partition("@")
    if not at:
        return ["must be in the form <name>@<digest>"]
    return [*stream_errors(stream), *image_errors(digest)]


def image_errors(text: str) -> list[str]:
    """Check the name of an Image: its digest."""
    return [] if parse_digest(text) else ["must be a digest: sha256: and 64 hexadecimal digits"]


def split_stream_tag(name: str) -> tuple[str, str]:
    """Return stream and tag of `<stream>[:<tag>]`."""
    stream, _, tag = name.partition(":")
    return stream, tag or DEFAULT_TAG
