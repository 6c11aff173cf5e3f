"""The client that everything above the engine uses: the door's verbs, logs of pods.

Two transports: `EmbeddedCluster` calls the door in this process; one for a real Kubernetes cluster
sends the Kubernetes kinds there and keeps the rest here. Callers do not know which they have.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from paas.apimachinery.door import Door, Watch
from paas.apimachinery.options import (
    DeleteOptions,
    ListOptions,
    ObjectList,
    Patch,
    WatchOptions,
    WriteOptions,
)
from paas.core.actors import Actor
from paas.core.errors import MethodNotAllowedError, ServiceUnavailableError
from paas.core.objects import ApiObject
from paas.core.usage import PodUsage, UsageReader

POD_METRICS = "pods.metrics.k8s.io"


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which log of a pod. Source: core/v1 PodLogOptions."""

    namespace: str
    pod: str
    container: str = ""
    follow: bool = False
    previous: bool = False
    tail_lines: int | None = None
    timestamps: bool = False


class LogReader(Protocol):
    """Reads a pod's log from wherever its node is."""

    def __call__(self, actor: Actor, request: LogRequest) -> Iterator[bytes]:
        """Yield the log in pieces; ends with it, or never while it is followed."""


class Cluster(Protocol):
    """The verbs, each as an actor, as `paas.apimachinery.door.Door` describes them."""

    def get(
        self, actor: Actor, resource: str, name: str, namespace: str = "", *, subresource: str = ""
    ) -> ApiObject:
        """Return one object. Raises NotFoundError, ForbiddenError."""

    def list(
        self, actor: Actor, resource: str, namespace: str = "", options: ListOptions = ...
    ) -> ObjectList:
        """Return a consistent page."""

    def watch(
        self, actor: Actor, resource: str, namespace: str = "", options: WatchOptions = ...
    ) -> Watch:
        """Open a watch."""

    def create(
        self,
        actor: Actor,
        obj: ApiObject,
        namespace: str = "",
        *,
        options: WriteOptions | None = None,
    ) -> ApiObject:
        """Store a new object."""

    def update(
        self,
        actor: Actor,
        obj: ApiObject,
        *,
        options: WriteOptions | None = None,
        subresource: str = "",
        resource: str = "",
    ) -> ApiObject:
        """Replace an object."""

    def patch(
        self,
        actor: Actor,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        patch: Patch,
        options: WriteOptions | None = None,
        subresource: str = "",
    ) -> ApiObject:
        """Change part of an object."""

    def delete(
        self,
        actor: Actor,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        options: DeleteOptions | None = None,
    ) -> ApiObject:
        """Delete an object."""

    def connect(
        self,
        actor: Actor,
        resource: str,
        name: str,
        namespace: str,
        *,
        subresource: str,
        body: ApiObject | None = None,
        verb: str = "create",
    ) -> ApiObject:
        """Use a subresource that is an action."""

    def may(
        self, actor: Actor, verb: str, resource: str, namespace: str = "", name: str = ""
    ) -> bool:
        """Say whether RBAC allows it; `resource` may name a subresource: `pods/log`.

        For showing or hiding a button only: the verbs themselves decide.
        """

    def logs(self, actor: Actor, request: LogRequest) -> Iterator[bytes]:
        """Yield a pod's log. Raises ForbiddenError, NotFoundError."""

    def usage(self, actor: Actor, namespace: str) -> Sequence[PodUsage]:
        """Return what a namespace's pods use, and used of late.

        Raises ForbiddenError, ServiceUnavailableError where nobody knows it now.
        """


def nobody_knows() -> UsageReader:
    """Refuse: for a process that has no way to the node agent's socket."""
    raise ServiceUnavailableError("What pods use is not known in this process.")


def no_logs(actor: Actor, request: LogRequest) -> Iterator[bytes]:
    """Refuse: for a process that has no way to the node agent's socket, or is that agent."""
    del actor
    raise MethodNotAllowedError(f"The log of pod {request.pod} is not read in this process.")


class EmbeddedCluster:
    """The embedded engine: the door in this process, the node agent by its socket."""

    def __init__(
        self,
        door: Door,
        log_reader: LogReader,
        usage_reader: Callable[[], UsageReader] = nobody_knows,
    ) -> None:
        self.door = door
        self._log_reader = log_reader
        self._usage_reader = usage_reader
        self.get, self.list, self.watch = door.get, door.list, door.watch
        self.create, self.update, self.patch = door.create, door.update, door.patch
        self.delete, self.connect = door.delete, door.connect

    def may(
        self, actor: Actor, verb: str, resource: str, namespace: str = "", name: str = ""
    ) -> bool:
        """Say whether RBAC allows it."""
        plain, _, subresource = resource.partition("/")
        return self.door.may(
            actor, verb, plain, namespace=namespace, name=name, subresource=subresource
        )

    def logs(self, actor: Actor, request: LogRequest) -> Iterator[bytes]:
        """Yield a pod's log."""
        return self._log_reader(actor, request)

    def usage(self, actor: Actor, namespace: str) -> Sequence[PodUsage]:
        """Return what a namespace's pods use, and used of late."""
        kind = self.door.scheme.kind_of(POD_METRICS)
        self.door.authorize(actor, kind, "list", namespace=namespace)
        return self._usage_reader().pod_usage(actor, namespace, history=True)
