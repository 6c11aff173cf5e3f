"""The two kinds that the one controller of so many pods serves, and how they differ."""

from collections.abc import Callable
from dataclasses import dataclass

from paas.core.objects import ApiObject
from paas.core.selectors import LabelSelector, selector_from_map, selector_from_object


@dataclass(frozen=True, slots=True)
class Replicated:
    """`name` is the controller's, `selector` reads spec.selector.

    `counts_terminating` says whether the status has terminatingReplicas.
    """

    name: str
    resource: str
    kind: str
    selector: Callable[[ApiObject], LabelSelector]
    counts_terminating: bool


REPLICA_SETS = Replicated(
    name="replicaset-controller",
    resource="replicasets.apps",
    kind="ReplicaSet",
    selector=lambda obj: selector_from_object(obj["spec"].get("selector")),
    counts_terminating=True,
)
REPLICATION_CONTROLLERS = Replicated(
    name="replication-controller",
    resource="replicationcontrollers",
    kind="ReplicationController",
    selector=lambda obj: selector_from_map(obj["spec"].get("selector")),
    counts_terminating=False,
)
