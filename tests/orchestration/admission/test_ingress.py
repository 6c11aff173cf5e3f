"""The class that an Ingress gets when it is made."""

import pytest

from paas.core.errors import ForbiddenError, InvalidError
from paas.orchestration.admission.ingress import DefaultIngressClass
from tests.orchestration.admission.requests import admitted, request, shop, stored
from tests.orchestration.kinds.test_ingress import ingress, ingress_class, rule

DEFAULT = {"ingressclass.kubernetes.io/is-default-class": "true"}
ANNOTATION = "kubernetes.io/ingress.class"


def class_given(door, obj):
    return admitted(DefaultIngressClass(), request(door, obj))["spec"].get("ingressClassName")


def test_an_ingress_that_names_no_class_gets_the_default_one():
    door = shop()
    stored(door, ingress_class("other"))
    assert class_given(door, ingress(rule())) is None
    stored(door, ingress_class("minato", DEFAULT))
    assert class_given(door, ingress(rule())) == "minato"
    assert class_given(door, ingress(rule(), ingressClassName="other")) == "other"
    assert class_given(door, ingress(rule(), annotations={ANNOTATION: "other"})) is None


def test_two_defaults_are_one_too_many():
    door = shop()
    for name in ("a", "b"):
        stored(door, ingress_class(name, DEFAULT))
    with pytest.raises(ForbiddenError) as caught:
        class_given(door, ingress(rule()))
    assert caught.value.message == (
        'ingresses.networking.k8s.io "web" is forbidden: Internal error occurred: 2 default '
        "IngressClasses were found, only 1 allowed"
    )
    assert class_given(door, ingress(rule(), ingressClassName="a")) == "a"


def test_annotation_and_field_must_agree_in_a_new_ingress():
    both = ingress(rule(), annotations={ANNOTATION: "a"}, ingressClassName="b")
    with pytest.raises(InvalidError) as caught:
        class_given(shop(), both)
    (cause,) = caught.value.causes
    assert cause.field == f"annotations.{ANNOTATION}"
    assert cause.message.endswith("must match `ingressClassName` when both are specified")
