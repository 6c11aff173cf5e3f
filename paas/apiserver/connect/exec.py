"""pods/exec and pods/attach over WebSocket; SPDY is refused cleanly.

Both need `create`, by whatever method they come: what runs in a container is no read.
"""

from functools import partial
from typing import Any

import orjson

from paas.apiserver.calls import Call, NodeStream
from paas.apiserver.connect.base import (
    CLOSE,
    ERROR,
    RESIZE,
    STDERR,
    STDIN,
    STDOUT,
    Connect,
    container_of,
    host_of,
    node_stream,
    parent_of,
)
from paas.apiserver.connect.sockets import ChannelSocket, first_to_end
from paas.apiserver.parameters import Query
from paas.core.errors import BadRequestError

V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"
PROTOCOLS = (V5, V4)
_FROM_CLIENT = frozenset({STDIN, RESIZE})
_SUCCESS = orjson.dumps({"metadata": {}, "status": "Success"})


async def refuse_http(call: Call) -> None:
    """Refuse what is no WebSocket, but only to those who may connect at all."""
    await parent_of(call, "create", {})
    raise BadRequestError("Upgrade request required", hint="Use a client that speaks WebSocket.")


def stream_options(query: Query, action: str) -> dict[str, Any]:
    """Return the PodExecOptions of a query. Raises BadRequestError.

    Source: k8s.io/kubernetes/pkg/registry/core/pod; kubelet's remotecommand options.
    """
    names = ("stdin", "stdout", "stderr", "tty")
    options: dict[str, Any] = {name: query.flag(name) for name in names}
    if options["tty"]:  # one terminal, one stream
        options["stderr"] = False
    if not (options["stdin"] or options["stdout"] or options["stderr"]):
        raise BadRequestError("you must specify at least 1 of stdin, stdout, stderr")
    if action == "exec":
        options["command"] = query.all("command")
        if not options["command"]:
            raise BadRequestError("you must specify at least one command for the container")
    return options


async def _serve(call: Call, action: str) -> None:
    options = stream_options(call.query, action)
    pod = await parent_of(call, "create", options)
    host_of(pod)
    container = container_of(pod, call.query.text("container"))
    node = await node_stream(call, pod, action=action, container=container, options=options)
    try:
        socket = await ChannelSocket.accept(call, PROTOCOLS)
        # an empty message tells the client that the connection stands, as upstream does
        await socket.send(STDOUT if options["stdout"] else ERROR, b"")
        await first_to_end(_to_node(socket, node, options), _to_client(socket, node))
    finally:
        await node.close()


async def _to_node(socket: ChannelSocket, node: NodeStream, options: dict[str, Any]) -> None:
    async for channel, data in socket.messages():
        if channel == CLOSE:
            if socket.protocol == V5 and data[:1] == bytes((STDIN,)):
                await node.send(CLOSE, data[:1])
        elif channel in _FROM_CLIENT and (channel != STDIN or options["stdin"]):
            await node.send(channel, data)


async def _to_client(socket: ChannelSocket, node: NodeStream) -> None:
    ended = False
    async for channel, data in node:
        if channel in {STDOUT, STDERR, ERROR}:
            await socket.send(channel, data)
            ended = ended or channel == ERROR
    if not ended:
        await socket.send(ERROR, _SUCCESS)
    await socket.close()


CONNECTS = tuple(
    Connect("pods", action, refuse_http, partial(_serve, action=action))
    for action in ("exec", "attach")
)
