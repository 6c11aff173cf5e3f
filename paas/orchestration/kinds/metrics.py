"""metrics.k8s.io/v1beta1: what pods and the node use now, asked of the node agent each time.

Nothing is stored and nothing can be watched. A pod or node without a window of usage is absent.
Source: kubernetes-sigs/metrics-server pkg/{api,storage}.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from paas.apimachinery.backends import VirtualBackend
from paas.apimachinery.kinds import Column, Kind, WriteContext
from paas.apimachinery.options import ListOptions
from paas.apimachinery.words import not_found
from paas.core.durations import go_duration
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject, ObjectKey, labels_of, name_of, timestamp
from paas.core.quantities import format_quantity, parse_quantity
from paas.core.shape import maps, submap, text
from paas.core.usage import PodUsage, Usage
from paas.orchestration.kinds.seams import usage_reader

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
_READ_ONLY = ("get", "list")
_USAGE = {
    "type": "object",
    "description": "The memory usage is the memory working set.",
    "additionalProperties": {"$ref": "io.k8s.apimachinery.pkg.api.resource.Quantity"},
}
_WINDOW = {
    "timestamp": {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.Time"},
    "window": {
        "type": "string",
        "description": "The metrics were collected within [timestamp - window, timestamp].",
    },
}
_POD_SCHEMA = {
    "description": "PodMetrics sets resource usage metrics of a pod.",
    "properties": {
        **_WINDOW,
        "containers": {
            "type": "array",
            "description": "Metrics for all containers, collected within the same time window.",
            "items": {
                "type": "object",
                "required": ["name", "usage"],
                "properties": {"name": {"type": "string"}, "usage": _USAGE},
            },
        },
    },
}
_NODE_SCHEMA = {
    "description": "NodeMetrics sets resource usage metrics of a node.",
    "properties": {**_WINDOW, "usage": _USAGE},
}


class PodMetricsBackend(VirtualBackend):
    """PodMetrics of the pods that the node agent samples."""

    def get(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Return one pod's. Raises NotFoundError, of the pod where there is none."""
        for found in usage_reader().pod_usage(context.actor, key.namespace):
            if found.name == key.name:
                return pod_metrics(found, now=datetime.now(UTC))
        context.door.store.get(context.door.scheme.kind_of("pods"), key.namespace, key.name)
        raise not_found(POD_METRICS, f"{key.namespace}/{key.name}")

    def list(self, context: WriteContext, namespace: str) -> Sequence[ApiObject]:
        """Return all of a namespace, or of all, in order of namespace and name."""
        now = datetime.now(UTC)
        found = usage_reader().pod_usage(context.actor, namespace)
        ordered = sorted(found, key=lambda one: (one.namespace, one.name))
        return [pod_metrics(one, now=now) for one in ordered]


class NodeMetricsBackend(VirtualBackend):
    """NodeMetrics of the one node."""

    def get(self, context: WriteContext, key: ObjectKey) -> ApiObject:
        """Return the node's. Raises NotFoundError, of the node where there is none."""
        node = context.door.store.get(context.door.scheme.kind_of("nodes"), "", key.name)
        found = self._of(context, [node])
        if not found:
            raise not_found(NODE_METRICS, key.name)
        return found[0]

    def list(self, context: WriteContext, namespace: str) -> Sequence[ApiObject]:  # noqa: ARG002 -- nodes have none
        """Return the nodes that have a window."""
        kind = context.door.scheme.kind_of("nodes")
        return self._of(context, context.door.store.list(kind, "", ListOptions()).items)

    @staticmethod
    def _of(context: WriteContext, nodes: Sequence[ApiObject]) -> Sequence[ApiObject]:
        found = usage_reader().node_usage(context.actor)
        if found is None:
            return []
        name, usage = found
        now = datetime.now(UTC)
        return [_node_metrics(node, usage, now=now) for node in nodes if name_of(node) == name]


def pod_metrics(usage: PodUsage, *, now: datetime) -> ApiObject:
    """Return the PodMetrics; its window is that of the container that was looked at first."""
    newest = {name: windows[-1] for name, windows in usage.containers.items()}
    first = min(newest.values(), key=lambda window: window.at)
    return {
        **_head("PodMetrics", usage.name, usage.labels, now, namespace=usage.namespace),
        **_window(first),
        "containers": [
            {"name": name, "usage": _quantities(window)} for name, window in newest.items()
        ],
    }


def _node_metrics(node: ApiObject, usage: Usage, *, now: datetime) -> ApiObject:
    head = _head("NodeMetrics", name_of(node), labels_of(node), now)
    return {**head, **_window(usage), "usage": _quantities(usage)}


def _head(
    kind: str, name: str, labels: Mapping[str, str], now: datetime, *, namespace: str = ""
) -> ApiObject:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    metadata["creationTimestamp"] = timestamp(now)
    if labels:
        metadata["labels"] = dict(labels)
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": metadata}


def _window(usage: Usage) -> dict[str, str]:
    return {"timestamp": timestamp(usage.at), "window": go_duration(usage.window_s)}


def _quantities(usage: Usage) -> dict[str, str]:
    return {
        "cpu": format_quantity(Decimal(usage.cpu_nanocores).scaleb(-9)),
        "memory": format_quantity(Decimal(usage.memory_bytes), binary=True),
    }


def _total(resource: str, *, binary: bool) -> Column:
    def value(obj: ApiObject) -> str:
        usages = [submap(one, "usage") for one in maps(obj, "containers")] or [submap(obj, "usage")]
        amount = sum((parse_quantity(one.get(resource, 0)) for one in usages), Decimal())
        return format_quantity(amount, binary=binary)

    return Column(resource, value, format="quantity")


_COLUMNS = (
    Column("Name", name_of, format="name", description="Name of the resource"),
    _total("cpu", binary=False),
    _total("memory", binary=True),
    Column("Window", lambda obj: text(obj, "window"), format="duration"),
)

POD_METRICS = Kind(
    group=GROUP,
    version=VERSION,
    kind="PodMetrics",
    plural="pods",
    name_errors=subdomain_errors,
    schema=_POD_SCHEMA,
    verbs=_READ_ONLY,
    columns=_COLUMNS,
    backend=PodMetricsBackend(),
)
NODE_METRICS = Kind(
    group=GROUP,
    version=VERSION,
    kind="NodeMetrics",
    plural="nodes",
    name_errors=subdomain_errors,
    schema=_NODE_SCHEMA,
    namespaced=False,
    verbs=_READ_ONLY,
    columns=_COLUMNS,
    backend=NodeMetricsBackend(),
)
KINDS = (POD_METRICS, NODE_METRICS)
