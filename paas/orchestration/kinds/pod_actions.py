"""pods/binding. Source: k8s.io/kubernetes/pkg/registry/core/pod/storage (assignPod)."""

from datetime import UTC, datetime

from paas.apimachinery.fielderrors import shown
from paas.apimachinery.kinds import WriteContext
from paas.apimachinery.options import WriteOptions
from paas.core.actors import platform_actor
from paas.core.conditions import set_condition
from paas.core.errors import ConflictError, InvalidError
from paas.core.objects import ApiObject, ObjectKey, is_deleting
from paas.core.shape import ensure, submap, text
from paas.orchestration.kinds.answers import success

BINDER = platform_actor("pod-binder")


def pod_bind(context: WriteContext, key: ObjectKey, body: ApiObject) -> ApiObject:
    """Assign the pod to `target.name`. Raises ConflictError where it has a node or is going."""
    node, kind = text(body, "target", "name"), text(body, "target", "kind")
    if kind not in {"", "Node"} or not node:
        raise InvalidError(
            f"Binding {shown(key.name)} is invalid: target: Invalid value: must name a Node"
        )
    pod = context.door.get(BINDER, "pods", key.name, key.namespace)
    bound = text(pod, "spec", "nodeName")
    if is_deleting(pod) or bound:
        why = (
            f"pod {key.name} is already assigned to node {shown(bound)}"
            if bound
            else f"pod {key.name} is being deleted, cannot be assigned to a host"
        )
        raise ConflictError(
            f"Operation cannot be fulfilled on pods/binding {shown(key.name)}: {why}"
        )
    ensure(pod, "spec")["nodeName"] = node
    if annotations := submap(body, "metadata", "annotations"):
        ensure(pod, "metadata", "annotations").update(annotations)
    options = WriteOptions(dry_run=context.dry_run)
    assigned = context.door.update(BINDER, pod, options=options)
    if context.dry_run:  # there is no assigned pod whose status could be written
        return success()
    now = datetime.now(UTC)
    set_condition(ensure(assigned, "status"), kind="PodScheduled", value=True, now=now)
    context.door.update(BINDER, assigned, subresource="status")
    return success()
