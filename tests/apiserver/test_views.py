"""What a client accepts: Tables, metadata alone, YAML, protobuf, and what nobody offers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import yaml

from paas.apimachinery import protobuf
from paas.apimachinery.kinds import Column, Since
from paas.apiserver.negotiation import Accepted, accepted
from paas.apiserver.tables import TableView
from paas.core.durations import human_duration
from paas.core.errors import NotAcceptableError
from tests.apiserver.kinds import KINDS

MAPS = "/api/v1/namespaces/p/configmaps"
PODS = "/api/v1/namespaces/p/pods"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
POD_KIND = next(kind for kind in KINDS if kind.kind == "Pod")


@pytest.fixture
def stored(client, namespace):
    body = {"metadata": {"name": "one"}, "data": {"a": "1"}}
    return client.post(MAPS, json=body).json()


@pytest.fixture
def pod(client, namespace):
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": "node-1"}
    return client.post(PODS, json={"metadata": {"name": "web"}, "spec": spec}).json()


def test_a_table_has_the_kinds_columns_and_the_objects_metadata(client, pod):
    table = client.get(PODS, headers=TABLE).json()
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    names = [(one["name"], one["priority"]) for one in table["columnDefinitions"]]
    assert names == [("Name", 0), ("Status", 0), ("Age", 0), ("Node", 1)]
    (row,) = table["rows"]
    assert row["cells"][0] == "web"
    assert row["cells"][2].endswith("s")
    assert row["cells"][3] == "node-1"
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"]["uid"] == pod["metadata"]["uid"]
    assert table["metadata"]["resourceVersion"]


def test_one_object_is_a_table_of_one_row(client, pod):
    table = client.get(f"{PODS}/web", headers=TABLE).json()
    assert [row["cells"][0] for row in table["rows"]] == ["web"]


def test_an_empty_table_has_its_headings(client, namespace):
    table = client.get(PODS, headers=TABLE).json()
    assert table["rows"] == []
    assert table["columnDefinitions"]


def test_a_kind_without_columns_shows_name_and_age(client, stored):
    table = client.get(MAPS, headers=TABLE).json()
    assert [one["name"] for one in table["columnDefinitions"]] == ["Name", "Age"]


@pytest.mark.parametrize(
    ("include", "kind"), [("Object", "Pod"), ("Metadata", "PartialObjectMetadata")]
)
def test_a_row_includes_what_is_asked_for(client, pod, include, kind):
    table = client.get(PODS, headers=TABLE, params={"includeObject": include}).json()
    assert table["rows"][0]["object"]["kind"] == kind


def test_a_row_may_include_nothing(client, pod):
    table = client.get(PODS, headers=TABLE, params={"includeObject": "None"}).json()
    assert table["rows"][0]["object"] is None


def test_to_include_anything_else_is_a_400(client, pod):
    assert client.get(PODS, headers=TABLE, params={"includeObject": "All"}).status_code == 400


def test_a_page_of_a_table_says_where_the_next_begins(client, namespace):
    for name in ("a", "b"):
        client.post(MAPS, json={"metadata": {"name": name}})
    table = client.get(MAPS, headers=TABLE, params={"limit": 1}).json()
    assert table["metadata"]["continue"]
    assert table["metadata"]["remainingItemCount"] == 1


def test_the_older_table_is_answered_in_its_own_version(client, pod):
    accept = {"accept": "application/json;as=Table;v=v1beta1;g=meta.k8s.io"}
    assert client.get(PODS, headers=accept).json()["apiVersion"] == "meta.k8s.io/v1beta1"


def test_metadata_alone_has_neither_spec_nor_status(client, pod):
    accept = {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    listed = client.get(PODS, headers=accept).json()
    assert listed["kind"] == "PartialObjectMetadataList"
    assert set(listed["items"][0]) == {"kind", "apiVersion", "metadata"}
    accept = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    assert client.get(f"{PODS}/web", headers=accept).json()["kind"] == "PartialObjectMetadata"


def test_a_list_is_no_single_metadata_and_an_object_no_list(client, pod):
    one = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    many = {"accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    assert client.get(PODS, headers=one).status_code == 406
    assert client.get(f"{PODS}/web", headers=many).status_code == 406


def test_yaml_is_answered_where_it_is_asked_for(client, stored):
    answer = client.get(f"{MAPS}/one", headers={"accept": "application/yaml"})
    assert answer.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(answer.text)["data"] == {"a": "1"}


def test_protobuf_is_answered_only_where_nothing_else_is_taken(client, stored):
    media_type = "application/vnd.kubernetes.protobuf"
    answer = client.get(f"{MAPS}/one", headers={"accept": media_type})
    assert answer.headers["content-type"] == media_type
    assert protobuf.decode(answer.content)["data"] == {"a": "1"}
    listed = client.get(MAPS, headers={"accept": media_type})
    assert protobuf.decode(listed.content)["items"][0]["data"] == {"a": "1"}
    both = client.get(f"{MAPS}/one", headers={"accept": f"{media_type},application/json"})
    assert both.json() == stored


def test_pretty_is_indented(client, stored):
    answer = client.get(f"{MAPS}/one", params={"pretty": "true"})
    assert answer.text.startswith("{\n  ")
    assert answer.json() == stored


@pytest.mark.parametrize("accept", ["application/cbor", "text/html", "application/json;as=Chart"])
def test_what_nobody_offers_is_a_406(client, stored, accept):
    answer = client.get(f"{MAPS}/one", headers={"accept": accept})
    assert (answer.status_code, answer.json()["reason"]) == (406, "NotAcceptable")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"*/*", Accepted()),
        (b"application/*", Accepted()),
        (b"application/yaml;q=0.1, application/json;q=0.9", Accepted()),
        (b"application/yaml", Accepted("yaml")),
        (
            b"application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            Accepted("json", "Table", "v1"),
        ),
        (b"application/json;as=Table;v=v2;g=meta.k8s.io,application/json", Accepted()),
        (b"application/vnd.kubernetes.protobuf, */*", Accepted()),
        (b"application/json;stream=watch", Accepted()),
    ],
)
def test_the_form_follows_from_the_header(header, expected):
    assert accepted(header) == expected


def test_a_header_of_nothing_known_is_refused():
    with pytest.raises(NotAcceptableError):
        accepted(b"image/png")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (303, "5m3s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (48 * 3600, "2d"),
        (2 * 86400 + 3600, "2d1h"),
        (8 * 86400, "8d"),
        (2 * 365 * 86400, "2y"),
        (2 * 365 * 86400 + 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages_are_told_as_upstream_tells_them(seconds, text):
    assert human_duration(seconds) == text


def test_a_column_that_finds_nothing_says_unknown():
    view = TableView(POD_KIND, version="v1")
    bookmark = {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}}
    table = view.of_event(bookmark, datetime.now(UTC))
    assert table["rows"][0]["cells"] == ["<unknown>"] * 4
    assert orjson.loads(orjson.dumps(table))["metadata"]["resourceVersion"] == "7"


def test_a_cell_may_tell_an_age_among_its_words():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    restarts = Column("Restarts", lambda _: Since("3", "3 ({} ago)", "2026-01-01T00:00:00Z"))
    view = TableView(replace(POD_KIND, columns=(restarts,)), version="v1", include="None")
    table = view.table([{}], {}, moment + timedelta(minutes=5))
    assert table["rows"][0]["cells"] == ["3 (5m ago)"]
    assert table["columnDefinitions"][0]["type"] == "string"
