"""The door's one call: a patch of any kind, read back as an object of its kind."""

import pytest

from paas.apimachinery.options import Patch, WriteOptions
from paas.apimachinery.patch import apply_patch
from paas.apimachinery.schema import Schemas
from paas.core.errors import InvalidError
from paas.core.objects import ApiObject
from tests.apimachinery.schema import samples

SCHEMAS = Schemas(samples.ALL)


def applied(patch: Patch, options: WriteOptions | None = None) -> ApiObject:
    return apply_patch(
        patch,
        samples.deployment(),
        kind=samples.DEPLOYMENT,
        schema=SCHEMAS.of(samples.DEPLOYMENT),
        options=options or WriteOptions(),
    )


@pytest.mark.parametrize(
    "patch",
    [
        Patch("json", [{"op": "replace", "path": "/spec/replicas", "value": 3}]),
        Patch("merge", {"spec": {"replicas": 3}}),
        Patch("strategic", {"spec": {"replicas": 3}}),
    ],
)
def test_every_kind_of_patch_scales(patch: Patch):
    assert applied(patch) == samples.deployment(replicas=3)


def removed(field: str) -> list[Patch]:
    return [
        Patch("json", [{"op": "remove", "path": f"/{field}"}]),
        Patch("merge", {field: None}),
        Patch("strategic", {field: None}),
    ]


def replaced(field: str, value: str) -> list[Patch]:
    return [
        Patch("json", [{"op": "replace", "path": f"/{field}", "value": value}]),
        Patch("merge", {field: value}),
        Patch("strategic", {field: value}),
    ]


@pytest.mark.parametrize("patch", [*removed("kind"), *removed("apiVersion"), *replaced("kind", "")])
def test_an_object_keeps_its_type_when_a_patch_takes_it_away(patch: Patch):
    assert applied(patch) == samples.deployment()


@pytest.mark.parametrize(
    "patch", [*replaced("kind", "Build"), *replaced("apiVersion", "build.openshift.io/v1")]
)
def test_a_patch_that_makes_another_type_of_an_object_is_invalid(patch: Patch):
    with pytest.raises(InvalidError) as caught:
        applied(patch)
    assert caught.value.causes[0].field == "patch"
    assert "unable to decode " in caught.value.message


def test_the_result_is_pruned():
    assert applied(Patch("merge", {"spec": {"shoes": 2}})) == samples.deployment()


def test_a_strict_write_refuses_unknown_and_duplicate_fields():
    patch = Patch("merge", {"spec": {"shoes": 2}}, ("spec.replicas",))
    with pytest.raises(InvalidError) as caught:
        applied(patch, WriteOptions(field_validation="Strict"))
    assert caught.value.message == (
        ' "" is invalid: patch: Invalid value: "{\\"spec\\":{\\"shoes\\":2}}": '
        'strict decoding error: duplicate field "spec.replicas", unknown field "spec.shoes"'
    )


def test_a_write_with_warnings_collects_them():
    options = WriteOptions(field_validation="Warn")
    applied(Patch("merge", {"spec": {"shoes": 2}}), options)
    assert options.warnings == ['unknown field "spec.shoes"']


def test_a_result_of_the_wrong_type_is_invalid_and_shows_the_patch_alone():
    patch = Patch("json", [{"op": "replace", "path": "/spec/replicas", "value": "3"}])
    with pytest.raises(InvalidError) as caught:
        applied(patch)
    assert caught.value.causes[0].field == "patch"
    assert "of type int32" in caught.value.message
    assert "nginx" not in caught.value.message
