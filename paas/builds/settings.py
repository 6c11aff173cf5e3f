"""What an instance decides about its builds: images, limits, addresses, the machine's trust."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paas.core.registry import INTERNAL_REGISTRY

DEFAULT_LIMITS: Mapping[str, Mapping[str, str]] = {
    "limits": {"cpu": "2", "memory": "1Gi"},
    "requests": {"cpu": "100m", "memory": "256Mi"},
}
DEADLINE_MAX_S = 24 * 3600
Resources = Mapping[str, Mapping[str, Any]]


def with_defaults(asked: Resources, defaults: Resources = DEFAULT_LIMITS) -> dict[str, Any]:
    """Return requests and limits of a build's container: those asked for win."""
    return {part: {**defaults[part], **(asked.get(part) or {})} for part in defaults}


@dataclass(frozen=True, slots=True)
class GitServer:
    """Our own git server: `url` as users see it, and where a pod reaches it.

    A pod connects to `address`:`port` under the server's own name, so that its certificate holds.
    """

    url: str
    host: str
    address: str
    port: int

    def internal(self, uri: str) -> str:
        """Return how a pod names a repository; an address elsewhere stays as it is."""
        if not self.owns(uri):
            return uri
        return f"https://{self.host}:{self.port}{uri[len(self.url) :]}"

    def owns(self, uri: str) -> bool:
        """Say whether the repository is one of ours."""
        return uri.startswith(f"{self.url}/")


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """`build_stream` is project, stream and tag of the build image, else it is `build_image`.

    `environment` is what commands of a build see beside their own: indexes, proxies.

    `running_max` builds run on the machine at once; `log_max_bytes` are kept of a log.
    """

    build_image: str = "localhost/minato/build:latest"
    build_stream: tuple[str, str, str] = ("openshift", "build", "latest")
    registry: str = INTERNAL_REGISTRY
    registry_address: str = ""
    registry_insecure: bool = False
    git: GitServer | None = None
    schemes: tuple[str, ...] = ("https",)
    ca_bundle: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: DEFAULT_LIMITS)
    source_max: str = "2Gi"
    deadline_s: int = 1800
    starting_max_s: int = 300
    running_max: int = 4
    log_max_bytes: int = 16 * 1024 * 1024

    @property
    def ca_text(self) -> str:
        """Return the certificates that builds trust: this machine's, then our own authority's."""
        return "\n".join(path.read_text().strip() for path in self.ca_bundle if path.exists())
