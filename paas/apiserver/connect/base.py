"""What a connection to a pod is made of: its declaration, its authorisation, its node's stream."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from paas.apiserver.calls import Call, NodeStream
from paas.core.errors import BadRequestError
from paas.core.objects import ApiObject, name_of

Serve = Callable[[Call], Awaitable[None]]

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
"""Channels of a stream. Source: Kubernetes' v5.channel.k8s.io."""


@dataclass(frozen=True, slots=True)
class Connect:
    """One subresource: who serves it over HTTP, and who over a WebSocket where it has one."""

    resource: str
    subresource: str
    http: Serve
    websocket: Serve | None = None


async def parent_of(call: Call, verb: str, options: Mapping[str, Any]) -> ApiObject:
    """Return the pod after RBAC and admission have let the actor connect to it."""
    target = call.target
    return await call.services.threads.run(
        call.services.door.connect,
        call.actor,
        target.kind.resource,
        target.name,
        target.namespace,
        subresource=target.subresource,
        body=dict(options),
        verb=verb,
    )


async def node_stream(
    call: Call, pod: ApiObject, *, action: str, container: str, options: Mapping[str, Any]
) -> NodeStream:
    """Open the node's stream for a pod. Raises what the node answers."""
    return await call.services.node(
        call.actor, pod, action=action, container=container, options=options
    )


def container_of(pod: ApiObject, asked: str) -> str:
    """Return the container that is meant. Raises BadRequestError in upstream's words.

    Source: k8s.io/kubernetes/pkg/registry/core/pod.validateContainer.
    """
    spec = pod["spec"]
    containers = _names(spec.get("containers"))
    others = _names(spec.get("initContainers")) + _names(spec.get("ephemeralContainers"))
    if asked:
        if asked not in (*containers, *others):
            raise BadRequestError(f"container {asked} is not valid for pod {name_of(pod)}")
        return asked
    if len(containers) == 1:
        return containers[0]
    text = f"a container name must be specified for pod {name_of(pod)}"
    text += f", choose one of: [{' '.join(containers)}]"
    if initial := _names(spec.get("initContainers")):
        text += f" or one of the init containers: [{' '.join(initial)}]"
    raise BadRequestError(text)


def _names(containers: list[dict[str, Any]] | None) -> list[str]:
    return [one["name"] for one in containers or ()]


def host_of(pod: ApiObject) -> str:
    """Return the node of a pod. Raises BadRequestError before it has one."""
    node: str = pod["spec"].get("nodeName", "")
    if not node:
        raise BadRequestError(f"pod {name_of(pod)} does not have a host assigned")
    return node
