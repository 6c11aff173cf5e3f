"""What a CustomResourceDefinition may say, in upstream's words."""

import copy

import pytest

from paas.apimachinery.kinds import WriteContext
from paas.apimachinery.schema import Schemas
from paas.core.actors import platform_actor
from paas.core.errors import BadRequestError
from paas.orchestration.kinds.custom_resource_definition import (
    CLEANUP,
    CUSTOM_RESOURCE_DEFINITION,
)
from tests.fakes.definitions import definition, version
from tests.fakes.door import FakeDoor

KIND = CUSTOM_RESOURCE_DEFINITION
CONTEXT = WriteContext(platform_actor("test"), FakeDoor())
SCHEMAS = Schemas([KIND])
SCHEMA_PATH = "spec.versions[0].schema.openAPIV3Schema"


def created(obj):
    """Return the object as a create leaves it."""
    new = SCHEMAS.of(KIND).decode(obj, KIND)
    KIND.prepare_create(new, CONTEXT)
    KIND.default(new)
    return new


def said(obj):
    new = created(obj)
    causes = SCHEMAS.of(KIND).check(new) or KIND.validate(new)
    return {(cause.field, cause.message) for cause in causes}


def with_schema(**words):
    """Return a definition whose spec has one property `x` of these words."""
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"x": words}}},
    }
    return definition(versions=[version(schema={"openAPIV3Schema": schema}, selectableFields=[])])


X = f"{SCHEMA_PATH}.properties[spec].properties[x]"


def test_a_good_one_is_accepted_and_filled_in():
    new = created(definition())
    assert said(definition()) == set()
    assert new["spec"]["names"]["singular"] == "widget"
    assert new["spec"]["names"]["listKind"] == "WidgetList"
    assert new["spec"]["conversion"] == {"strategy": "None"}
    assert new["status"] == {
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": ["v1"],
    }


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"group": "nodots"}, "spec.group", "should be a domain with at least one dot"),
        ({"scope": "World"}, "spec.scope", 'supported values: "Cluster", "Namespaced"'),
        ({"scope": ""}, "spec.scope", "Required value"),
        (
            {"versions": [version(storage=False)]},
            "spec.versions",
            "must have exactly one version marked as storage version",
        ),
        (
            {"versions": [version(), version(storage=False)]},
            "spec.versions",
            "must contain unique version names",
        ),
        (
            {"names": {"plural": "widgets", "kind": "Widget", "listKind": "Widget"}},
            "spec.names.listKind",
            "kind and listKind may not be the same",
        ),
        (
            {"names": {"plural": "widgets", "kind": "Wid_get"}},
            "spec.names.kind",
            "may have mixed case, but should otherwise match: a DNS-1035 label must consist of",
        ),
        (
            {"conversion": {"strategy": "Webhook"}},
            "spec.conversion.strategy",
            "conversion by webhook is not offered by this platform yet",
        ),
        (
            {"preserveUnknownFields": True},
            "spec.preserveUnknownFields",
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
            "spec.versions[*].schema instead",
        ),
    ],
)
def test_the_spec_is_checked(change, path, words):
    found = dict(said(definition(**change)))
    assert words in found[path]


def test_the_name_is_that_of_the_resource():
    obj = definition()
    obj["metadata"]["name"] = "other.example.com"
    why = 'Invalid value: "other.example.com": must be spec.names.plural+"."+spec.group'
    assert said(obj) == {("metadata.name", why)}


def test_groups_of_the_community_need_their_approval():
    obj = definition(group="widgets.k8s.io")
    path = "metadata.annotations[api-approved.kubernetes.io]"
    assert {field for field, _ in said(obj)} == {path}
    obj["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, a test"}
    assert said(obj) == set()


@pytest.mark.parametrize(
    ("words", "path", "message"),
    [
        ({}, "type", "Required value: must not be empty for specified object fields"),
        ({"type": "array"}, "items", "Required value: must be specified"),
        (
            {"type": "array", "items": {}},
            "items.type",
            "Required value: must not be empty for specified array items",
        ),
        (
            {"type": "weird"},
            "type",
            'Unsupported value: "weird": supported values: "array", "boolean", "integer", '
            '"number", "object", "string"',
        ),
        (
            {"type": "string", "anyOf": [{"type": "string"}]},
            "anyOf[0].type",
            "Forbidden: must be empty to be structural",
        ),
        (
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            "uniqueItems",
            "Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes "
            "quadratic",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "additionalProperties": {"type": "string"},
            },
            "additionalProperties",
            "Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
            "x-kubernetes-preserve-unknown-fields",
            "Invalid value: false: must be true or undefined",
        ),
        (
            {"type": "integer", "x-kubernetes-validations": [{"rule": "self.heard()"}]},
            "x-kubernetes-validations[0].rule",
            'Invalid value: {"rule":"self.heard()"}: compilation failed: ERROR: <input>:1:11: '
            "undeclared reference to 'heard' (in container '')\n | self.heard()\n | ..........^",
        ),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True},
            "properties",
            "Required value: must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields",
        ),
        (
            {"type": "string", "pattern": "(["},
            "pattern",
            'Invalid value: "([": must be a valid regular expression, but isn\'t: missing ]: [',
        ),
        (
            {"type": "string", "default": 3},
            "default",
            'Invalid value: "integer": spec.versions[0].schema.openAPIV3Schema.properties[spec].'
            'properties[x].default in body must be of type string: "integer"',
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "default": {"b": 1}},
            "default",
            'Invalid value: {"b":1}: must not have unknown fields',
        ),
        (
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "bag"},
            "x-kubernetes-list-type",
            'Unsupported value: "bag": supported values: "atomic", "set", "map"',
        ),
        (
            {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"},
            "x-kubernetes-list-map-keys",
            "Required value: must not be empty if x-kubernetes-list-type is map",
        ),
        (
            {
                "type": "array",
                "items": {"type": "object", "properties": {"k": {"type": "string"}}},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["k"],
            },
            "items.properties[k].default",
            "Required value: this property is in x-kubernetes-list-map-keys, so it must have a "
            "default or be a required property",
        ),
        (
            {
                "type": "array",
                "items": {"type": "object"},
                "x-kubernetes-list-type": "set",
            },
            "items.x-kubernetes-map-type",
            "Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
        ),
    ],
)
def test_the_schema_is_checked(words, path, message):
    assert (f"{X}.{path}", message) in said(with_schema(**words))


def test_int_or_string_has_its_one_pattern():
    assert said(with_schema(**{"x-kubernetes-int-or-string": True})) == set()
    both = [{"type": "integer"}, {"type": "string"}]
    assert said(with_schema(anyOf=both, **{"x-kubernetes-int-or-string": True})) == set()


def test_the_root_is_an_object_and_leaves_metadata_alone():
    for words, path, message in (
        ({"type": "string"}, ".type", 'Invalid value: "string": must be object at the root'),
        (
            {"type": "object", "properties": {"metadata": {"type": "object", "required": ["x"]}}},
            ".properties[metadata]",
            "Forbidden: must not specify anything other than name and generateName, but metadata "
            "is implicitly specified",
        ),
        (
            {"type": "object", "anyOf": [{"properties": {"y": {"minLength": 1}}}]},
            ".properties[y]",
            f"Required value: because it is defined in {SCHEMA_PATH}.anyOf[0].properties[y]",
        ),
        (
            {"type": "object", "nullable": True},
            ".nullable",
            "Forbidden: nullable cannot be true at the root",
        ),
    ):
        bare = version(schema={"openAPIV3Schema": words}, selectableFields=[], subresources=None)
        assert (SCHEMA_PATH + path, message) in said(definition(versions=[bare]))


def test_columns_fields_and_scale_are_checked():
    odd = version(
        additionalPrinterColumns=[{"name": "A", "type": "float", "jsonPath": "spec.a"}],
        selectableFields=[{"jsonPath": ".spec.parts"}, {"jsonPath": ".spec.nope"}],
        subresources={
            "scale": {"specReplicasPath": ".status.n", "statusReplicasPath": ".status.n"}
        },
        deprecationWarning="old",
    )
    found = dict(said(definition(versions=[odd])))
    at = "spec.versions[0]"
    types = "boolean,date,integer,number,string"
    column = f"{at}.additionalPrinterColumns[0]"
    assert found[f"{column}.type"] == f'Invalid value: "float": must be one of {types}'
    assert "must be a simple json path starting with ." in found[f"{column}.JSONPath"]
    assert "must point to a field of type string" in found[f"{at}.selectableFields[0].jsonPath"]
    assert "is an invalid path" in found[f"{at}.selectableFields[1].jsonPath"]
    assert "json path under .spec" in found[f"{at}.subresources.scale.specReplicasPath"]
    assert "only be set for deprecated versions" in found[f"{at}.deprecationWarning"]


def test_a_version_without_a_schema_is_refused():
    bare = version(schema=None, selectableFields=[])
    assert ("spec.versions[0].schema.openAPIV3Schema", "Required value") in said(
        definition(versions=[bare])
    )


def test_what_is_no_schema_is_no_request():
    obj = with_schema(type="array", items=5)
    with pytest.raises(BadRequestError, match="cannot be handled as a CustomResourceDefinition"):
        created(obj)


def test_names_and_scope_stay_once_it_is_established():
    old = created(definition())
    old["metadata"]["resourceVersion"] = "1"
    new = copy.deepcopy(old)
    new["spec"]["names"]["kind"], new["spec"]["group"] = "Gadget", "other.com"
    assert {cause.field for cause in KIND.validate_update(new, old)} == {"spec.group"}
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    wrong = {cause.field for cause in KIND.validate_update(new, old)}
    assert wrong == {"spec.group", "spec.names.kind"}


def test_a_stored_version_cannot_go():
    new = created(definition(versions=[version("v2")]))
    new["metadata"]["resourceVersion"] = "1"
    new["status"]["storedVersions"] = ["v1", "v2"]
    (cause,) = KIND.validate(new)
    assert cause.field == "status.storedVersions[0]"
    assert "missing from spec.versions; v1 was previously a storage version" in cause.message


def test_a_delete_waits_for_the_objects():
    obj = created(definition())
    obj["metadata"]["deletionTimestamp"] = "2026-11-29T12:00:00Z"
    KIND.mark_deleting(obj)
    KIND.mark_deleting(obj)
    assert obj["metadata"]["finalizers"] == [CLEANUP]
    (condition,) = obj["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("Terminating", "InstanceDeletionPending")
