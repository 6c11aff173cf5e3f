"""Which revision is of the template, what it holds, which go. Pure."""

import copy

from paas.core.objects import labels_of, name_of
from paas.orchestration.controllers.revisions.plan import (
    HASH_LABEL,
    expendable,
    history_of,
    is_of,
    new_revision,
    next_number,
    snapshot_of,
)


def owner(image="web:1", name="web"):
    containers = [{"name": "web", "image": image, "env": []}]
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": "1",
            "annotations": {"kubernetes.io/change-cause": "because"},
        },
        "spec": {
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
        },
    }


def revision(number, value="", **metadata):
    return {
        "metadata": {
            "name": f"web-{number}",
            "labels": {HASH_LABEL: value or f"h{number}"},
            **metadata,
        },
        "revision": number,
        "data": {},
    }


def test_a_revision_is_a_patch_that_replaces_the_template():
    made = new_revision(owner(), 3, collisions=None)
    assert made["revision"] == 3
    assert made["data"] == snapshot_of(owner())
    assert made["data"]["spec"]["template"]["$patch"] == "replace"
    assert made["metadata"]["annotations"] == {"kubernetes.io/change-cause": "because"}
    assert labels_of(made)["app"] == "web"
    assert name_of(made) == f"web-{labels_of(made)[HASH_LABEL]}"
    assert made["metadata"]["ownerReferences"][0]["uid"] == "1"


def test_its_name_is_of_the_template_and_of_the_collisions():
    one = name_of(new_revision(owner(), 1, collisions=None))
    assert name_of(new_revision(owner(), 2, collisions=None)) == one
    assert name_of(new_revision(owner(), 1, collisions=1)) != one
    assert name_of(new_revision(owner("web:2"), 1, collisions=None)) != one
    long = name_of(new_revision(owner(name="w" * 250), 1, collisions=None))
    assert long.startswith("w" * 223 + "-")
    assert len(long) <= 253


def test_it_is_of_the_template_whatever_is_left_out_or_empty():
    made = new_revision(owner(), 1, collisions=None)
    bare = copy.deepcopy(owner())
    del bare["spec"]["template"]["spec"]["containers"][0]["env"]
    assert is_of(bare, made)
    assert not is_of(owner("web:2"), made)


def test_the_history_is_in_order_and_goes_on():
    same = new_revision(owner(), 2, collisions=None)
    found = history_of(owner(), [revision(5), same, revision(1)])
    assert found.current == [same]
    assert [one["revision"] for one in found.old] == [1, 5]
    assert next_number(found.old) == 6
    assert next_number([]) == 1


def test_the_oldest_that_nobody_needs_go():
    old = [revision(3), revision(1), revision(2)]
    assert [one["revision"] for one in expendable(old, (), limit=1)] == [1, 2]
    assert [one["revision"] for one in expendable(old, {"h1"}, limit=1)] == [2, 3]
    assert [one["revision"] for one in expendable(old, {"h1", "h2", "h3"}, limit=0)] == []
    assert expendable(old, (), limit=3) == []
    assert expendable(old, (), limit=None) == []
    going = [revision(1, deletionTimestamp="2026-01-01T00:00:00Z"), revision(2)]
    assert expendable(going, (), limit=1) == []
