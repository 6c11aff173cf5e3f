"""The rules of metadata that hold for every kind."""

import pytest

from paas.apimachinery.kinds import Kind
from paas.apimachinery.metadata import (
    label_selector_errors,
    metadata_errors,
    metadata_update_errors,
)
from paas.core.names import subdomain_errors

CONFIG = Kind("", "v1", "ConfigMap", "configmaps", subdomain_errors)
NODE = Kind("", "v1", "Node", "nodes", subdomain_errors, namespaced=False)
QUESTION = Kind("", "v1", "Review", "reviews", subdomain_errors, verbs=("create",))
SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters"


def told(causes):
    return [(cause.field, cause.reason, cause.message) for cause in causes]


def metadata(**fields):
    return {"metadata": {"name": "web", "namespace": "shop", **fields}}


def test_good_metadata_breaks_no_rule():
    obj = metadata(
        labels={"app.kubernetes.io/name": "web"},
        annotations={"Example.com/Note": "any text\n"},
        finalizers=["example.com/keep"],
        ownerReferences=[{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1"}],
    )
    assert metadata_errors(obj, CONFIG) == []


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": ""}, "metadata.name", "Required value: name or generateName is required"),
        ({"name": "Web"}, "metadata.name", f'Invalid value: "Web": {SUBDOMAIN}'),
        ({"generateName": "Web-"}, "metadata.generateName", 'Invalid value: "Web-": '),
        ({"namespace": ""}, "metadata.namespace", "Required value"),
        ({"labels": {"a b": "x"}}, "metadata.labels", 'Invalid value: "a b": name part must'),
        ({"labels": {"a": "x y"}}, "metadata.labels", 'Invalid value: "x y": a valid label must'),
        ({"annotations": {"/x": ""}}, "metadata.annotations", 'Invalid value: "/x": prefix part'),
        (
            {"annotations": {"x": "y" * 262145}},
            "metadata.annotations",
            "Too long: may not be more than 262144 bytes",
        ),
        ({"finalizers": ["a b"]}, "metadata.finalizers", 'Invalid value: "a b": name part must'),
        (
            {"finalizers": ["orphan", "foregroundDeletion"]},
            "metadata.finalizers",
            'Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and '
            "foregroundDeletion cannot be both set",
        ),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "a"}]},
            "metadata.ownerReferences[0].uid",
            "Required value: must not be empty",
        ),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "a", "uid": "1"}]},
            "metadata.ownerReferences[0]",
            "Invalid value: ",
        ),
    ],
)
def test_each_rule_names_its_field(fields, field, words):
    ((path, _, message),) = told(metadata_errors(metadata(**fields), CONFIG))
    assert path == field
    assert message.startswith(words)


def test_a_prefix_may_end_in_a_dash():
    assert metadata_errors(metadata(generateName="web-"), CONFIG) == []


def test_a_cluster_scoped_object_has_no_namespace():
    assert told(metadata_errors(metadata(), NODE)) == [
        ("metadata.namespace", "FieldValueForbidden", "Forbidden: not allowed on this type")
    ]


def test_a_question_that_is_not_kept_needs_no_name():
    assert metadata_errors({"metadata": {"namespace": "shop"}}, QUESTION) == []


def test_only_one_owner_is_the_controller():
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1", "controller": True}
    owners = [owner, {**owner, "name": "b"}]
    ((path, _, message),) = told(metadata_errors(metadata(ownerReferences=owners), CONFIG))
    assert path == "metadata.ownerReferences"
    assert message.endswith('Found "true" in references for Pod/a and Pod/b')


@pytest.mark.parametrize("field", ["name", "namespace", "uid", "deletionTimestamp"])
def test_what_identifies_an_object_cannot_change(field):
    same = {"uid": "1", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    old, new = metadata(**same), metadata(**{**same, field: "other"})
    assert (f"metadata.{field}", "FieldValueInvalid") in [
        (path, reason) for path, reason, _ in told(metadata_update_errors(new, old))
    ]


def test_an_object_that_is_going_gets_no_new_finalizer():
    old = metadata(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["a/b"])
    new = metadata(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["a/b", "c/d"])
    ((path, reason, message),) = told(metadata_update_errors(new, old))
    assert (path, reason) == ("metadata.finalizers", "FieldValueForbidden")
    assert message.endswith('found new finalizers []string{"c/d"}')
    assert metadata_update_errors(old, new) == []


def test_a_generation_does_not_go_back():
    causes = metadata_update_errors(metadata(generation=1), metadata(generation=2))
    assert told(causes) == [
        ("metadata.generation", "FieldValueInvalid", "Invalid value: 1: must not be decremented")
    ]


@pytest.mark.parametrize(
    ("term", "field", "words"),
    [
        ({"key": "a", "operator": "In"}, "values", "Required value: must be specified when"),
        ({"key": "a", "operator": "Exists", "values": ["b"]}, "values", "Forbidden: may not be"),
        ({"key": "a", "operator": "Is"}, "operator", 'Invalid value: "Is": not a valid selector'),
        ({"key": "", "operator": "Exists"}, "key", 'Invalid value: "": name part must be'),
        (
            {"key": "a", "operator": "In", "values": ["b c"]},
            "values[0]",
            'Invalid value: "b c": a valid label must',
        ),
    ],
)
def test_each_rule_of_a_selector_names_its_term(term, field, words):
    ((path, _, message),) = told(label_selector_errors({"matchExpressions": [term]}, "s"))
    assert path == f"s.matchExpressions[0].{field}"
    assert message.startswith(words)
