"""JSON patch and JSON merge patch."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.apimachinery.patch import apply_json_patch, apply_merge_patch
from paas.core.errors import BadRequestError, InvalidError, RequestTooLargeError

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=2), below),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)

RFC_7386 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7386)
def test_merge_patch_does_what_the_table_of_rfc_7386_says(target: Any, patch: Any, result: Any):
    assert apply_merge_patch(target, patch) == result


@pytest.mark.parametrize("patch", [["c"], None, "bar", 1])
def test_a_merge_patch_that_is_no_object_is_a_bad_request(patch: Any):
    with pytest.raises(BadRequestError):
        apply_merge_patch({"a": "foo"}, patch)


@given(OBJECTS)
def test_an_empty_merge_patch_changes_nothing(obj: dict[str, Any]):
    assert apply_merge_patch(obj, {}) == obj


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_applied_twice_is_as_applied_once(obj: dict[str, Any], patch: dict[str, Any]):
    once = apply_merge_patch(obj, patch)
    assert apply_merge_patch(once, patch) == once


def test_a_merge_patch_leaves_object_and_patch_alone():
    obj, patch = {"a": {"b": 1}}, {"a": {"c": {"d": [1]}}}
    result = apply_merge_patch(obj, patch)
    result["a"]["c"]["d"].append(2)
    assert (obj, patch) == ({"a": {"b": 1}}, {"a": {"c": {"d": [1]}}})


def test_json_patch_operations_apply_in_order():
    obj = {"metadata": {"labels": {"a/b": "1"}}, "list": [1, 2, 3]}
    operations = [
        {"op": "test", "path": "/metadata/labels/a~1b", "value": "1"},
        {"op": "replace", "path": "/metadata/labels/a~1b", "value": "2"},
        {"op": "add", "path": "/list/1", "value": 9},
        {"op": "add", "path": "/list/-", "value": 4},
        {"op": "remove", "path": "/list/0"},
        {"op": "copy", "from": "/list", "path": "/copy"},
        {"op": "move", "from": "/metadata/labels", "path": "/moved"},
    ]
    assert apply_json_patch(obj, operations) == {
        "metadata": {},
        "list": [9, 2, 3, 4],
        "copy": [9, 2, 3, 4],
        "moved": {"a/b": "2"},
    }
    assert obj == {"metadata": {"labels": {"a/b": "1"}}, "list": [1, 2, 3]}


def test_a_value_of_the_patch_is_not_changed_by_later_operations():
    operations: list[Any] = [
        {"op": "add", "path": "/a", "value": {}},
        {"op": "add", "path": "/a/b", "value": 1},
    ]
    for _ in range(2):
        assert apply_json_patch({}, operations) == {"a": {"b": 1}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/a", "value": True},
        {"op": "test", "path": "/a", "value": 1.0},
        {"op": "test", "path": "/list", "value": [True]},
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "add", "path": "/missing/deep", "value": 1},
        {"op": "add", "path": "/list/7", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "add", "path": "no-slash", "value": 1},
        {"op": "add", "path": "/a"},
        {"op": "move", "path": "/b", "from": "/missing"},
        {"op": "copy", "path": "/b"},
        {"op": "copy", "path": "/b", "from": "/list/-"},
        {"op": "copy", "path": "/b", "from": 5},
        {"op": "jump", "path": "/a"},
        {"path": "/a"},
        {"op": "add", "value": 1},
        {"op": "replace", "path": "", "value": 5},
    ],
)
def test_an_operation_that_cannot_apply_makes_the_patch_invalid(operation: dict[str, Any]):
    obj = {"a": 1, "list": [1]}
    with pytest.raises(InvalidError) as caught:
        apply_json_patch(obj, [{"op": "add", "path": "/z", "value": 1}, operation])
    assert caught.value.causes[0].message
    assert obj == {"a": 1, "list": [1]}


@pytest.mark.parametrize("operations", [{"op": "add"}, ["add"], None, "x", [["a"]]])
def test_what_is_no_list_of_operations_is_a_bad_request(operations: Any):
    with pytest.raises(BadRequestError):
        apply_json_patch({}, operations)


PATHS = st.lists(st.sampled_from(["a", "b", "0", "-", "-1", "01", "~0", "~", ""]), max_size=3)
OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": PATHS.map(lambda steps: "".join(f"/{step}" for step in steps)),
    },
    optional={
        "from": PATHS.map(lambda steps: "".join(f"/{step}" for step in steps)) | st.none(),
        "value": VALUES,
    },
)


@given(OBJECTS, VALUES, st.lists(OPERATIONS, max_size=3))
def test_any_operations_apply_or_are_refused_and_nothing_else(
    obj: dict[str, Any], value: Any, operations: list[dict[str, Any]]
):
    try:
        found = apply_json_patch({**obj, "a": value, "b": [value]}, operations)
    except (BadRequestError, InvalidError):
        return
    assert isinstance(found, dict)


def test_more_than_ten_thousand_operations_are_too_many():
    operation = {"op": "test", "path": "/a", "value": 1}
    with pytest.raises(RequestTooLargeError, match="is 10000, got 10001"):
        apply_json_patch({"a": 1}, [operation] * 10_001)


def test_a_chain_of_copies_cannot_grow_without_bound():
    double = {"op": "copy", "from": "/a", "path": "/a/-"}
    with pytest.raises(InvalidError, match="due to an error"):
        apply_json_patch({"a": ["x" * 1000]}, [double] * 64)


def test_endless_nesting_is_a_bad_request():
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(BadRequestError, match="too deeply"):
        apply_merge_patch({}, deep)
    with pytest.raises(BadRequestError, match="too deeply"):
        apply_json_patch({}, [{"op": "add", "path": "/a", "value": deep}])
