"""One request on its way: what the handlers share, and what they know of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from paas.apimachinery.door import Door
from paas.apiserver.authentication import Authentication
from paas.apiserver.limits import Limits
from paas.apiserver.negotiation import PLAIN, Accepted, accepted
from paas.apiserver.parameters import Query
from paas.apiserver.paths import Target
from paas.apiserver.reads import Reader
from paas.apiserver.responses import Receive, Scope, Send
from paas.apiserver.threads import DoorThreads
from paas.core.actors import Actor
from paas.core.objects import ApiObject


class NodeStream(Protocol):
    """An open stream to the node agent: frames of a channel and its bytes, both ways."""

    def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield what the node sends, to the end."""

    async def send(self, channel: int, data: bytes) -> None:
        """Send to a channel; waits while the node takes no more."""

    async def close(self) -> None:
        """Let go."""


class NodeLink(Protocol):
    """Opens streams to the node agent, with a ticket for each."""

    async def __call__(
        self,
        actor: Actor,
        pod: ApiObject,
        *,
        action: str,
        container: str,
        options: Mapping[str, Any],
    ) -> NodeStream:
        """Open the stream of a pod: `action` is log, exec, attach or portforward.

        Raises what the node answers, ServiceUnavailableError while it does not.
        """


@dataclass(frozen=True, slots=True)
class Services:
    """What every request uses; one per application."""

    door: Door
    authentication: Authentication
    reader: Reader
    threads: DoorThreads
    node: NodeLink
    now: Callable[[], datetime]
    limits: Limits


@dataclass(slots=True)
class Call:
    """A request for a resource, after authentication."""

    services: Services
    scope: Scope
    receive: Receive
    send: Send
    headers: Mapping[bytes, bytes]
    actor: Actor
    target: Target
    query: Query
    bound: asyncio.Timeout | None = None

    @property
    def method(self) -> str:
        """Return the HTTP method."""
        method: str = self.scope["method"]
        return method

    @property
    def accepted(self) -> Accepted:
        """Return the form of the answer. Raises NotAcceptableError."""
        header = self.headers.get(b"accept")
        return accepted(header) if header else PLAIN

    def unbound(self) -> None:
        """Let the request last as long as its client wants."""
        if self.bound is not None:
            self.bound.reschedule(None)
