"""pods/portforward over WebSocket `v4.channel.k8s.io?ports=…`; SPDY is refused cleanly.

Each port has two channels, data and error, and each begins with the port's number.
Source: kubelet's cri/streaming/portforward/websocket.go.
"""

import asyncio

from paas.apiserver.calls import Call, NodeStream
from paas.apiserver.connect.base import (
    STDIN,
    STDOUT,
    Connect,
    host_of,
    node_stream,
    parent_of,
)
from paas.apiserver.connect.exec import V4, refuse_http
from paas.apiserver.connect.sockets import ChannelSocket, first_to_end
from paas.apiserver.parameters import Query
from paas.core.errors import BadRequestError, PaasError
from paas.core.numbers import parse_whole
from paas.core.objects import ApiObject

_PORTS_MAX = 64  # two channels each must fit into the channel byte, with room
_PORT_MAX = 65535


def ports_of(query: Query) -> list[int]:
    """Return the ports asked for, in order. Raises BadRequestError."""
    texts = [text for value in query.all("ports") for text in value.split(",")]
    if not texts:
        raise BadRequestError('query parameter "ports" is required')
    if len(texts) > _PORTS_MAX:
        raise BadRequestError(f'query parameter "ports" names more than {_PORTS_MAX} ports')
    return [_port(text) for text in texts]


def _port(text: str) -> int:
    port = parse_whole(text)
    if port is None or not 1 <= port <= _PORT_MAX:
        raise BadRequestError(f"unable to parse {text!r} as a port: must be from 1 to 65535")
    return port


async def _serve(call: Call) -> None:
    ports = ports_of(call.query)
    pod = await parent_of(call, "create", {"ports": ports})
    host_of(pod)
    socket = await ChannelSocket.accept(call, (V4,))
    nodes: dict[int, NodeStream] = {}
    try:
        for position, port in enumerate(ports):
            await _announce(socket, position, port)
            try:
                nodes[position] = await _connection(call, pod, port)
            except PaasError as error:
                await socket.send(2 * position + 1, str(error).encode())
        await first_to_end(_to_nodes(socket, nodes), _to_client(socket, nodes))
    finally:
        await asyncio.gather(*(node.close() for node in nodes.values()))


async def _announce(socket: ChannelSocket, position: int, port: int) -> None:
    number = port.to_bytes(2, "little")
    await socket.send(2 * position, number)
    await socket.send(2 * position + 1, number)


async def _connection(call: Call, pod: ApiObject, port: int) -> NodeStream:
    return await node_stream(call, pod, action="portforward", container="", options={"port": port})


async def _to_nodes(socket: ChannelSocket, nodes: dict[int, NodeStream]) -> None:
    async for channel, data in socket.messages():
        node = nodes.get(channel // 2)
        if node is not None and channel % 2 == 0:
            await node.send(STDIN, data)


async def _to_client(socket: ChannelSocket, nodes: dict[int, NodeStream]) -> None:
    await asyncio.gather(*(_copy(socket, node, at) for at, node in nodes.items()))
    await socket.close()


async def _copy(socket: ChannelSocket, node: NodeStream, position: int) -> None:
    async for channel, data in node:
        await socket.send(2 * position + (0 if channel == STDOUT else 1), data)


CONNECTS = (Connect("pods", "portforward", refuse_http, _serve),)
