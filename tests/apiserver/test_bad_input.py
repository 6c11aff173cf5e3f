"""Bad input: refused with a Status that says why, nothing lost, and never a 500."""

import base64

import pytest

from tests.apiserver.test_objects import MAPS, PODS, config_map

MERGE = {"content-type": "application/merge-patch+json"}
JSON_PATCH = {"content-type": "application/json-patch+json"}


@pytest.fixture
def stored(client, namespace):
    return client.post(MAPS, json=config_map(colour="red")).json()


@pytest.mark.parametrize(
    "asked",
    [
        {"continue": "MQ=="},
        {"continue": "bnVsbA=="},
        {"continue": "WyIxIiwyLDNd"},
        {"continue": "²"},
        {"limit": "²"},
        {"limit": "9" * 30},
        {"limit": "9" * 5000},
        {"fieldSelector": "metadata.name=\0"},
        {"watch": "1", "resourceVersion": "²"},
        {"watch": "1", "resourceVersion": "9" * 5000},
        {"watch": "1", "timeoutSeconds": "1_0"},
    ],
)
def test_a_parameter_that_cannot_be_read_is_a_400(client, namespace, asked):
    answer = client.get(MAPS, params=asked)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


def test_an_exact_version_is_the_newest_or_gone(client, stored):
    newest = client.get(MAPS).json()["metadata"]["resourceVersion"]
    exactly = {"resourceVersion": newest, "resourceVersionMatch": "Exact"}
    assert client.get(MAPS, params=exactly).json()["items"] == [stored]
    client.post(MAPS, json=config_map("two"))
    for version in (newest, "9" * 18, "new"):
        answer = client.get(MAPS, params={**exactly, "resourceVersion": version})
        assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")


def test_a_name_with_a_nul_is_nobodys(client, namespace):
    assert client.get(f"{MAPS}/a%00b").status_code == 404
    assert client.get("/api/v1/namespaces/p%00q/configmaps").status_code == 404


def test_a_selectable_field_with_a_nul_is_a_400(client, namespace):
    pod = {"metadata": {"name": "w"}, "spec": {"containers": [], "nodeName": "a\0b"}}
    answer = client.post(PODS, json=pod)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "body",
    [
        {"preconditions": [1]},
        {"preconditions": []},
        {"dryRun": 1},
        {"dryRun": "All"},
        {"gracePeriodSeconds": True},
        {"gracePeriodSeconds": "1"},
        {"orphanDependents": "no"},
        {"propagationPolicy": {}},
    ],
)
def test_options_of_a_delete_of_the_wrong_type_are_a_400(client, stored, body):
    answer = client.request("DELETE", f"{MAPS}/one", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert answer.json()["message"].startswith("json: cannot unmarshal into Go struct field")
    assert client.get(f"{MAPS}/one").json() == stored


@pytest.mark.parametrize(
    ("path", "field", "words"),
    [
        (PODS, "status.phse", "field label not supported: status.phse"),
        (
            MAPS,
            "data.colour",
            '"data.colour" is not a known field selector: only "metadata.name", '
            '"metadata.namespace"',
        ),
    ],
)
def test_a_selector_of_a_field_that_is_none_is_refused_and_deletes_nothing(
    client, stored, path, field, words
):
    asked = {"fieldSelector": f"{field}!=x"}
    answers = [
        client.get(path, params=asked),
        client.get(path, params={**asked, "watch": "1", "timeoutSeconds": "1"}),
        client.delete(path, params=asked),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
        assert answer.json()["message"] == words
    assert client.get(f"{MAPS}/one").json() == stored


def test_an_object_is_no_larger_than_etcd_would_keep_however_it_grows(client, namespace):
    half = "x" * (1024 * 1024)
    assert client.post(MAPS, json=config_map(a=half, b=half)).status_code == 413
    assert client.post(MAPS, json=config_map(a=half)).status_code == 201
    refused = [
        client.put(f"{MAPS}/one", json=config_map(a=half, b=half)),
        client.patch(f"{MAPS}/one", json={"data": {"b": half}}, headers=MERGE),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["reason"]) == (413, "RequestEntityTooLarge")
    assert client.get(f"{MAPS}/one").json()["data"] == {"a": half}
    assert client.delete(f"{MAPS}/one").status_code == 200


def test_a_secret_is_measured_before_it_is_sealed(client, namespace):
    data = {"key": base64.b64encode(bytes(1024 * 1024)).decode()}
    body = {"metadata": {"name": "s"}, "data": data}
    assert client.post("/api/v1/namespaces/p/secrets", json=body).status_code == 201


@pytest.mark.parametrize("body", [{"metadata": None}, [{"op": "remove", "path": "/metadata"}]])
def test_a_patch_that_takes_the_metadata_away_is_a_422(client, stored, body):
    headers = MERGE if isinstance(body, dict) else JSON_PATCH
    answer = client.patch(f"{MAPS}/one", json=body, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
    assert answer.json()["details"]["causes"][0]["field"] == "metadata"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"metadata": 7}'])
def test_a_body_that_is_no_object_is_a_400(client, namespace, body):
    answer = client.post(MAPS, content=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


def test_a_body_over_the_limit_is_a_413(client, namespace):
    answer = client.post(MAPS, content=b" " * (3 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json()["message"] == "Request entity is too large: limit is 3145728"


def test_a_body_without_end_is_stopped_at_the_limit(client, namespace):
    answer = client.post(MAPS, content=(b" " * 65536 for _ in range(100)))
    assert answer.status_code == 413
