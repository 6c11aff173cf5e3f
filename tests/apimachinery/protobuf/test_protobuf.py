"""Protobuf bodies: what Go clients send, what they get, and what strangers may try."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.apimachinery.protobuf import MAGIC, decode, encode, knows
from paas.core.errors import BadRequestError, NotAcceptableError
from tests.apimachinery.protobuf.bytes_by_hand import block, body, metadata, number, varint

Json = dict[str, Any]


def test_a_config_map_as_kubectl_sends_it():
    entry = block(1, "colour") + block(2, "blue")
    raw = block(1, metadata("c")) + block(2, entry) + block(3, block(1, "b") + block(2, b"\xff"))
    assert decode(body("v1", "ConfigMap", raw)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {"colour": "blue"},
        "binaryData": {"b": "/w=="},
    }


def test_a_map_entry_may_leave_key_or_value_out():
    raw = block(2, block(1, "empty")) + block(2, block(2, "nameless")) + block(3, block(1, "b"))
    found = decode(body("v1", "ConfigMap", raw))
    assert found["data"] == {"empty": "", "": "nameless"}
    assert found["binaryData"] == {"b": ""}


def test_a_deployment_with_pointers_ports_and_quantities():
    quantity = block(1, "cpu") + block(2, block(1, "500m"))
    probe = block(1, block(2, block(1, "/") + block(2, varint(1, 1) + block(3, "http"))))
    port = block(1, "") + varint(2, 0) + varint(3, 8080) + block(4, "TCP") + block(5, "")
    container = (
        block(1, "web")
        + block(2, "nginx")
        + block(6, port)
        + block(8, block(1, quantity))
        + block(10, probe)
        + block(15, varint(4, -1) + varint(7, 0))
    )
    template = block(1, metadata("")) + block(2, block(2, container) + varint(4, 0))
    spec = varint(1, 0) + block(3, template) + varint(5, 0) + varint(7, 0)
    found = decode(body("apps/v1", "Deployment", block(1, metadata("d")) + block(2, spec)))
    assert found["spec"] == {
        "replicas": 0,  # a pointer: zero is a wish
        "template": {
            "metadata": {},
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "nginx",
                        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                        "resources": {"limits": {"cpu": "500m"}},
                        "livenessProbe": {"httpGet": {"path": "/", "port": "http"}},
                        "securityContext": {"runAsUser": -1, "allowPrivilegeEscalation": False},
                    }
                ],
                "terminationGracePeriodSeconds": 0,
            },
        },
    }


def test_times_come_out_in_utc_and_an_unset_one_not_at_all():
    moment = varint(1, 1_700_000_000) + varint(2, 250_000_000)
    raw = block(1, block(8, moment) + block(9, b""))
    assert decode(body("v1", "Secret", raw))["metadata"] == {
        "creationTimestamp": "2023-11-14T22:13:20Z"
    }
    lease = block(2, block(4, moment))
    assert decode(body("coordination.k8s.io/v1", "Lease", lease))["spec"] == {
        "renewTime": "2023-11-14T22:13:20.250000Z"
    }


def test_members_of_inline_structs_move_up():
    volume = block(1, "v") + block(2, block(2, b""))
    found = decode(body("v1", "Pod", block(2, block(1, volume))))
    assert found["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]


def test_extra_values_are_lists_of_text():
    extra = block(5, block(1, "scopes") + block(2, block(1, "a") + block(1, "b")))
    found = decode(body("authorization.k8s.io/v1", "SubjectAccessReview", block(2, extra)))
    assert found["spec"]["extra"] == {"scopes": ["a", "b"]}


def test_options_are_of_every_group():
    raw = varint(1, 0) + block(4, "Foreground")
    assert decode(body("apps/v1", "DeleteOptions", raw)) == {
        "apiVersion": "apps/v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Foreground",
    }


def test_raw_objects_may_be_json_or_protobuf():
    inner = body("v1", "ConfigMap", block(1, metadata("c")))
    raw = block(2, block(1, b'{"a":1}')) + block(2, block(1, inner)) + block(2, b"")
    assert decode(body("v1", "List", raw))["items"] == [
        {"a": 1},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}},
    ]


def test_numbers_may_come_packed():
    exit_codes = number(1) + number(200)
    rule = block(1, "Fail") + block(2, block(2, "In") + block(3, exit_codes))
    found = decode(body("batch/v1", "Job", block(2, block(11, block(1, rule)))))
    on_exit = found["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]
    assert on_exit == {"operator": "In", "values": [1, 200]}


def test_unknown_fields_are_skipped():
    raw = varint(900, 7) + block(901, "x") + number(902 * 8 + 1) + bytes(8) + block(2, b"")
    raw += number(903 * 8 + 5) + bytes(4)
    assert decode(body("v1", "ConfigMap", raw))["data"] == {"": ""}


def test_what_the_body_does_not_say_is_taken_from_the_request():
    bare = MAGIC + block(2, block(1, metadata("c")))
    assert decode(bare, api_version="v1", kind="ConfigMap")["kind"] == "ConfigMap"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "prefix"),
        (b"{}", "prefix"),
        (MAGIC, 'no kind ""'),
        (body("build.openshift.io/v1", "Build", b""), 'no kind "Build" is registered'),
        (body("v1", "ConfigMap", b"\x0a"), "unexpected end"),
        (body("v1", "ConfigMap", b"\x0a\x7f"), "longer than the body"),
        (body("v1", "ConfigMap", b"\xff" * 11), "unexpected end of a number"),
        (body("v1", "ConfigMap", varint(1, 1)), "wrong wire type 0"),
        (body("v1", "ConfigMap", block(4, "x")), "a length where immutable"),
        (body("v1", "ConfigMap", block(1, block(1, b"\xff"))), "not UTF-8"),
        (body("v1", "ConfigMap", number(900 * 8 + 3)), "illegal wire type 3"),
        (body("v1", "ConfigMap", number(900 * 8 + 1) + b"1234"), "illegal wire type"),
        (body("v1", "List", block(2, block(1, b"{"))), "not JSON"),
        (body("v1", "Secret", block(1, block(8, varint(1, 2**62)))), "out of range"),
        (body("v1", "Secret", block(1, block(8, varint(1, -(2**62))))), "out of range"),
        (MAGIC + b"\x0a\x02\x0a", "longer than the body"),
    ],
)
def test_malformed_bodies_are_bad_requests(data: bytes, words: str):
    with pytest.raises(BadRequestError) as caught:
        decode(data)
    assert words in caught.value.message


def test_endless_nesting_is_a_bad_request():
    envelope = body("v1", "List", b"")
    for _ in range(200):
        envelope = body("v1", "List", block(2, block(1, envelope)))
    with pytest.raises(BadRequestError, match="nested too deeply"):
        decode(envelope)
    schema = b""
    for _ in range(2000):
        schema = block(28, schema)  # JSONSchemaProps.not
    crd = block(2, block(7, block(4, block(1, schema))))
    with pytest.raises(BadRequestError, match="nested too deeply"):
        decode(body("apiextensions.k8s.io/v1", "CustomResourceDefinition", crd))


GOOD = body(
    "apps/v1",
    "Deployment",
    block(1, metadata("d"))
    + block(2, varint(1, 3) + block(3, block(2, block(2, block(1, "web") + varint(17, 1))))),
)


@given(st.data())
def test_damaged_bodies_are_read_or_refused_and_nothing_else(data: st.DataObject):
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        if not damaged:
            break
    try:
        found = decode(bytes(damaged))
    except BadRequestError:
        return
    assert found["kind"]


@given(st.binary(max_size=200), st.sampled_from(["Pod", "List", "Secret", "Service"]))
def test_strangers_bytes_are_read_or_refused_and_nothing_else(raw: bytes, kind: str):
    try:
        found = decode(body("v1", kind, raw))
    except BadRequestError:
        return
    assert found["kind"] == kind


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NAMES = st.text("abc", min_size=1, max_size=3)
INT32 = st.integers(-(2**31), 2**31 - 1)
FILLED = st.text("abc", min_size=1, max_size=3)
PODS = st.fixed_dictionaries(
    {
        "containers": st.lists(
            st.fixed_dictionaries(
                {"name": FILLED},
                optional={
                    "args": st.lists(TEXTS, min_size=1, max_size=3),
                    "tty": st.just(True),
                    "resources": st.fixed_dictionaries(
                        {"limits": st.dictionaries(NAMES, st.just("1Gi"), min_size=1)}
                    ),
                    "livenessProbe": st.builds(
                        lambda port: {"tcpSocket": {"port": port}}, INT32 | FILLED
                    ),
                    "securityContext": st.fixed_dictionaries(
                        {"runAsUser": st.integers(-(2**63), 2**63 - 1), "privileged": st.booleans()}
                    ),
                },
            ),
            min_size=1,
            max_size=3,
        )
    },
    optional={
        "terminationGracePeriodSeconds": st.integers(-5, 5),
        "nodeSelector": st.dictionaries(NAMES, TEXTS, min_size=1, max_size=2),
        "volumes": st.lists(
            st.builds(lambda name: {"name": name, "emptyDir": {}}, FILLED), min_size=1, max_size=2
        ),
    },
)


@given(PODS)
def test_what_is_encoded_is_decoded_to_the_same(spec: Json):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    assert decode(encode(pod)) == pod


@given(st.dictionaries(NAMES, st.binary(max_size=9), min_size=1))
def test_bytes_are_base64_in_json(data: dict[str, bytes]):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }
    assert decode(encode(secret)) == secret


@pytest.mark.parametrize(
    "obj",
    [
        {"items": [{"apiVersion": "v1", "kind": "Pod"}], "metadata": {"resourceVersion": "5"}},
        {"kind": "Status", "status": "Failure", "code": 404, "details": {"name": "x"}},
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "status": {"user": {"extra": {"a": ["b"]}}},
        },
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "spec": {
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "schema": {
                            "openAPIV3Schema": {
                                "$ref": "#/x",
                                "default": {"a": [1, None]},
                                "maximum": 1.5,
                                "items": {"type": "string"},
                                "additionalProperties": {"type": "string"},
                                "properties": {"a": {"additionalProperties": False}},
                            }
                        },
                    }
                ]
            },
        },
        {
            "kind": "Lease",
            "apiVersion": "coordination.k8s.io/v1",
            "spec": {"renewTime": "2026-11-23T09:00:00.000001Z"},
        },
    ],
)
def test_objects_of_odd_shapes_come_back_the_same(obj: Json):
    whole = {"apiVersion": "v1", "kind": "List", **obj}
    assert decode(encode(whole)) == whole


def test_a_small_object_is_encoded_to_the_bytes_that_go_reads():
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}
    assert encode(obj) == body("v1", "ConfigMap", block(2, block(1, "a") + block(2, "b")))


@pytest.mark.parametrize(
    "obj",
    [
        {"apiVersion": "build.openshift.io/v1", "kind": "Build"},
        {},
        {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": {}}},
        {"apiVersion": "v1", "kind": "Pod", "spec": "x"},
        {"apiVersion": "v1", "kind": "Secret", "data": {"a": "*"}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": "soon"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "immutable": 1},
    ],
)
def test_what_has_no_protobuf_form_is_not_acceptable(obj: Json):
    with pytest.raises(NotAcceptableError):
        encode(obj)


def test_it_is_said_beforehand_which_kinds_are_known():
    assert knows("apps/v1", "Deployment")
    assert knows("rbac.authorization.k8s.io/v1", "RoleBinding")
    assert knows("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert not knows("route.openshift.io/v1", "Route")
