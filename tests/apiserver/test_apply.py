"""Server-side apply over HTTP: content type, parameters, codes and bodies."""

import httpx
import pytest

MAPS = "/api/v1/namespaces/p/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/p/deployments"
APPLY = "application/apply-patch+yaml"


@pytest.fixture(autouse=True)
def _in_namespace(namespace):
    """Give every test its namespace."""


def config(name="one", **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def apply(
    client: httpx.Client, body, manager="mine", path=f"{MAPS}/one", **parameters
) -> httpx.Response:
    given = {"content": body} if isinstance(body, str) else {"json": body}
    wanted = {"fieldManager": manager} if manager else {}
    return client.patch(path, params=wanted | parameters, headers={"content-type": APPLY}, **given)


def managers(obj):
    return [(one["manager"], one["operation"]) for one in obj["metadata"]["managedFields"]]


def test_an_apply_creates_with_201_and_changes_with_200(client):
    first = apply(client, config(a="1"))
    assert first.status_code == 201
    second = apply(client, config(a="2"))
    assert (second.status_code, second.json()["data"]) == (200, {"a": "2"})
    same = apply(client, config(a="2"))
    assert same.json() == second.json()


def test_yaml_is_read_as_json_is(client):
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata:\n  a: '1'\n"
    assert apply(client, text).json()["data"] == {"a": "1"}
    flow = "{apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: '2'}}"
    assert apply(client, flow).json()["data"] == {"a": "2"}
    assert apply(client, "a: [").status_code == 400


def test_a_conflict_is_a_409_with_its_causes(client):
    client.post(MAPS, json=config(a="1"), params={"fieldManager": "maker"})
    refused = apply(client, config(a="2"))
    assert refused.status_code == 409
    status = refused.json()
    assert status["reason"] == "Conflict"
    assert status["message"] == (
        'Apply failed with 1 conflict: conflict with "maker" using v1: .data.a'
    )
    assert status["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "maker" using v1',
            "field": ".data.a",
        }
    ]
    forced = apply(client, config(a="2"), force="true")
    assert (forced.status_code, forced.json()["data"]) == (200, {"a": "2"})


def test_an_apply_names_its_manager_and_no_other_patch_is_forced(client):
    nameless = apply(client, config(a="1"), manager="")
    assert nameless.status_code == 422
    assert nameless.json()["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for '
        "apply patch"
    )
    client.post(MAPS, json=config(a="1"))
    forced = client.patch(
        f"{MAPS}/one",
        json={},
        params={"force": "true"},
        headers={"content-type": "application/merge-patch+json"},
    )
    assert forced.status_code == 422
    assert "may not be specified for non-apply patch" in forced.json()["message"]


def test_a_client_that_names_no_manager_is_known_by_its_agent(client):
    agent = {"user-agent": "kube\tctl/v1.33 (linux)"}
    made = client.post(MAPS, json=config(a="1"), headers=agent).json()
    assert managers(made) == [("kubectl", "Update")]
    silent = client.post(MAPS, json=config("two", a="1"), headers={"user-agent": ""}).json()
    assert managers(silent) == [("unknown", "Update")]


def test_a_field_nobody_knows_is_refused_whatever_validation_says(client):
    body = {**config(a="1"), "dta": {}}
    for validation in ("Ignore", "Warn", "Strict"):
        refused = apply(client, body, fieldValidation=validation)
        assert refused.status_code == 400
        assert ".dta: field not declared in schema" in refused.json()["message"]


def test_a_field_given_twice_is_a_warning_or_refused(client):
    text = (
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"},"data":{"a":"1","a":"2"}}'
    )
    strict = apply(client, text, fieldValidation="Strict")
    assert strict.status_code == 400
    assert 'duplicate field "data.a"' in strict.json()["message"]
    warned = apply(client, text, fieldValidation="Warn")
    assert warned.status_code == 201
    assert "duplicate field" in warned.headers["warning"]


def test_a_manager_with_a_long_name_is_refused(client):
    for given in ("m" * 129, "ä" * 65):
        assert apply(client, config(a="1"), manager=given).status_code == 422


def test_entries_given_by_hand_keep_to_the_rules(client):
    made = client.post(MAPS, json=config(a="1")).json()
    entry = {**made["metadata"]["managedFields"][0], "manager": "m" * 129}
    body = {**made, "metadata": {**made["metadata"], "managedFields": [entry]}}
    refused = client.put(f"{MAPS}/one", json=body)
    assert refused.status_code == 422
    assert "metadata.managedFields[0].manager" in refused.json()["message"]


def test_a_scale_is_applied(client):
    spec = {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        },
    }
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    assert apply(client, web, path=f"{DEPLOYMENTS}/web").status_code == 201
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 3}}
    done = apply(client, scale, "scaler", f"{DEPLOYMENTS}/web/scale", force="true")
    assert (done.status_code, done.json()["kind"]) == (200, "Scale")
    found = client.get(f"{DEPLOYMENTS}/web").json()
    assert found["spec"]["replicas"] == 3
    assert ("scaler", "Apply") in managers(found)


@pytest.mark.parametrize(
    "finalizer", ['"\\ud800"', '"a\\u0000"', "null", "[]", "{}", "1e400", "9" * 40]
)
def test_a_value_of_a_set_that_cannot_be_kept_is_refused(client, finalizer):
    metadata = f'{{"name":"one","finalizers":[{finalizer}]}}'
    text = f'{{"apiVersion":"v1","kind":"ConfigMap","metadata":{metadata}}}'
    assert apply(client, text).status_code in {400, 422}
