"""What a web, worker or beat process has once: its door, its authenticator, its cluster.

Made when first asked for, so that a process that forks does not share them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from paas.accounts.authentication import Authenticator
from paas.apimachinery.door import Door
from paas.builds.instantiate import on_build_created
from paas.cluster.client import EmbeddedCluster, LogRequest
from paas.core.actors import Actor
from paas.manager.doors import open_door
from paas.manager.wakeups import build_wake
from paas.orchestration.kinds.seams import provide_usage_reader
from paas.orchestration.nodeagent.client import NodeClient
from paas.settings.instance import Instance


@cache
def _opened() -> tuple[Door, Authenticator]:
    on_build_created(build_wake)
    provide_usage_reader(node_client)
    return open_door()


def door() -> Door:
    """Return the process's door, started."""
    return _opened()[0]


def authenticator() -> Authenticator:
    """Return the process's authenticator."""
    return _opened()[1]


@cache
def cluster() -> EmbeddedCluster:
    """Return the process's cluster."""
    return EmbeddedCluster(door(), _pod_logs, node_client)


@cache
def node_client() -> NodeClient:
    """Return the way to the node agent for an event loop."""
    instance: Instance = settings.MINATO
    return NodeClient(instance.node_socket, _ticket_key(), _now)


def _pod_logs(actor: Actor, request: LogRequest) -> Iterator[bytes]:
    pod = door().connect(
        actor, "pods", request.pod, request.namespace, subresource="log", verb="get"
    )
    options = {
        "follow": request.follow,
        "previous": request.previous,
        "tailLines": request.tail_lines,
        "timestamps": request.timestamps,
    }
    given = {key: value for key, value in options.items() if value not in {None, False}}
    return node_client().logs(actor, pod, container=request.container, **given)


def _ticket_key() -> bytes:
    return Path(settings.MINATO_TICKET_KEY_FILE).read_bytes()


def _now() -> datetime:
    return datetime.now(UTC)
