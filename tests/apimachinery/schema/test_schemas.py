"""What a schema keeps, drops, refuses and requires."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.apimachinery.kinds import Kind
from paas.apimachinery.schema import Schema, Schemas, strict_error
from paas.core.errors import BadRequestError, Cause
from tests.apimachinery.schema import samples

SCHEMAS = Schemas(samples.ALL)

CRD = samples.upstream(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
)


def schema(kind: Kind) -> Schema:
    return SCHEMAS.of(kind)


def read(kind: Kind, **fields: Any) -> dict[str, Any]:
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "x"}}
    return schema(kind).prune({**body, **fields})


def refusal(kind: Kind, obj: dict[str, Any]) -> str:
    with pytest.raises(BadRequestError) as caught:
        schema(kind).decode(obj, kind)
    return caught.value.message


def test_what_is_known_and_whole_comes_back_as_it_was_but_is_a_copy():
    given = samples.pod(samples.container(env=[{"name": "A", "value": ""}], args=[]))
    found = schema(samples.POD).prune(given)
    assert found == given
    found["spec"]["containers"][0]["env"].append({})
    found["metadata"]["name"] = "other"
    assert given["spec"]["containers"][0]["env"] == [{"name": "A", "value": ""}]
    assert given["metadata"]["name"] == "p"


def test_unknown_fields_are_dropped_at_every_depth():
    given = samples.pod(samples.container(bogus=1), shoes=2)
    given["extra"] = {"a": 1}
    given["metadata"]["colour"] = "blue"
    assert schema(samples.POD).prune(given) == samples.pod()


def test_unknown_fields_are_named_by_path_and_in_order():
    given = samples.pod(samples.container(), samples.container("b", bogus=1), shoes=2)
    given["metadata"]["colour"] = "blue"
    assert schema(samples.POD).unknown_fields(given) == [
        "metadata.colour",
        "spec.containers[1].bogus",
        "spec.shoes",
    ]


def test_at_most_a_hundred_unknown_fields_are_named():
    given = samples.pod(**{f"f{number}": 1 for number in range(150)})
    assert len(schema(samples.POD).unknown_fields(given)) == 100


def test_a_null_field_is_as_if_it_were_left_out():
    given = samples.pod(samples.container(resources=None), nodeName=None)
    given["metadata"]["creationTimestamp"] = None
    assert schema(samples.POD).prune(given) == samples.pod()


def test_a_null_in_a_map_or_list_becomes_the_zero_value_as_in_go():
    given = samples.pod(samples.container(args=["a", None]))
    given["metadata"]["labels"] = {"a": None}
    found = schema(samples.POD).prune(given)
    assert found["metadata"]["labels"] == {"a": ""}
    assert found["spec"]["containers"][0]["args"] == ["a", ""]


def test_empty_values_are_kept():
    found = schema(samples.POD).prune(samples.pod(securityContext={}, volumes=[], hostname=""))
    assert (found["spec"]["securityContext"], found["spec"]["volumes"]) == ({}, [])
    assert found["spec"]["hostname"] == ""


def test_a_string_for_a_number_is_refused_in_the_words_of_upstreams_decoder():
    assert refusal(samples.DEPLOYMENT, samples.deployment(replicas="3")) == (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal '
        "string into Go struct field DeploymentSpec.spec.replicas of type int32"
    )


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ([{"name": "A", "value": True}], "bool into Go struct field EnvVar.spec.containers.env."),
        ([{"name": "A", "value": 1}], "number into Go struct field EnvVar.spec.containers.env."),
        ([{"name": ["A"]}], "array into Go struct field EnvVar.spec.containers.env.name of type"),
        ({"A": "b"}, "object into Go struct field Container.spec.containers.env of type []v1.Env"),
        (["A=b"], "string into Go struct field Container.spec.containers.env of type v1.EnvVar"),
    ],
)
def test_wrong_types_name_the_innermost_struct_and_the_path(env: Any, words: str):
    assert f"json: cannot unmarshal {words}" in refusal(
        samples.POD, samples.pod(samples.container(env=env))
    )


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 1.5])
def test_a_number_that_is_no_int32_is_refused_with_the_number(number: float):
    words = refusal(samples.DEPLOYMENT, samples.deployment(replicas=number))
    assert f"cannot unmarshal number {number} into Go struct field" in words


def test_a_boolean_is_no_number():
    assert "bool into" in refusal(samples.DEPLOYMENT, samples.deployment(replicas=True))


def test_labels_must_be_strings():
    given = samples.pod()
    given["metadata"]["labels"] = {"a": 1}
    assert refusal(samples.POD, given).endswith(
        "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels "
        "of type string"
    )


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        (1, "1"),
        (0.25, "250m"),
        ("1024Mi", "1Gi"),
        ("1000", "1k"),
        ("1e3", "1e3"),
        ("12e2", "1200"),
        ("0.5Gi", "512Mi"),
        ("0.5Ki", "512"),
        ("1.0001Ki", "1024102400u"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0", "0"),
        ("  5 ", "5"),
    ],
)
def test_quantities_are_stored_in_canonical_form(given: Any, stored: str):
    assert read(samples.QUOTA, spec={"hard": {"cpu": given}})["spec"]["hard"]["cpu"] == stored


@pytest.mark.parametrize("given", ["", "lots", "1 Gi", "1GiB", True, ["1"], "9" * 99])
def test_what_is_no_quantity_is_refused(given: Any):
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"cpu": given}}}
    assert "quantit" in refusal(samples.QUOTA, body)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z"),
        ("2026-11-23T18:00:00+09:00", "2026-11-23T09:00:00Z"),
        ("2026-11-23T09:00:00.25Z", "2026-11-23T09:00:00Z"),
    ],
)
def test_times_are_stored_in_utc_and_whole_seconds(given: str, stored: str):
    found = read(samples.POD, metadata={"creationTimestamp": given})
    assert found["metadata"]["creationTimestamp"] == stored


def test_micro_times_keep_six_digits():
    found = read(samples.LEASE, spec={"renewTime": "2026-11-23T09:00:00.25Z"})
    assert found["spec"]["renewTime"] == "2026-11-23T09:00:00.250000Z"


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01T00:00:00Z", "2026-11-23", 5, ""])
def test_what_is_no_time_is_refused(given: Any):
    body = {"metadata": {"creationTimestamp": given}}
    words = refusal(samples.POD, body)
    assert ("parsing time" if isinstance(given, str) else "number into Go struct field") in words


def test_bytes_must_be_base64():
    good = read(samples.SECRET, data={"a": "aGVs\nbG8=", "b": ""})
    assert good["data"] == {"a": "aGVsbG8=", "b": ""}
    assert refusal(samples.SECRET, {"data": {"a": "aGVs*G8="}}).endswith(
        "illegal base64 data at input byte 4"
    )


@pytest.mark.parametrize("port", [80, "http"])
def test_a_port_may_be_a_number_or_a_name(port: int | str):
    probe = {"httpGet": {"port": port}}
    found = schema(samples.POD).prune(samples.pod(samples.container(livenessProbe=probe)))
    assert found["spec"]["containers"][0]["livenessProbe"]["httpGet"]["port"] == port


@pytest.mark.parametrize("port", [True, 2**31, ["http"], 1.5])
def test_a_port_is_nothing_else(port: Any):
    probe = {"httpGet": {"port": port}}
    given = samples.pod(samples.container(livenessProbe=probe))
    assert "of type int32" in refusal(samples.POD, given)


def test_missing_values_are_causes_with_paths():
    given = samples.deployment({"image": "nginx"}, samples.container(ports=[{}]))
    del given["spec"]["selector"]
    assert schema(samples.DEPLOYMENT).check(given) == [
        Cause("FieldValueRequired", "Required value", "spec.selector"),
        Cause("FieldValueRequired", "Required value", "spec.template.spec.containers[0].name"),
        Cause(
            "FieldValueRequired",
            "Required value",
            "spec.template.spec.containers[1].ports[0].containerPort",
        ),
    ]


def test_a_missing_struct_is_reported_by_the_fields_it_would_need():
    affinity = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}
    given = samples.pod(affinity={"podAffinity": affinity})
    assert [cause.field for cause in schema(samples.POD).check(given)] == [
        "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]"
        ".podAffinityTerm.topologyKey"
    ]


def test_status_is_held_to_no_required_fields():
    given = samples.pod()
    given["status"] = {"containerStatuses": [{"name": "web"}]}
    assert schema(samples.POD).check(given) == []


def test_a_good_object_breaks_no_rule():
    assert schema(samples.POD).check(samples.pod()) == []
    assert schema(samples.DEPLOYMENT).check(samples.deployment()) == []


def test_a_schema_of_our_own_gets_the_usual_head_and_upstreams_types():
    spec = {"strategy": "Source", "resources": {"limits": {"cpu": "0.1"}}, "x": 1}
    found = read(samples.BUILD_CONFIG, spec=spec)
    assert found["metadata"] == {"name": "x"}
    assert found["spec"] == {"strategy": "Source", "resources": {"limits": {"cpu": "100m"}}}
    words = refusal(samples.BUILD_CONFIG, {"spec": {"keep": "3"}})
    assert words.endswith("string into Go struct field BuildConfigSpec.spec.keep of type int32")


def test_a_schema_of_our_own_states_enumerations_and_bounds():
    spec = {
        "runPolicy": "Never",
        "keep": 10,
        "strategy": "source-to-image",
        "triggers": [{}, {}, {}],
    }
    found = schema(samples.BUILD_CONFIG).check({"spec": spec})
    assert [(cause.field, cause.reason, cause.message) for cause in found] == [
        (
            "spec.runPolicy",
            "FieldValueNotSupported",
            'Unsupported value: "Never": supported values: "Serial", "Parallel"',
        ),
        (
            "spec.keep",
            "FieldValueInvalid",
            "Invalid value: 10: must be less than or equal to 9",
        ),
        ("spec.strategy", "FieldValueTooLong", "Too long: may not be more than 10 bytes"),
        (
            "spec.strategy",
            "FieldValueInvalid",
            "Invalid value: \"source-to-image\": should match '^[A-Z]'",
        ),
        ("spec.triggers", "FieldValueTooMany", "Too many: 3: must have at most 2 items"),
    ]


def test_a_missing_spec_of_our_own_names_what_it_needs():
    found = schema(samples.BUILD_CONFIG).check({"metadata": {}})
    assert [cause.field for cause in found] == ["spec.strategy"]


def test_free_form_fields_keep_everything_but_are_copied():
    anything = {"a": [None, {"b": None}]}
    found = read(samples.BUILD_CONFIG, spec={"strategy": "S", "anything": anything})
    assert found["spec"]["anything"] == anything
    assert found["spec"]["anything"] is not anything


def test_a_kind_without_a_schema_keeps_everything():
    given = {"spec": {"any": [1, {"thing": None}]}}
    found = schema(samples.WIDGET).prune(given)
    assert found == given
    assert schema(samples.WIDGET).unknown_fields(given) == []
    assert schema(samples.WIDGET).check(given) == []


def test_endless_nesting_is_a_bad_request():
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    for kind in (samples.BUILD_CONFIG, samples.WIDGET):
        with pytest.raises(BadRequestError, match="nested too deeply"):
            schema(kind).prune({"spec": {"strategy": "S", "anything": deep}})


@pytest.mark.parametrize("value", [2**64, "\ud800", [[[[]]] * 3, -(2**63) - 1]])
def test_what_cannot_be_written_as_json_is_a_bad_request(value: Any):
    with pytest.raises(BadRequestError, match="cannot be written as JSON"):
        schema(samples.WIDGET).prune({"spec": value})


def test_nesting_that_can_be_read_but_not_written_is_a_bad_request():
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(BadRequestError, match="cannot be written as JSON"):
        schema(samples.WIDGET).prune(deep)
    crd: dict[str, Any] = {}
    for _ in range(900):
        crd = {"not": crd}
    with pytest.raises(BadRequestError, match="too deeply"):
        schema(CRD).unknown_fields({"spec": {"versions": [{"schema": {"openAPIV3Schema": crd}}]}})


def test_a_strict_error_lists_its_faults():
    error = strict_error(samples.POD, ['unknown field "a"', 'duplicate field "b"'])
    assert error.message == (
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: '
        'unknown field "a", duplicate field "b"'
    )


def test_a_kind_that_comes_later_is_compiled_when_asked_for():
    later = Schemas([samples.POD])
    later.of(samples.POD)
    assert later.of(samples.SERVICE).check({"spec": {"ports": [{}]}})


def test_threads_that_ask_at_once_get_one_schema():
    schemas = Schemas(samples.ALL)
    ready = threading.Barrier(8)
    found: list[Schema] = []

    def ask() -> None:
        ready.wait(timeout=60)
        found.append(schemas.of(samples.DEPLOYMENT))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_an_unknown_definition_is_said_by_name():
    kind = samples.upstream("x", "v1", "X", "io.k8s.api.nowhere.v1.X")
    with pytest.raises(KeyError, match=r"io\.k8s\.api\.nowhere\.v1\.X"):
        Schemas([]).of(kind)


KEYS = st.sampled_from(["spec", "containers", "name", "env", "limits", "resources", "ports", "x"])
WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=20,
)


@given(WILD)
def test_anything_is_pruned_or_refused_and_pruning_again_changes_nothing(value: Any):
    for kind in (samples.POD, samples.BUILD_CONFIG, samples.WIDGET):
        found = schema(kind)
        assert isinstance(found.unknown_fields({"spec": value}), list)
        try:
            pruned = found.prune({"spec": value})
        except BadRequestError:
            continue
        assert found.prune(pruned) == pruned
        assert found.unknown_fields(pruned) == []
        assert isinstance(found.check(pruned), list)
