"""The seams of the node agent: what others implement for it. Protocols only, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from typing import Protocol

from paas.core.objects import ApiObject
from paas.runtime.base import ImageState, RegistryAuth


@dataclass(frozen=True, slots=True)
class PodAddress:
    """Where a pod is reached, from the machine and from its own project."""

    ip: str


class PodNetwork(Protocol):
    """Wires a sandbox's network namespace. Safe to repeat, callable from several threads."""

    def attach(
        self,
        *,
        pod_uid: str,
        namespace: str,
        pid: int,
        subnet: IPv4Network,
        egress_only: bool = False,
    ) -> PodAddress:
        """Wire the network namespace of process `pid` to the project's network; return the address.

        `egress_only` (annotation minato.io/egress-only: "true", build pods) keeps the pod from the
        project's own pods and services.

        `subnet` is the project's (annotation minato.io/pod-subnet). A pod uid that is attached
        with this very pid keeps what it has; with another pid it is wired anew and keeps its
        address. Loopback inside is up afterwards. Raises RetryLaterError when the subnet is full.
        """

    def detach(self, pod_uid: str) -> None:
        """Take the pod's interface and address away; nothing happens if it has none."""

    def addresses(self) -> Mapping[str, str]:
        """Return pod uid → address of all that are attached, also by an earlier process."""


class ImageCredentials(Protocol):
    """Gives the credential by which a pod pulls from the built-in registry."""

    def __call__(self, pod: ApiObject, image: str, /) -> RegistryAuth | None:
        """Return how to sign in for this pod; None where the image is of another registry.

        Raises ForbiddenError where the pod's service account may not pull it.
        """


class ImageAccessCheck(Protocol):
    """Decides whether a pod may run an image that is on the node already."""

    def __call__(self, pod: ApiObject, image: str, state: ImageState, /) -> bool:
        """Return True if it may, False where that is not decided here: another registry's image.

        Raises ForbiddenError if it may not.
        """


class TrafficDrained(Protocol):
    """Knows whether load balancers still send to a terminating pod."""

    def __call__(self, pod: ApiObject, /) -> bool:
        """Say whether every load balancer has let go of the pod. Quick, without I/O."""


@dataclass(frozen=True, slots=True)
class BoundToken:
    """A service account's token for one pod."""

    token: str
    expires_at: datetime


class TokenSource(Protocol):
    """Mints tokens bound to a pod. Source: authentication.k8s.io/v1 TokenRequest."""

    def __call__(self, pod: ApiObject, *, audience: str, expiration_s: int) -> BoundToken:
        """Return a fresh token of the pod's service account; an empty audience is the API's."""


class SourceReader(Protocol):
    """Reads the ConfigMaps and Secrets that a pod names."""

    def __call__(self, resource: str, namespace: str, name: str, /) -> ApiObject | None:
        """Return the object (`configmaps` or `secrets`), not to be changed; None if none."""
