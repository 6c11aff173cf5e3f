"""The WebSocket side of a connection: binary messages of one channel byte and its data.

Source: Kubernetes' v4.channel.k8s.io and v5.channel.k8s.io (remotecommand, portforward).
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from paas.apiserver.calls import Call
from paas.core.errors import BadRequestError

NORMAL = 1000


class ChannelSocket:
    """An accepted WebSocket."""

    def __init__(self, call: Call, protocol: str) -> None:
        self._call = call
        self.protocol = protocol

    @classmethod
    async def accept(cls, call: Call, offered: tuple[str, ...]) -> "ChannelSocket":
        """Accept in the first of our protocols that the client speaks.

        Raises BadRequestError, before anything is accepted, when there is none.
        """
        spoken = call.scope.get("subprotocols") or []
        protocol = next((one for one in offered if one in spoken), None)
        if protocol is None:
            names = ", ".join(offered)
            raise BadRequestError(
                f"unable to upgrade: the client accepts [{', '.join(spoken)}], served are [{names}]"
            )
        await call.send({"type": "websocket.accept", "subprotocol": protocol, "headers": []})
        return cls(call, protocol)

    async def send(self, channel: int, data: bytes) -> None:
        """Send data of a channel; waits while the client takes no more."""
        message = {"type": "websocket.send", "bytes": bytes((channel,)) + data}
        await self._call.send(message)

    async def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield what the client sends until it goes; an empty message says nothing."""
        while (message := await self._call.receive())["type"] != "websocket.disconnect":
            data: bytes = message.get("bytes") or (message.get("text") or "").encode()
            if data:
                yield data[0], data[1:]

    async def close(self) -> None:
        """End the connection in order."""
        await self._call.send({"type": "websocket.close", "code": NORMAL, "reason": ""})


async def first_to_end(*works: Coroutine[Any, Any, None]) -> None:
    """Run until one of the works ends, then stop the others; raises what that one raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
