"""Ingresses and their classes: names, and which class an Ingress names.

Source: networking.k8s.io/v1; k8s.io/api/networking/v1 well-known annotations.
"""

from paas.core.objects import ApiObject, annotations_of
from paas.core.shape import submap, text

INGRESSES = "ingresses.networking.k8s.io"
CLASSES = "ingressclasses.networking.k8s.io"
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"

CONTROLLER = "minato.io/ingress-to-route"
"""What an IngressClass names whose Ingresses the platform's router serves."""


def names_a_class(ingress: ApiObject) -> bool:
    """Say whether a class was chosen, be it by the annotation of old."""
    chosen = submap(ingress, "spec").get("ingressClassName") is not None
    return chosen or CLASS_ANNOTATION in annotations_of(ingress)


def class_of(ingress: ApiObject) -> str:
    """Return the name of the class; the annotation goes before the field, as on OpenShift."""
    annotated = annotations_of(ingress).get(CLASS_ANNOTATION)
    return text(ingress, "spec", "ingressClassName") if annotated is None else annotated


def is_default_class(ingress_class: ApiObject) -> bool:
    """Say whether Ingresses that name no class get this one."""
    return annotations_of(ingress_class).get(DEFAULT_CLASS) == "true"
