"""Get, list, create, update, patch and delete, as a client sees them."""

import orjson
import pytest

from paas.apimachinery import protobuf

MAPS = "/api/v1/namespaces/p/configmaps"
PODS = "/api/v1/namespaces/p/pods"


def config_map(name="one", **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@pytest.fixture
def stored(client, namespace):
    return client.post(MAPS, json=config_map(colour="red")).json()


def test_a_created_object_is_answered_with_201_and_its_version(client, namespace):
    answer = client.post(MAPS, json=config_map(colour="red"))
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache, private"
    assert answer.json()["metadata"]["namespace"] == "p"
    assert answer.json()["metadata"]["resourceVersion"]


def test_an_object_is_read_as_it_is_stored(client, stored):
    answer = client.get(f"{MAPS}/one")
    assert answer.status_code == 200
    assert answer.json() == stored


def test_a_sealed_object_is_read_opened(client, namespace):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "Yg=="},
    }
    client.post("/api/v1/namespaces/p/secrets", json=secret)
    assert client.get("/api/v1/namespaces/p/secrets/s").json()["data"] == {"a": "Yg=="}
    listed = client.get("/api/v1/secrets").json()
    assert listed["items"][0]["data"] == {"a": "Yg=="}


def test_a_missing_object_is_a_404_in_upstreams_words(client, namespace):
    answer = client.get(f"{MAPS}/none")
    assert answer.status_code == 404
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "none" not found',
        "reason": "NotFound",
        "details": {"name": "none", "kind": "configmaps"},
        "code": 404,
    }


def test_a_list_has_its_kind_its_version_and_its_items(client, stored):
    listed = client.get(MAPS).json()
    assert listed["kind"] == "ConfigMapList"
    assert listed["apiVersion"] == "v1"
    assert listed["items"] == [stored]
    assert int(listed["metadata"]["resourceVersion"]) >= int(stored["metadata"]["resourceVersion"])


def test_an_empty_list_has_an_empty_array(client, namespace):
    assert client.get(MAPS).json()["items"] == []


def test_a_list_of_all_namespaces_finds_each(client, stored):
    client.post("/api/v1/namespaces/q/configmaps", json=config_map("two"))
    names = [one["metadata"]["name"] for one in client.get("/api/v1/configmaps").json()["items"]]
    assert names == ["one", "two"]


def test_pages_follow_each_other_by_the_continue_token(client, namespace):
    for name in ("a", "b", "c"):
        client.post(MAPS, json=config_map(name))
    first = client.get(MAPS, params={"limit": 2}).json()
    assert len(first["items"]) == 2
    assert first["metadata"]["remainingItemCount"] == 1
    token = first["metadata"]["continue"]
    second = client.get(MAPS, params={"limit": 2, "continue": token}).json()
    assert [one["metadata"]["name"] for one in second["items"]] == ["c"]
    assert "continue" not in second["metadata"]


def test_selectors_choose(client, namespace):
    labelled = config_map("l")
    labelled["metadata"]["labels"] = {"app": "web"}
    client.post(MAPS, json=labelled)
    client.post(MAPS, json=config_map("m"))
    by_label = client.get(MAPS, params={"labelSelector": "app in (web, api)"}).json()
    assert [one["metadata"]["name"] for one in by_label["items"]] == ["l"]
    by_field = client.get(MAPS, params={"fieldSelector": "metadata.name=m"}).json()
    assert [one["metadata"]["name"] for one in by_field["items"]] == ["m"]


def test_a_bad_selector_is_a_400(client, namespace):
    answer = client.get(MAPS, params={"labelSelector": "a b c"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


def test_an_update_with_an_old_version_is_a_409(client, stored):
    changed = {**stored, "data": {"colour": "blue"}}
    assert client.put(f"{MAPS}/one", json=changed).status_code == 200
    answer = client.put(f"{MAPS}/one", json=changed)
    assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
    assert "the object has been modified" in answer.json()["message"]


def test_a_body_for_another_name_than_the_url_is_a_400(client, stored):
    answer = client.put(f"{MAPS}/two", json=stored)
    assert answer.status_code == 400
    assert answer.json()["message"] == (
        "the name of the object (one) does not match the name on the URL (two)"
    )


def test_a_body_for_another_namespace_than_the_url_is_a_400(client, namespace):
    body = config_map()
    body["metadata"]["namespace"] = "q"
    assert "does not match the namespace" in client.post(MAPS, json=body).json()["message"]


def test_a_body_of_another_kind_or_version_is_a_400(client, namespace):
    answer = client.post(MAPS, json={**config_map(), "kind": "Secret"})
    assert answer.json()["message"] == ('Secret in version "v1" cannot be handled as a ConfigMap')
    answer = client.post(MAPS, json={**config_map(), "apiVersion": "v2"})
    assert "does not match the expected API version (v1)" in answer.json()["message"]


def test_a_body_may_leave_out_its_type(client, namespace):
    assert client.post(MAPS, json={"metadata": {"name": "bare"}}).json()["kind"] == "ConfigMap"


@pytest.mark.parametrize(
    ("content_type", "body", "colour"),
    [
        ("application/merge-patch+json", {"data": {"colour": "blue"}}, "blue"),
        ("application/strategic-merge-patch+json", {"data": {"colour": "green"}}, "green"),
        (
            "application/json-patch+json",
            [{"op": "replace", "path": "/data/colour", "value": "grey"}],
            "grey",
        ),
    ],
)
def test_a_patch_is_read_by_its_content_type(client, stored, content_type, body, colour):
    answer = client.patch(
        f"{MAPS}/one", content=orjson.dumps(body), headers={"content-type": content_type}
    )
    assert answer.status_code == 200
    assert answer.json()["data"] == {"colour": colour}


def test_a_patch_of_no_known_type_is_a_415_that_names_those_known(client, stored):
    answer = client.patch(f"{MAPS}/one", json={})
    assert answer.status_code == 415
    assert "application/strategic-merge-patch+json" in answer.json()["message"]


def test_a_delete_that_is_done_answers_a_status_with_the_uid(client, stored):
    answer = client.request("DELETE", f"{MAPS}/one", json={"propagationPolicy": "Background"})
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "one", "kind": "configmaps", "uid": stored["metadata"]["uid"]},
    }
    assert client.get(f"{MAPS}/one").status_code == 404


def test_a_delete_that_waits_answers_the_object(client, namespace):
    held = config_map()
    held["metadata"]["finalizers"] = ["test.dev/hold"]
    client.post(MAPS, json=held)
    answer = client.delete(f"{MAPS}/one")
    assert answer.json()["kind"] == "ConfigMap"
    assert answer.json()["metadata"]["deletionTimestamp"]


def test_a_delete_of_a_kind_that_says_so_answers_what_is_gone(client, namespace):
    pods = MAPS.replace("configmaps", "pods")
    body = {"containers": [{"name": "c", "image": "i"}]}
    client.post(pods, json={"metadata": {"name": "one"}, "spec": body})
    answer = client.delete(f"{pods}/one")
    assert (answer.json()["kind"], answer.json()["spec"]["containers"][0]["name"]) == ("Pod", "c")
    assert client.get(f"{pods}/one").status_code == 404
    document = client.get("/openapi/v3/api/v1").json()["paths"]
    answers = document["/api/v1/namespaces/{namespace}/pods/{name}"]["delete"]["responses"]
    shown = answers["200"]["content"]["application/json"]["schema"]["$ref"]
    assert shown.endswith("io.k8s.api.core.v1.Pod")


def test_delete_options_come_by_query_too(client, stored):
    answer = client.delete(f"{MAPS}/one", params={"dryRun": "All"})
    assert answer.json()["status"] == "Success"
    assert client.get(f"{MAPS}/one").status_code == 200


def test_a_delete_of_another_life_of_the_name_is_a_409(client, stored):
    body = {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}
    assert client.request("DELETE", f"{MAPS}/one", json=body).status_code == 409


def test_a_wrong_propagation_policy_is_a_422(client, stored):
    answer = client.request("DELETE", f"{MAPS}/one", json={"propagationPolicy": "Never"})
    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["field"] == "propagationPolicy"


def test_a_collection_is_deleted_by_selector(client, namespace):
    for name in ("a", "b"):
        body = config_map(name)
        body["metadata"]["labels"] = {"name": name}
        client.post(MAPS, json=body)
    answer = client.delete(MAPS, params={"labelSelector": "name=a"})
    assert answer.json()["kind"] == "ConfigMapList"
    left = client.get(MAPS).json()["items"]
    assert [one["metadata"]["name"] for one in left] == ["b"]


def test_a_dry_run_stores_nothing(client, namespace):
    answer = client.post(MAPS, params={"dryRun": "All"}, json=config_map())
    assert answer.status_code == 201
    assert client.get(f"{MAPS}/one").status_code == 404


def test_a_dry_run_of_another_word_is_a_422(client, namespace):
    answer = client.post(MAPS, params={"dryRun": "Some"}, json=config_map())
    assert answer.status_code == 422
    assert answer.json()["message"] == (
        'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "Some": '
        'supported values: "All"'
    )


def test_a_field_given_twice_is_refused_when_strict_and_warned_of_else(client, namespace):
    body = b'{"metadata":{"name":"d"},"data":{"a":"1","a":"2"}}'
    strict = client.post(MAPS, params={"fieldValidation": "Strict"}, content=body)
    assert strict.status_code == 400
    assert 'duplicate field "data.a"' in strict.json()["message"]
    warned = client.post(MAPS, content=body)
    assert warned.status_code == 201
    assert warned.headers["warning"] == '299 - "duplicate field \\"data.a\\""'


@pytest.mark.parametrize("form", ["merge-patch", "strategic-merge-patch"])
def test_a_patch_with_a_field_twice_is_refused_when_strict_and_warned_of_else(
    client, namespace, form
):
    client.post(MAPS, json=config_map())
    sent = {
        "content": b'{"data":{"a":"1","a":"2"}}',
        "headers": {"content-type": f"application/{form}+json"},
    }
    strict = client.patch(f"{MAPS}/one", params={"fieldValidation": "Strict"}, **sent)
    assert strict.status_code == 422
    assert 'strict decoding error: duplicate field "data.a"' in strict.json()["message"]
    warned = client.patch(f"{MAPS}/one", **sent)
    assert (warned.status_code, warned.json()["data"]["a"]) == (200, "2")
    assert warned.headers["warning"] == '299 - "duplicate field \\"data.a\\""'


def test_an_unknown_field_is_refused_when_strict(client, namespace):
    body = {**config_map(), "colour": "red"}
    answer = client.post(MAPS, params={"fieldValidation": "Strict"}, json=body)
    assert answer.status_code == 400
    assert 'unknown field "colour"' in answer.json()["message"]


def test_a_yaml_body_is_read(client, namespace):
    text = "metadata: {name: y}\ndata:\n  when: '2026-01-01'\n  text: |\n    two\n    lines\n"
    answer = client.post(MAPS, content=text, headers={"content-type": "application/yaml"})
    assert answer.status_code == 201
    assert answer.json()["data"] == {"when": "2026-01-01", "text": "two\nlines\n"}


def test_a_protobuf_body_is_read(client, namespace):
    answer = client.post(
        MAPS,
        content=protobuf.encode(config_map("proto", colour="red")),
        headers={
            "content-type": "application/vnd.kubernetes.protobuf",
            "accept": "application/vnd.kubernetes.protobuf,application/json",
        },
    )
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["metadata"]["name"] == "proto"


def test_cbor_is_refused_with_415(client, namespace):
    answer = client.post(MAPS, content=b"\xa0", headers={"content-type": "application/cbor"})
    assert (answer.status_code, answer.json()["reason"]) == (415, "UnsupportedMediaType")


def test_the_status_is_written_apart_from_the_rest(client, namespace):
    pod = {"metadata": {"name": "w"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    client.post(PODS, json=pod)
    body = {"status": {"phase": "Running"}}
    answer = client.patch(
        f"{PODS}/w/status", json=body, headers={"content-type": "application/merge-patch+json"}
    )
    assert answer.json()["status"]["phase"] == "Running"
    assert client.get(f"{PODS}/w/status").json()["kind"] == "Pod"
    assert client.post(f"{PODS}/w/status", json=body).status_code == 405


def test_the_scale_is_read_and_written(client, namespace):
    path = "/apis/apps/v1/namespaces/p/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    client.post(path, json={"metadata": {"name": "web"}, "spec": spec})
    scale = client.get(f"{path}/web/scale").json()
    assert (scale["kind"], scale["spec"]["replicas"]) == ("Scale", 1)
    scale["spec"]["replicas"] = 3
    assert client.put(f"{path}/web/scale", json=scale).json()["spec"]["replicas"] == 3
    patched = client.patch(
        f"{path}/web/scale",
        json={"spec": {"replicas": 2}},
        headers={"content-type": "application/merge-patch+json"},
    )
    assert patched.json()["kind"] == "Scale"
    assert client.get(f"{path}/web").json()["spec"]["replicas"] == 2


def test_a_declared_subresource_is_run(client, stored):
    body = {"apiVersion": "v1", "kind": "ConfigMap"}
    answer = client.post(f"{MAPS}/one/rotation", json=body)
    assert answer.status_code == 201
    assert answer.json()["data"]["metadata"]["name"] == "one"
    assert client.get(f"{MAPS}/one/rotation").status_code == 405


def test_a_subresource_that_updates_answers_200(client, stored):
    assert client.put(f"{MAPS}/one/finish", json={}).status_code == 200


@pytest.mark.parametrize(("method", "part"), [("POST", "rotation"), ("PUT", "finish")])
def test_a_subresource_that_cannot_be_tried_refuses_a_dry_run(client, stored, method, part):
    path = f"{MAPS}/one/{part}"
    answer = client.request(method, path, params={"dryRun": "All"}, json={})
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert answer.json()["message"] == f"configmaps/{part} does not support dry run"


def test_a_subresource_that_can_be_tried_knows_of_it(client, stored):
    path, body = f"{MAPS}/one/check", {"a": "b"}
    answers = [client.post(path, params=how, json=body) for how in ({"dryRun": "All"}, {})]
    assert [one.json()["data"] for one in answers] == [{"dry_run": "True"}, {"dry_run": "False"}]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/api/v1/configmaps", 405),
        ("DELETE", "/api/v1/configmaps", 405),
        ("PUT", MAPS, 405),
        ("POST", f"{MAPS}/one", 405),
        ("OPTIONS", MAPS, 405),
        ("GET", "/api/v1/configmaps/one", 404),
        ("GET", "/api/v1/namespaces/p/namespaces", 404),
        ("GET", "/api/v1/namespaces/p/gadgets", 404),
        ("GET", "/apis/none.dev/v1/gadgets", 404),
        ("GET", f"{MAPS}/one/nothing", 404),
        ("GET", f"{MAPS}//one", 404),
        ("GET", "/.well-known/oauth-authorization-server", 404),
        ("GET", "/console", 404),
    ],
)
def test_what_is_not_there_or_not_offered_is_refused_with_a_status(
    client, namespace, method, path, code
):
    answer = client.request(method, path)
    assert answer.status_code == code
    assert answer.json()["kind"] == "Status"
    assert answer.json()["code"] == code


def test_a_namespace_is_read_by_its_own_path(client, namespace):
    assert client.get("/api/v1/namespaces/p").json()["kind"] == "Namespace"
    assert client.get("/api/v1/namespaces/p/status").json()["kind"] == "Namespace"
