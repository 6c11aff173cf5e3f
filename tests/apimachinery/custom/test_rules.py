"""`x-kubernetes-validations`: what rules see, when they are asked, what they answer."""

import pytest

from paas.apimachinery.custom.rules import rule_errors, validation_errors
from paas.apimachinery.custom.schema import CustomSchema

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


def schema_of(rule, properties, **more):
    """Return the schema of an object whose spec has these properties and one rule."""
    rules = [{"rule": rule, **more}]
    spec = {"type": "object", "properties": properties, "x-kubernetes-validations": rules}
    return {"type": "object", "properties": {"spec": spec}}


def said(schema, spec, old=None):
    """Return field and message of each cause."""
    checked = CustomSchema(schema, "Widget")
    head = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
    before = None if old is None else {**head, "spec": old}
    return [(one.field, one.message) for one in checked.check({**head, "spec": spec}, before)]


def refused(schema):
    return [(one.field.rpartition("]")[2], one.message) for one in rule_errors(schema, "s")]


def holds(rule, spec, properties):
    assert refused(schema_of(rule, properties)) == []
    return said(schema_of(rule, properties), spec) == []


def test_a_rule_is_held_against_its_part_of_the_object():
    schema = schema_of(
        "self.low <= self.high", {"low": WHOLE, "high": WHOLE}, message="low must not exceed high"
    )
    assert said(schema, {"low": 1, "high": 2}) == []
    assert said(schema, {"low": 3, "high": 2}) == [
        ("spec", "Invalid value: low must not exceed high")
    ]


def test_a_rule_without_a_message_shows_itself():
    schema = schema_of("self.a > 1", {"a": WHOLE})
    assert said(schema, {"a": 1}) == [("spec", "Invalid value: failed rule: self.a > 1")]


def test_reason_place_and_computed_message_are_the_rules_own():
    schema = schema_of(
        "self.a > 1",
        {"a": WHOLE},
        messageExpression="'a is %d, which is too low'.format([self.a])",
        fieldPath=".a",
        reason="FieldValueForbidden",
    )
    assert refused(schema) == []
    assert said(schema, {"a": 1}) == [("spec.a", "Forbidden: a is 1, which is too low")]


def test_a_message_that_fails_gives_way():
    schema = schema_of(
        "self.a > 1", {"a": WHOLE}, messageExpression="self.b", message="as it was written"
    )
    assert said(schema, {"a": 1}) == [("spec", "Invalid value: as it was written")]


def test_a_scalars_rule_shows_the_value():
    bounded = {**WHOLE, "x-kubernetes-validations": [{"rule": "self % 2 == 0"}]}
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"a": bounded}}},
    }
    assert said(schema, {"a": 3}) == [("spec.a", "Invalid value: 3: failed rule: self % 2 == 0")]


def test_a_transition_is_asked_on_update_only():
    schema = schema_of("self.a >= oldSelf.a", {"a": WHOLE}, message="a never goes down")
    assert refused(schema) == []
    assert said(schema, {"a": 1}) == []
    assert said(schema, {"a": 2}, {"a": 1}) == []
    assert said(schema, {"a": 1}, {"a": 2}) == [("spec", "Invalid value: a never goes down")]


def test_an_optional_old_self_is_asked_always():
    rule = "oldSelf.hasValue() ? self.a >= oldSelf.value().a : self.a == 0"
    schema = schema_of(rule, {"a": WHOLE}, optionalOldSelf=True, message="begins at 0, grows")
    assert refused(schema) == []
    assert said(schema, {"a": 0}) == []
    assert said(schema, {"a": 1}) == [("spec", "Invalid value: begins at 0, grows")]
    assert said(schema, {"a": 1}, {"a": 0}) == []


def test_items_of_maps_have_old_selves_and_others_have_none():
    item = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": TEXT, "n": WHOLE},
        "x-kubernetes-validations": [{"rule": "self.n >= oldSelf.n", "message": "no"}],
    }
    keyed = {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"l": keyed}}},
    }
    assert refused(schema) == []
    old = {"l": [{"name": "a", "n": 2}, {"name": "b", "n": 2}]}
    new = {"l": [{"name": "b", "n": 1}, {"name": "c", "n": 1}]}
    assert said(schema, new, old) == [("spec.l[0]", "Invalid value: no")]
    del keyed["x-kubernetes-list-type"]
    ((place, message),) = refused(schema)
    assert place == ".rule"
    assert "oldSelf cannot be used on the uncorrelatable portion of the schema within" in message


def test_what_has_not_changed_is_not_held_against_the_writer():
    schema = schema_of("self.a > 1", {"a": WHOLE, "b": WHOLE})
    assert said(schema, {"a": 1}, {"a": 1}) == []
    assert said(schema, {"a": 1, "b": 1}, {"a": 1}) != []


@pytest.mark.parametrize(
    ("rule", "place", "message"),
    [
        ("", ".rule", "Required value: rule is not specified"),
        ("self.a >", ".rule", "compilation failed: ERROR: <input>:1:9: Syntax error"),
        ("nothing.a", ".rule", "undeclared reference to 'nothing.a'"),
        ("self.a.unheardOf()", ".rule", "undeclared reference to 'unheardOf'"),
        (
            "self.b == 'x'",
            ".rule",
            "ERROR: <input>:1:5: undefined field 'b'\n | self.b == 'x'\n | ....^",
        ),
        ("has(self.b)", ".rule", "undefined field 'b'"),
        ("self.?b.orValue('x') == 'x'", ".rule", "undefined field 'b'"),
        ("cel.bind(me, self, me.b == 'x')", ".rule", "undefined field 'b'"),
        ("semver('1.0.0').major() == 1", ".rule", "undeclared reference to 'semver'"),
        ("1 + 'a' == 2", ".rule", "found no matching overload for '_+_'"),
        ("'text'", ".rule", "cel expression must evaluate to a bool"),
        ("self.a == '" + "x" * 20_000 + "'", ".rule", "code point size exceeds limit"),
    ],
)
def test_a_rule_that_cannot_be_asked_is_refused(rule, place, message):
    ((found, why),) = refused(schema_of(rule, {"a": TEXT}))
    assert found == place
    assert message in why


@pytest.mark.parametrize(
    ("words", "place", "message"),
    [
        ({"message": " "}, ".message", "must be non-empty if specified"),
        ({"message": "a\nb"}, ".message", "must not contain line breaks"),
        ({"reason": "Because"}, ".reason", 'Unsupported value: "Because"'),
        ({"fieldPath": ".nope"}, ".fieldPath", "must be a valid path"),
        ({"messageExpression": "1"}, ".messageExpression", "must evaluate to a string"),
        ({"messageExpression": "x."}, ".messageExpression", "messageExpression compilation failed"),
        ({"optionalOldSelf": True}, ".optionalOldSelf", "may not be set if oldSelf is not used"),
    ],
)
def test_the_words_around_a_rule_are_checked(words, place, message):
    ((found, why),) = refused(schema_of("self.a == 'x'", {"a": TEXT}, **words))
    assert found == place
    assert message in why


@pytest.mark.parametrize(
    ("rule", "spec", "properties"),
    [
        ("self.l.isSorted() && self.l.sum() == 6 && self.l.max() == 3 && self.l.min() == 1",
         {"l": [1, 2, 3]}, {"l": {"type": "array", "items": WHOLE}}),
        ("self.l.indexOf('b') == 1 && self.l.lastIndexOf('a') == 2",
         {"l": ["a", "b", "a"]}, {"l": {"type": "array", "items": TEXT}}),
        ("self.t.find('[0-9]+') == '12' && self.t.findAll('[a-z]+') == ['ab', 'cd']",
         {"t": "ab12cd"}, {"t": TEXT}),
        ("url(self.t).getHost() == 'a.b:80' && url(self.t).getPort() == '80' && !isURL('x y')",
         {"t": "https://a.b:80/p?q=1"}, {"t": TEXT}),
        ("quantity(self.t).isGreaterThan(quantity('500m')) && quantity('1') == quantity('1000m')",
         {"t": "1"}, {"t": TEXT}),
        ("quantity('1').add(quantity('2')).asInteger() == 3 && !isQuantity('much')",
         {}, {}),
        ("ip(self.t).family() == 4 && cidr('10.0.0.0/8').containsIP(self.t) && isCIDR('::/0')",
         {"t": "10.1.2.3"}, {"t": TEXT}),
        ("sets.contains(self.l, ['a']) && sets.intersects(self.l, ['b', 'z'])",
         {"l": ["a", "b"]}, {"l": {"type": "array", "items": TEXT}}),
        ("self.t.lowerAscii().split(',').size() == 2 && self.t.replace('A', 'z') == 'z,B'",
         {"t": "A,B"}, {"t": TEXT}),
        ("self.?missing.orValue('x') == 'x' && !has(self.missing)", {}, {"missing": TEXT}),
        ("self.when > timestamp('2020-01-01T00:00:00Z') && self.span < duration('2h')",
         {"when": "2021-01-01T00:00:00Z", "span": "90m"},
         {"when": {**TEXT, "format": "date-time"}, "span": {**TEXT, "format": "duration"}}),
        ("self.ratio == 1.0 && type(self.ratio) == double", {"ratio": 1},
         {"ratio": {"type": "number"}}),
        ("self.a__dash__b == 'x' && self.__namespace__ == 'y'",
         {"a-b": "x", "namespace": "y"}, {"a-b": TEXT, "namespace": TEXT}),
        ("type(self.p) == string ? self.p == '80%' : self.p == 80", {"p": "80%"},
         {"p": {"x-kubernetes-int-or-string": True}}),
        ("self.m.all(k, k.startsWith('a')) && self.m['a1'] == 1", {"m": {"a1": 1}},
         {"m": {"type": "object", "additionalProperties": WHOLE}}),
        ("self.n == null", {"n": None}, {"n": {**TEXT, "nullable": True}}),
    ],
)  # fmt: skip
def test_what_rules_can_say(rule, spec, properties):
    assert holds(rule, spec, properties)


def test_the_root_has_its_name_and_nothing_else_of_its_metadata():
    rules = [{"rule": "self.metadata.name.size() < 5"}]
    schema = {"type": "object", "properties": {}, "x-kubernetes-validations": rules}
    assert refused(schema) == []
    assert CustomSchema(schema, "W").check({"metadata": {"name": "w", "labels": {}}}) == []
    wrong = CustomSchema(schema, "W").check({"metadata": {"name": "longer"}})
    assert [one.field for one in wrong] == ["<nil>"]
    rules[0]["rule"] = "has(self.metadata.labels)"
    assert "undefined field 'labels'" in refused(schema)[0][1]


def test_fields_of_items_and_of_maps_are_known_too():
    item = {"type": "object", "properties": {"a": TEXT}}
    properties = {
        "l": {"type": "array", "items": item},
        "m": {"type": "object", "additionalProperties": item},
        "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    }
    for good in (
        "self.l.all(i, i.a == 'x')",
        "self.m.k.a == 'x'",
        "self.l[0].a == 'x'",
        "self.any.thing == 1",
        "self.m.all(k, self.m[k].a == 'x')",
    ):
        assert refused(schema_of(good, properties)) == []
    for bad in ("self.l.all(i, i.b == 'x')", "self.m.k.b == 'x'", "self.l[0].b == 'x'"):
        ((_, why),) = refused(schema_of(bad, properties))
        assert "undefined field 'b'" in why


def test_a_rule_that_fails_says_why():
    schema = schema_of("self.b == 1", {"a": WHOLE, "b": WHOLE})
    assert said(schema, {"a": 1}) == [
        ("spec", 'Invalid value: "object": no such key: b evaluating rule: self.b == 1')
    ]


def test_a_rule_that_goes_round_too_often_is_stopped():
    rule = "self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))"
    schema = schema_of(rule, {"l": {"type": "array", "items": WHOLE}})
    ((_, why),) = said(schema, {"l": list(range(300))})
    assert "no further validation rules will be run due to call cost exceeds limit" in why


def test_all_rules_of_a_write_have_one_bound_of_time(monkeypatch):
    monkeypatch.setattr("paas.apimachinery.custom.rules.evaluation.CPU_S", -1.0)
    schema = schema_of("true", {})
    (cause,) = validation_errors({"spec": {}}, schema)
    assert "running out of cost budget" in cause.message


def test_rules_are_not_asked_about_what_is_wrong_anyway():
    schema = schema_of("self.a > 1", {"a": WHOLE})
    found = dict(said(schema, {"a": "text"}))
    assert "some validation rules were not checked because the object was invalid" in found["<nil>"]


def test_defaults_are_held_to_the_rules():
    from paas.apimachinery.custom.default_rules import default_errors

    even = {**WHOLE, "default": 3, "x-kubernetes-validations": [{"rule": "self % 2 == 0"}]}
    schema = {"type": "object", "properties": {"a": even}}
    (cause,) = default_errors(schema, "s")
    assert cause.field == "s.properties[a].default"
