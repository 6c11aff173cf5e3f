"""Which class an Ingress gets when it is made.

Source: k8s.io/kubernetes/plugin/pkg/admission/network/defaultingressclass.
"""

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.fielderrors import invalid
from paas.apimachinery.lookups import ACTOR, refusal
from paas.apimachinery.words import invalid as invalid_object
from paas.core.ingresses import (
    CLASS_ANNOTATION,
    CLASSES,
    INGRESSES,
    is_default_class,
    names_a_class,
)
from paas.core.objects import annotations_of, name_of
from paas.core.shape import ensure, submap


class DefaultIngressClass(AdmissionPlugin):
    """Gives an Ingress that names no class the default one; two ways to name one must agree."""

    name = "DefaultIngressClass"
    resources = frozenset({INGRESSES})

    def admit(self, request: AdmissionRequest) -> None:
        """Name the class. Raises ForbiddenError where there are several defaults."""
        ingress = request.obj
        if request.operation != "CREATE" or ingress is None or names_a_class(ingress):
            return
        classes = request.door.list(ACTOR, CLASSES).items
        defaults = [one for one in classes if is_default_class(one)]
        if len(defaults) > 1:
            found = f"{len(defaults)} default IngressClasses were found, only 1 allowed"
            raise refusal(request, f"Internal error occurred: {found}")
        if defaults:
            ensure(ingress, "spec")["ingressClassName"] = name_of(defaults[0])

    def validate(self, request: AdmissionRequest) -> None:
        """Raise InvalidError for an annotation that says another class than the field.

        Upstream's validation of a create; an update may say what it likes.
        """
        ingress = request.obj
        if request.operation != "CREATE" or ingress is None:
            return
        named = submap(ingress, "spec").get("ingressClassName")
        annotated = annotations_of(ingress).get(CLASS_ANNOTATION)
        if named is None or annotated is None or named == annotated:
            return
        why = "must match `ingressClassName` when both are specified"
        cause = invalid(f"annotations.{CLASS_ANNOTATION}", annotated, why)
        raise invalid_object(request.kind, request.name, [cause])
