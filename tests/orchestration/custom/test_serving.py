"""Custom resources over HTTP: verbs, views, rules, versions. One definition for each test."""

import httpx
import pytest

from tests.fakes.definitions import SCHEMA, definition, version, widget
from tests.orchestration.controllers.jobs import eventually
from tests.orchestration.custom.conftest import DEFINITIONS, MERGE, WIDGETS

pytestmark = pytest.mark.postgres
ONE = f"{WIDGETS}/one"
JSON_PATCH = {"content-type": "application/json-patch+json"}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


@pytest.fixture
def served(api):
    """Return the API with widgets established."""
    api.establish()
    return api


def causes(answer):
    assert answer.status_code == 422, answer.text
    return {one["field"]: one["message"] for one in answer.json()["details"]["causes"]}


def test_what_is_left_out_is_filled_in_and_what_is_unknown_goes(served):
    sent = widget(parts=[{"name": "a"}], bogus=1, anything={"x": {"y": 1}}, port="http")
    sent["status"] = {"phase": "sent by a client"}
    made = served("POST", WIDGETS, sent)
    assert made["spec"] == {
        "color": "red",
        "replicas": 1,
        "parts": [{"name": "a", "size": 3}],
        "anything": {"x": {"y": 1}},
        "port": "http",
    }
    assert "status" not in made
    assert served("GET", ONE) == made


def test_what_is_unknown_is_warned_of_or_refused(served):
    sent = widget(parts=[{"name": "a", "typo": 1}], bogus=1)
    strict = served.http.post(WIDGETS, json=sent, params={"fieldValidation": "Strict"})
    assert strict.status_code == 400
    assert strict.json()["message"] == (
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: '
        'unknown field "spec.bogus", unknown field "spec.parts[0].typo"'
    )
    warned = served.http.post(WIDGETS, json=sent, params={"fieldValidation": "Warn"})
    said = warned.headers.get_list("warning", split_commas=True)
    assert said == [
        r'299 - "unknown field \"spec.bogus\""',
        r'299 - "unknown field \"spec.parts[0].typo\""',
    ]


def test_every_broken_rule_is_named(served):
    bad = widget(
        color="green",
        replicas=-1,
        port=1.5,
        note="far too long a note",
        tags=["a", "b", "a"],
        parts=[{"name": "a"}, {"name": "a"}, {}],
        template={"kind": "Pod"},
    )
    found = causes(served.http.post(WIDGETS, json=bad))
    assert found == {
        "spec.color": 'Unsupported value: "green": supported values: "red", "blue"',
        "spec.replicas": "Invalid value: -1: spec.replicas in body should be greater than or "
        "equal to 0",
        "spec.port": 'Invalid value: "number": spec.port in body must be of type '
        'integer,string: "number"',
        "spec.note": "Too long: may not be more than 10 bytes",
        "spec.tags[2]": 'Duplicate value: "a"',
        "spec.parts[1]": 'Duplicate value: {"name":"a"}',
        "spec.parts[2].name": "Required value",
        "spec.template.apiVersion": "Required value",
    }


def test_metadata_is_read_as_everywhere(served):
    bad = widget()
    bad["metadata"]["labels"] = {"a": 1}
    answer = served.http.post(WIDGETS, json=bad)
    assert answer.status_code == 400
    assert "cannot unmarshal number into Go struct field ObjectMeta.labels" in answer.text
    named = widget("Not_a_name")
    assert "metadata.name" in causes(served.http.post(WIDGETS, json=named))


def test_status_and_wish_are_written_apart(served):
    served("POST", WIDGETS, widget())
    done = served(
        "PATCH",
        f"{ONE}/status",
        {"status": {"phase": "Up"}, "spec": {"color": "blue"}, "metadata": {"labels": {"a": "b"}}},
        headers=MERGE,
    )
    assert (done["status"], done["spec"]["color"]) == ({"phase": "Up"}, "red")
    assert done["metadata"]["generation"] == 1
    assert "labels" not in done["metadata"]
    done = served(
        "PATCH", ONE, {"status": {"phase": "?"}, "spec": {"color": "blue"}}, headers=MERGE
    )
    assert (done["status"], done["metadata"]["generation"]) == ({"phase": "Up"}, 2)
    wrong = served.http.patch(f"{ONE}/status", json={"status": {"phase": 1}}, headers=MERGE)
    assert "status.phase" in causes(wrong)


def test_it_scales(served):
    served("POST", WIDGETS, widget())
    served("PATCH", f"{ONE}/status", {"status": {"replicas": 1, "selector": "a=b"}}, headers=MERGE)
    scale = served("GET", f"{ONE}/scale")
    assert (scale["kind"], scale["spec"], scale["status"]) == (
        "Scale",
        {"replicas": 1},
        {"replicas": 1, "selector": "a=b"},
    )
    served("PATCH", f"{ONE}/scale", {"spec": {"replicas": 4}}, headers=MERGE)
    assert served("GET", ONE)["spec"]["replicas"] == 4
    wrong = served.http.patch(f"{ONE}/scale", json={"spec": {"replicas": -1}}, headers=MERGE)
    assert wrong.status_code == 422


def test_a_scale_without_its_number_can_be_given_one(api):
    plain = version(additionalPrinterColumns=[])
    properties = plain["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    del properties["replicas"]["default"]
    api.establish(definition(versions=[plain]))
    api("POST", WIDGETS, widget())
    missing = api.http.get(f"{ONE}/scale")
    assert missing.status_code == 500
    why = 'the spec replicas field ".spec.replicas" does not exist'
    assert missing.json()["message"].endswith(why)
    api("PATCH", f"{ONE}/scale", {"spec": {"replicas": 2}}, headers=MERGE)
    assert api("GET", f"{ONE}/scale")["spec"] == {"replicas": 2}
    cells = api("GET", WIDGETS, headers=TABLE)["columnDefinitions"]
    assert [one["name"] for one in cells] == ["Name", "Age"]


def test_patches_are_json_and_merge(served):
    served("POST", WIDGETS, widget())
    done = served(
        "PATCH", ONE, [{"op": "add", "path": "/spec/tags", "value": ["a"]}], headers=JSON_PATCH
    )
    assert done["spec"]["tags"] == ["a"]
    strategic = {"content-type": "application/strategic-merge-patch+json"}
    refused = served.http.patch(ONE, json={}, headers=strategic)
    assert refused.status_code == 415
    assert "strategic" not in refused.json()["message"]
    protobuf = {"content-type": "application/vnd.kubernetes.protobuf"}
    refused = served.http.post(WIDGETS, content=b"k8s\0", headers=protobuf)
    assert refused.status_code == 415


def test_an_update_forgives_what_was_wrong_before(served):
    served("POST", WIDGETS, widget(note="ten chars!"))
    found = served("GET", f"{DEFINITIONS}/widgets.example.com")
    properties = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    properties["spec"]["properties"]["note"]["maxLength"] = 3
    served("PUT", f"{DEFINITIONS}/widgets.example.com", found)
    assert served("PATCH", ONE, {"spec": {"color": "blue"}}, headers=MERGE)
    wrong = served.http.patch(ONE, json={"spec": {"note": "other"}}, headers=MERGE)
    assert list(causes(wrong)) == ["spec.note"]


def test_tables_have_the_declared_columns(served):
    served("POST", WIDGETS, widget())
    table = served("GET", WIDGETS, headers=TABLE)
    heads = [f"{one['name']}: {one['type']}" for one in table["columnDefinitions"]]
    assert heads == ["Name: string", "Color: string", "Wanted: integer", "Age: date"]
    assert table["rows"][0]["cells"][:3] == ["one", "red", 1]


def test_fields_select_and_unknown_ones_do_not(served):
    served("POST", WIDGETS, widget())
    served("POST", WIDGETS, widget("two", color="blue"))
    found = served("GET", WIDGETS, params={"fieldSelector": "spec.color=blue"})
    assert [one["metadata"]["name"] for one in found["items"]] == ["two"]
    refused = served.http.get(WIDGETS, params={"fieldSelector": "spec.note=x"})
    assert refused.status_code == 400
    assert refused.json()["message"] == "field label not supported: spec.note"


def test_fields_that_come_later_select_what_was_there(api):
    name = "widgets.example.com"
    api.establish(definition(versions=[version(selectableFields=[])]))
    api("POST", WIDGETS, widget())
    body = [
        {
            "op": "replace",
            "path": "/spec/versions/0/selectableFields",
            "value": [{"jsonPath": ".spec.color"}],
        }
    ]
    api("PATCH", f"{DEFINITIONS}/{name}", body, headers=JSON_PATCH)
    query = {"fieldSelector": "spec.color=red"}

    def found():
        answer = api.http.get(WIDGETS, params=query)
        return answer.is_success and answer.json()["items"]

    assert eventually(found)


def test_discovery_and_openapi_show_it(served):
    found = served("GET", "/apis/example.com/v1")["resources"]
    assert [one["name"] for one in found] == ["widgets", "widgets/scale", "widgets/status"]
    assert found[1]["group"] == "autoscaling"
    groups = served(
        "GET",
        "/apis",
        headers={"accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"},
    )
    assert "example.com" in [one["metadata"]["name"] for one in groups["items"]]
    index = served("GET", "/openapi/v3")["paths"]["apis/example.com/v1"]
    document = served("GET", index["serverRelativeURL"])
    schema = document["components"]["schemas"]["com.example.v1.Widget"]
    assert schema["description"] == SCHEMA["description"]
    assert schema["properties"]["spec"]["required"] == ["color"]
    patch = document["paths"]["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]


def test_versions_are_views_of_one_object(api):
    old = version("v1beta1", storage=False, deprecated=True, selectableFields=[])
    del old["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["note"]
    api.establish(definition(versions=[version(), old]))
    api("POST", WIDGETS, widget(note="kept"))
    path = ONE.replace("/v1/", "/v1beta1/")
    answer = api.http.get(path)
    assert answer.headers["warning"] == '299 - "example.com/v1beta1 Widget is deprecated"'
    assert answer.json()["apiVersion"] == "example.com/v1beta1"
    assert answer.json()["spec"] == {"color": "red", "replicas": 1}
    api("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, headers=MERGE)
    assert api("GET", ONE)["metadata"]["labels"] == {"a": "b"}
    group = api("GET", "/apis/example.com")
    assert group["preferredVersion"]["version"] == "v1"
    assert len(group["versions"]) == 2


def test_a_watch_goes_on_and_ends_with_its_form(served):
    """An update of the definition ends the watch in order: the client comes again."""
    served("POST", WIDGETS, widget())
    seen = []
    with served.http.stream("GET", WIDGETS, params={"watch": "true"}) as lines:
        for line in lines.iter_lines():
            event = httpx.Response(200, text=line).json()
            seen.append(event["type"])
            if event["type"] == "ADDED":
                served("PATCH", ONE, {"spec": {"color": "blue"}}, headers=MERGE)
            else:
                body = [{"op": "add", "path": "/spec/names/shortNames", "value": ["wd"]}]
                served("PATCH", f"{DEFINITIONS}/widgets.example.com", body, headers=JSON_PATCH)
    assert seen == ["ADDED", "MODIFIED"]


def test_rights_go_by_resource_and_by_name(served):
    served("POST", WIDGETS, widget())
    served("POST", WIDGETS, widget("two"))
    rules = [
        {
            "apiGroups": ["example.com"],
            "resources": ["widgets", "widgets/status"],
            "resourceNames": ["one"],
            "verbs": ["get", "patch"],
        }
    ]
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/p"
    served("POST", f"{rbac}/roles", {"metadata": {"name": "r"}, "rules": rules})
    binding = {
        "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mia"},
        ],
    }
    served("POST", f"{rbac}/rolebindings", binding)
    mia = {"authorization": "Bearer user-mia"}
    body = {"status": {"phase": "Seen"}}
    assert served("GET", ONE, headers=mia)["metadata"]["name"] == "one"
    assert served("PATCH", f"{ONE}/status", body, headers={**mia, **MERGE})["status"] == {
        "phase": "Seen"
    }
    for verb, path in (("GET", f"{WIDGETS}/two"), ("DELETE", ONE), ("GET", WIDGETS)):
        refused = served.http.request(verb, path, headers=mia)
        assert refused.status_code == 403, path


def applied(served, manager, body, *, status=200, force=False):
    asked = {"fieldManager": manager, **({"force": "true"} if force else {})}
    kind = {"content-type": "application/apply-patch+yaml"}
    answer = served.http.patch(ONE, json=body, params=asked, headers=kind)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_who_applies_has_the_fields_and_items_of_its_own(served):
    mine = widget(parts=[{"name": "a"}], tags=["x"], anything={"k": 1}, labels={"m": "1"})
    applied(served, "me", mine, status=201)
    yours = {**widget(parts=[{"name": "b", "size": 5}], tags=["y"], anything={"l": {"deep": 2}})}
    del yours["spec"]["color"]
    both = applied(served, "you", yours)["spec"]
    assert both["parts"] == [{"name": "a", "size": 3}, {"name": "b", "size": 5}]
    assert (both["tags"], both["anything"]) == (["x", "y"], {"k": 1, "l": {"deep": 2}})

    refused = applied(served, "you", widget(color="blue"), status=409)
    (cause,) = refused["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".spec.color")
    blue = widget(color="blue")
    assert applied(served, "you", blue, force=True)["spec"]["parts"] == [{"name": "a", "size": 3}]

    after = applied(served, "me", {**widget(), "spec": {}})["spec"]
    assert after == {"color": "blue", "replicas": 1}
