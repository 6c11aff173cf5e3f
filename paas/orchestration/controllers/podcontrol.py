"""Creates and deletes the pods of a workload, and tells its owner.

Source: k8s.io/kubernetes/pkg/controller (PodControlInterface).
"""

import copy

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.events import EventRecorder
from paas.apimachinery.options import DeleteOptions
from paas.core.ending import namespace_is_ending
from paas.core.errors import ConflictError, NotFoundError, PaasError
from paas.core.objects import ApiObject, name_of, namespace_of, owner_reference, uid_of
from paas.core.shape import Json


class PodControl:
    """Returns errors instead of raising them: a status has to tell of them first."""

    def __init__(self, client: Client, events: EventRecorder) -> None:
        self._client = client
        self._events = events

    def create(self, owner: ApiObject, pod: ApiObject) -> PaasError | None:
        """Create a pod; return what went wrong."""
        try:
            made = self._client.create(pod)
        except PaasError as error:
            if namespace_is_ending(error):  # nothing can be created any more: not worth a word
                return None
            self._events.warning(owner, "FailedCreate", f"Error creating: {error.message}")
            return error
        self._events.normal(owner, "SuccessfulCreate", f"Created pod: {name_of(made)}")
        return None

    def delete(self, owner: ApiObject, pod: ApiObject) -> PaasError | None:
        """Delete this very pod; return what went wrong. One that is gone is fine."""
        name, options = name_of(pod), DeleteOptions(uid=uid_of(pod))
        try:
            self._client.delete("pods", name, namespace_of(pod), options=options)
        except (ConflictError, NotFoundError):  # gone, or a new pod of its name
            return None
        except PaasError as error:
            self._events.warning(owner, "FailedDelete", f"Error deleting: {error.message}")
            return error
        self._events.normal(owner, "SuccessfulDelete", f"Deleted pod: {name}")
        return None


def pod_from(owner: ApiObject, template: Json) -> ApiObject:
    """Return a new pod of a template, owned and named after the workload."""
    template = copy.deepcopy(template)
    given = template.get("metadata") or {}
    metadata = {
        "generateName": f"{name_of(owner)}-",
        "namespace": namespace_of(owner),
        "ownerReferences": [owner_reference(owner)],
        **{key: given[key] for key in ("labels", "annotations", "finalizers") if given.get(key)},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
