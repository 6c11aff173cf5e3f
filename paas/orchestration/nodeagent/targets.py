"""Finds what a ticket is about: the pod, its container, its log. Refuses in upstream's words.

Source: kubelet validateContainerLogStatus and GetExec.
"""

from dataclasses import dataclass
from pathlib import Path

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.informer import Informer
from paas.core.errors import BadRequestError, NotFoundError
from paas.core.objects import ApiObject, ObjectKey, name_of, uid_of
from paas.orchestration.nodeagent import labels
from paas.orchestration.nodeagent.logs import attempts
from paas.orchestration.nodeagent.observed import sort_states
from paas.orchestration.nodeagent.podspec import (
    container_named,
    containers_of,
    status_of,
)
from paas.orchestration.nodeagent.tickets import NodeTicket
from paas.orchestration.nodeagent.volumes import Volumes
from paas.runtime.base import ContainerState, Runtime


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where a run's log lies."""

    directory: Path
    container: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Targets:
    """Looks things up for the server. Callable from any thread."""

    runtime: Runtime
    client: Client
    pods: Informer
    volumes: Volumes

    def pod(self, ticket: NodeTicket) -> ApiObject:
        """Return the very pod a ticket names. Raises NotFoundError."""
        found = self.pods.find(ObjectKey("pods", ticket.namespace, ticket.pod, ticket.uid))
        if found is None:  # perhaps so new that the informer has not heard of it
            found = self.client.find("pods", ticket.pod, ticket.namespace)
        if found is None or uid_of(found) != ticket.uid:
            raise NotFoundError(f'pods "{ticket.pod}" not found')
        return found

    def running(self, ticket: NodeTicket) -> ContainerState:
        """Return the running container. Raises BadRequestError, NotFoundError."""
        pod = self.pod(ticket)
        name = container_of(pod, ticket.container)
        state = sort_states(self._states(ticket)).current.get(name)
        if state is None or state.status != "running":
            raise BadRequestError(f"container {name} is not running in pod {name_of(pod)}")
        return state

    def sandbox_pid(self, ticket: NodeTicket) -> int:
        """Return the process that holds the pod's network. Raises BadRequestError."""
        pod = self.pod(ticket)
        sandbox = sort_states(self._states(ticket)).sandbox
        if sandbox is None or not sandbox.pid:
            raise BadRequestError(f"pod {name_of(pod)} is not running")
        return sandbox.pid

    def log(self, ticket: NodeTicket, *, previous: bool) -> LogPlace:
        """Return the log of the container's newest or previous run. Raises BadRequestError."""
        pod = self.pod(ticket)
        name = container_of(pod, ticket.container)
        directory = self.volumes.directory(ticket.uid).log(name, 0).parent
        found = attempts(directory)
        if previous:
            if len(found) < 2:  # noqa: PLR2004 -- the newest and the one before
                raise BadRequestError(
                    f'previous terminated container "{name}" in pod "{name_of(pod)}" not found'
                )
            return LogPlace(directory, name, found[-2])
        if not found:
            waiting = (status_of(pod, name).get("state") or {}).get("waiting") or {}
            reason = waiting.get("reason", "ContainerCreating")
            raise BadRequestError(
                f'container "{name}" in pod "{name_of(pod)}" is waiting to start: {reason}'
            )
        return LogPlace(directory, name, found[-1])

    def has_ended(self, ticket: NodeTicket, place: LogPlace) -> bool:
        """Say whether nothing more will be written to a run's log."""
        try:
            stored = status_of(self.pod(ticket), place.container)
        except NotFoundError:
            return True
        count, state = stored.get("restartCount", 0), stored.get("state") or {}
        if count != place.attempt:
            return bool(count > place.attempt)
        backing_off = "waiting" in state and "terminated" in (stored.get("lastState") or {})
        return "terminated" in state or backing_off

    def _states(self, ticket: NodeTicket) -> list[ContainerState]:
        return self.runtime.containers({labels.POD_UID: ticket.uid})


def container_of(pod: ApiObject, asked: str) -> str:
    """Return the container that is meant. Raises BadRequestError."""
    names = [one["name"] for one in containers_of(pod)]
    if not asked and len(names) == 1:
        return str(names[0])
    if not asked:
        text = f"a container name must be specified for pod {name_of(pod)}"
        raise BadRequestError(f"{text}, choose one of: [{' '.join(names)}]")
    if container_named(pod, asked) is None:
        raise BadRequestError(f"container {asked} is not valid for pod {name_of(pod)}")
    return asked
