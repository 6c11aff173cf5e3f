"""What a structural schema makes of an object: pruning, defaults, values, formats."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.apimachinery.custom.defaulting import apply_defaults
from paas.apimachinery.custom.formats import checker_of
from paas.apimachinery.custom.pruning import prune
from paas.apimachinery.custom.schema import CustomSchema
from paas.apimachinery.custom.validation import value_errors
from paas.core.errors import BadRequestError
from tests.fakes.definitions import SCHEMA, widget

KEEP = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
TEXT = {"type": "string"}
WIDGET = CustomSchema(SCHEMA, "Widget")


@pytest.mark.parametrize(
    ("schema", "value", "left", "dropped"),
    [
        ({"type": "object"}, {"a": 1}, {}, ["a"]),
        ({"type": "object", "properties": {"a": TEXT}}, {"a": 1, "b": 2}, {"a": 1}, ["b"]),
        (KEEP, {"a": {"b": 1}}, {"a": {"b": 1}}, []),
        (
            {**KEEP, "properties": {"a": {"type": "object"}}},
            {"a": {"b": 1}, "c": {"d": 1}},
            {"a": {}, "c": {"d": 1}},
            ["a.b"],
        ),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": TEXT}}},
            [{"a": 1, "b": 2}],
            [{"a": 1}],
            ["[0].b"],
        ),
        (
            {"type": "object", "additionalProperties": {"type": "object"}},
            {"k": {"a": 1}},
            {"k": {}},
            ["k.a"],
        ),
        ({"type": "object", "additionalProperties": True}, {"k": {"a": 1}}, {"k": {}}, ["k.a"]),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True},
            {"apiVersion": "v1", "kind": "K", "metadata": {"x": 1}, "spec": 1},
            {"apiVersion": "v1", "kind": "K", "metadata": {"x": 1}},
            ["spec"],
        ),
    ],
)
def test_unknown_fields_go(schema, value, left, dropped):
    assert prune(value, schema) == dropped
    assert value == left


@pytest.mark.parametrize(
    ("schema", "value", "filled"),
    [
        ({**TEXT, "default": "x"}, {}, {"a": "x"}),
        ({**TEXT, "default": "x"}, {"a": None}, {"a": "x"}),
        ({**TEXT, "default": "x", "nullable": True}, {"a": None}, {"a": None}),
        (TEXT, {"a": None}, {}),
        ({**TEXT, "nullable": True}, {"a": None}, {"a": None}),
        (
            {"type": "object", "default": {}, "properties": {"b": {**TEXT, "default": "y"}}},
            {},
            {"a": {"b": "y"}},
        ),
        (
            {"type": "array", "items": {"type": "object", "properties": {"b": {"default": 1}}}},
            {"a": [{}]},
            {"a": [{"b": 1}]},
        ),
        ({"type": "array", "items": {**TEXT, "default": "z"}}, {"a": [None]}, {"a": ["z"]}),
    ],
)
def test_defaults_fill_what_is_left_out(schema, value, filled):
    apply_defaults(value, {"type": "object", "properties": {"a": schema}})
    assert value == filled


def test_a_default_is_nobodys_own():
    schema = {"type": "object", "properties": {"a": {"type": "object", "default": {"b": 1}}}}
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    apply_defaults(first, schema)
    first["a"]["b"] = 2
    apply_defaults(second, schema)
    assert second == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"type": "integer"}, "x", 'a in body must be of type integer: "string"'),
        ({"type": "integer"}, 1.0, None),
        ({"type": "integer"}, True, 'a in body must be of type integer: "boolean"'),
        ({"type": "number"}, 1, None),
        ({"type": "string"}, None, 'a in body must be of type string: "null"'),
        ({"minimum": 2, "exclusiveMinimum": True}, 2, "a in body should be greater than 2"),
        ({"maximum": 2}, 3, "a in body should be less than or equal to 2"),
        ({"multipleOf": 0.1}, 0.3, None),
        ({"multipleOf": 2}, 3, "a in body should be a multiple of 2"),
        ({"type": "integer", "format": "int32"}, 2**31, "with format int32 in a"),
        ({"minLength": 2}, "x", "a in body should be at least 2 chars long"),
        ({"pattern": "^a+$"}, "b", "a in body should match '^a+$'"),
        ({"pattern": "^(a+)+$"}, "a" * 50 + "!", "a in body should match"),
        ({"format": "ipv4"}, "1.2.3", 'a in body must be of type ipv4: "1.2.3"'),
        ({"minItems": 1}, [], "a in body should have at least 1 items"),
        ({"maxItems": 1}, [1, 2], "Too many: 2: must have at most 1 item"),
        ({"maxProperties": 1}, {"a": 1, "b": 1}, "Too many: 2"),
        ({"required": ["b"]}, {}, "Required value"),
        ({"enum": [1, "x"]}, 2, 'Unsupported value: 2: supported values: "1", "x"'),
        ({"not": {"minimum": 5}}, 6, '"a" must not validate the schema (not)'),
        ({"anyOf": [{"minimum": 5}, {"maximum": 1}]}, 3, "at least one schema (anyOf)"),
        ({"allOf": [{"minimum": 5}]}, 3, "must validate all the schemas (allOf). None validated"),
        (
            {"oneOf": [{"minimum": 1}, {"minimum": 2}]},
            3,
            "must validate one and only one schema (oneOf). Found 2 valid alternatives",
        ),
    ],
)
def test_values_are_checked(schema, value, said):
    found = [one.message for one in value_errors(value, schema, "a")]
    if said is None:
        assert found == []
    else:
        assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2026-11-29", "2026-13-01"),
        ("date-time", "2026-11-29T12:00:00Z", "yesterday"),
        ("duration", "1h30m", "soon"),
        ("email", "a@b.c", "a b"),
        ("hostname", "a.example.com", "a_b"),
        ("uri", "https://a.b/c", "no uri"),
        ("uuid", "c0ffee00-0000-4000-8000-000000000000", "coffee"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("ipv6", "::1", "127.0.0.1"),
        ("mac", "00:00:5e:00:53:01", "00:00"),
        ("byte", "YQ==", "%"),
        ("isbn", "978-0321751041", "978-0321751042"),
        ("hexcolor", "#FFFFFF", "white"),
        ("k8s-short-name", "a-b", "A"),
    ],
)
def test_formats(name, good, bad):
    check = checker_of(name)
    assert check is not None
    assert check(good)
    assert not check(bad)


def test_an_alternative_is_not_made_to_fit_by_what_is_forgiven():
    one = {"properties": {"x": {"enum": [1]}}}
    other = {"properties": {"x": {"enum": [2]}}}
    schema = {
        "type": "object",
        "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
        "oneOf": [one, other],
    }
    assert value_errors({"x": 1, "y": 2}, schema, "a", {"x": 1, "y": 1}) == []
    assert value_errors({"x": 3, "y": 2}, schema, "a", {"x": 3, "y": 1}) != []
    assert value_errors({"x": 3, "y": 1}, schema, "a", {"x": 3, "y": 1}) == []


def test_a_format_that_nobody_knows_says_nothing():
    assert value_errors("anything", {"type": "string", "format": "lottery"}, "a") == []


def test_metadata_is_read_at_the_root_and_in_embedded_resources():
    obj = widget(template={"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "x": 1}})
    obj["metadata"]["bogus"] = 1
    assert WIDGET.unknown_fields(obj) == ["metadata.bogus", "spec.template.metadata.x"]
    read = WIDGET.prune(obj)
    assert read["metadata"] == {"name": "one"}
    assert read["spec"]["template"]["metadata"] == {"name": "a"}
    obj["spec"]["template"]["metadata"] = {"labels": 1}
    with pytest.raises(BadRequestError, match=r"spec.template.metadata: Invalid value"):
        WIDGET.prune(obj)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("abx", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["color", "parts", "tags", "name", "x"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_to_read_twice_is_to_read_once(spec):
    obj = {**widget(), "spec": spec}
    once = WIDGET.prune(obj)
    WIDGET.default(once)
    twice = WIDGET.prune(once)
    WIDGET.default(twice)
    assert twice == once
    before = copy.deepcopy(once)
    WIDGET.check(once)
    WIDGET.check(once, {**widget(), "spec": spec})
    assert once == before


def test_what_patches_go_by_is_there_when_asked_for():
    spec = (WIDGET.root.fields or {})["spec"].node.fields or {}
    assert (spec["parts"].list_type, spec["parts"].map_keys) == ("map", ("name",))
    assert spec["tags"].list_type == "set"
    assert (WIDGET.root.fields or {})["metadata"].node.fields
