"""Namespaces: their finalizer, their phase, their labels."""

import copy

import pytest

from paas.orchestration.kinds.core_namespace import NAMESPACE
from tests.orchestration.kinds.objects import broken, context, lines, made, row


def namespace(**metadata):
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "shop", **metadata},
    }


def test_a_new_namespace_is_active_and_held_by_its_finalizer():
    obj = made(NAMESPACE, namespace())
    assert obj["spec"] == {"finalizers": ["kubernetes"]}
    assert obj["status"] == {"phase": "Active"}
    assert obj["metadata"]["labels"] == {"kubernetes.io/metadata.name": "shop"}
    assert NAMESPACE.holds(obj)


def test_the_label_with_its_name_cannot_be_taken_off():
    obj = made(NAMESPACE, namespace(labels={"kubernetes.io/metadata.name": "other", "a": "b"}))
    assert obj["metadata"]["labels"] == {"kubernetes.io/metadata.name": "shop", "a": "b"}


def test_an_ordinary_update_leaves_the_finalizers():
    old = made(NAMESPACE, namespace())
    new = copy.deepcopy(old)
    new["spec"]["finalizers"] = []
    NAMESPACE.prepare_update(new, old, context())
    assert new["spec"]["finalizers"] == ["kubernetes"]


def test_a_deleted_namespace_is_terminating_until_nothing_holds_it():
    obj = made(NAMESPACE, namespace())
    NAMESPACE.mark_deleting(obj)
    assert obj["status"]["phase"] == "Terminating"
    obj["spec"]["finalizers"] = []
    assert not NAMESPACE.holds(obj)


@pytest.mark.parametrize(
    ("metadata", "phase", "expected"),
    [
        ({}, "Active", []),
        (
            {},
            "Terminating",
            [
                "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if "
                "`deletionTimestamp` is empty"
            ],
        ),
        ({"deletionTimestamp": "2026-01-01T00:00:00Z"}, "Terminating", []),
        (
            {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            "Active",
            [
                "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if "
                "`deletionTimestamp` is not empty"
            ],
        ),
    ],
)
def test_the_phase_says_whether_it_is_going(metadata, phase, expected):
    obj = made(NAMESPACE, namespace(**metadata))
    obj["status"]["phase"] = phase
    assert lines(NAMESPACE.validate_update(obj, obj)) == expected


@pytest.mark.parametrize(
    ("label", "value", "why"),
    [
        ("enforce", "strict", "must be one of privileged, baseline, restricted"),
        ("warn", "none", "must be one of privileged, baseline, restricted"),
        ("enforce-version", "1.30", 'must be "latest" or "v1.x"'),
    ],
)
def test_a_pod_security_label_is_one_of_upstreams(label, value, why):
    key = f"pod-security.kubernetes.io/{label}"
    expected = f'metadata.labels[{key}]: Invalid value: "{value}": {why}'
    assert broken(NAMESPACE, namespace(labels={key: value})) == [expected]


def test_good_pod_security_labels_pass():
    prefix = "pod-security.kubernetes.io/"
    labels = {f"{prefix}enforce": "restricted", f"{prefix}enforce-version": "v1.30"}
    assert broken(NAMESPACE, namespace(labels=labels)) == []


def test_a_finalizer_is_known_or_qualified():
    obj = {**namespace(), "spec": {"finalizers": ["mine"]}}
    assert broken(NAMESPACE, obj) == [
        'spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is '
        "it fully qualified"
    ]


def test_its_line_and_fields_tell_its_phase():
    obj = made(NAMESPACE, namespace(creationTimestamp="2026-01-02T03:04:05Z"))
    assert row(NAMESPACE, obj) == {
        "Name": "shop",
        "Status": "Active",
        "Age": "2026-01-02T03:04:05Z",
    }
    assert NAMESPACE.fields(obj)["status.phase"] == "Active"
