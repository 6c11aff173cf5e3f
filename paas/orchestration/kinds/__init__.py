"""The kinds of Kubernetes that the embedded engine serves, one module per group."""

from paas.apimachinery.kinds import Kind
from paas.orchestration.kinds import (
    apps,
    authentication,
    authorization,
    autoscaling,
    batch,
    controller_revision,
    coordination,
    core_config,
    core_namespace,
    core_node,
    core_pod,
    core_quota,
    core_service,
    custom_resource_definition,
    daemon_set,
    discovery,
    events,
    metrics,
    networking,
    policy,
    rbac,
    replication_controller,
    stateful_set,
    storage,
)

KINDS: tuple[Kind, ...] = (
    *core_namespace.KINDS,
    *core_config.KINDS,
    *core_pod.KINDS,
    *replication_controller.KINDS,
    *core_service.KINDS,
    *core_node.KINDS,
    *core_quota.KINDS,
    *storage.KINDS,
    *events.KINDS,
    *apps.KINDS,
    *daemon_set.KINDS,
    *stateful_set.KINDS,
    *controller_revision.KINDS,
    *batch.KINDS,
    *autoscaling.KINDS,
    *policy.KINDS,
    *networking.KINDS,
    *discovery.KINDS,
    *coordination.KINDS,
    *rbac.KINDS,
    *authorization.KINDS,
    *authentication.KINDS,
    *custom_resource_definition.KINDS,
    *metrics.KINDS,
)
"""Everything declared here; a process assembles its Scheme from this and the domains' kinds."""

__all__ = ["KINDS"]
