"""What is let pass of definitions and custom resources, with a word."""

from paas.orchestration.admission.definitions import definition_warnings, finalizer_warnings
from tests.fakes.definitions import definition, version, widget


def with_property(**words):
    schema = {"type": "object", "properties": {"x": words}}
    return definition(versions=[version(schema={"openAPIV3Schema": schema})])


def test_a_format_that_means_nothing_is_told():
    assert definition_warnings(with_property(type="string", format="date-time")) == []
    odd = with_property(type="string", format="lottery")
    assert definition_warnings(odd) == ['unrecognized format "lottery"']


def test_a_set_of_objects_is_told():
    atomic = {"type": "object", "x-kubernetes-map-type": "atomic"}
    (said,) = definition_warnings(
        with_property(type="array", items=atomic, **{"x-kubernetes-list-type": "set"})
    )
    assert said.startswith('x-kubernetes-list-type: set for items of type "object" is not')


def test_a_finalizer_without_a_domain_is_told():
    obj = widget()
    obj["metadata"]["finalizers"] = ["example.com/good", "foregroundDeletion"]
    assert finalizer_warnings(obj) == []
    obj["metadata"]["finalizers"] = ["cleanup", "cleanup.example.com"]
    plain, dotted = finalizer_warnings(obj)
    assert plain.startswith('metadata.finalizers: "cleanup": prefer a domain-qualified finalizer')
    assert "including a path (/)" in dotted
