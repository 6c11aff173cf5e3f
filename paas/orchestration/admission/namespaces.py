"""NamespaceLifecycle: nothing is made in a namespace that is not there or is going.

Source: k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle.
"""

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.lookups import find, refusal
from paas.core.errors import Cause, NotFoundError
from paas.core.objects import is_deleting

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


class NamespaceLifecycle(AdmissionPlugin):
    """Asks for the namespace of every create, and keeps three namespaces for ever."""

    name = "NamespaceLifecycle"
    reads = frozenset({"namespaces"})

    def admit(self, request: AdmissionRequest) -> None:
        """Raise NotFoundError or ForbiddenError, before any other plugin looks."""
        if request.kind.resource == "namespaces":
            if request.operation == "DELETE" and request.name in IMMORTAL:
                raise refusal(request, "this namespace may not be deleted")
        elif request.operation == "CREATE" and request.kind.namespaced and _is_kept(request):
            _check(request)


def _is_kept(request: AdmissionRequest) -> bool:
    return request.kind.backend is None  # a question, such as LocalSubjectAccessReview, is not


def _check(request: AdmissionRequest) -> None:
    namespace = find(request, "namespaces", request.namespace)
    if namespace is None:
        raise NotFoundError(
            f'namespaces "{request.namespace}" not found',
            details={"name": request.namespace, "kind": "namespaces"},
        )
    if not is_deleting(namespace):
        return
    error = refusal(
        request,
        f"unable to create new content in namespace {request.namespace} because it is being "
        "terminated",
    )
    words = f"namespace {request.namespace} is being terminated"
    cause = Cause("NamespaceTerminating", words, "metadata.namespace")
    error.details = {**error.details, "causes": [cause.as_dict()]}
    raise error
