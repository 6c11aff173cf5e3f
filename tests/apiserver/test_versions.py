"""One stored object in two versions: each client reads and writes the one it asks for."""

import json

import pytest

from paas.apimachinery import protobuf
from paas.apimachinery.scheme import Scheme
from paas.orchestration.kinds import KINDS
from tests.apiserver.test_watches import watching

PLACE = "namespaces/p/horizontalpodautoscalers"
V1, V2 = f"/apis/autoscaling/v1/{PLACE}", f"/apis/autoscaling/v2/{PLACE}"
NOTE = "autoscaling.alpha.kubernetes.io"
MERGE = {"content-type": "application/merge-patch+json"}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


@pytest.fixture(scope="session")
def door_scheme():
    return Scheme(KINDS)


@pytest.fixture(autouse=True)
def _in_namespace(namespace):
    """Give every test its namespace."""


def old(name="web", **spec):
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec},
    }


def cpu(obj):
    return obj["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"]


def told(answer, code=200):
    assert answer.status_code == code, answer.text
    return answer.json()


def test_what_is_made_in_one_version_is_read_in_the_other(client):
    made = told(client.post(V1, json=old(targetCPUUtilizationPercentage=30)), 201)
    assert (made["apiVersion"], made["spec"]["minReplicas"]) == ("autoscaling/v1", 1)
    new = told(client.get(f"{V2}/web"))
    assert (new["apiVersion"], cpu(new)) == ("autoscaling/v2", 30)
    assert new["metadata"]["uid"] == made["metadata"]["uid"]
    assert told(client.get(f"{V1}/web")) == made
    for path, version in ((V1, "autoscaling/v1"), (V2, "autoscaling/v2")):
        found = told(client.get(path))
        assert (found["apiVersion"], found["items"][0]["apiVersion"]) == (version, version)
        table = told(client.get(path, headers=TABLE))
        assert table["rows"][0]["cells"][2] == "cpu: <unknown>/30%"


def test_a_body_in_protobuf_is_of_its_version(client):
    headers = {"content-type": "application/vnd.kubernetes.protobuf"}
    told(client.post(V1, content=protobuf.encode(old()), headers=headers), 201)
    assert cpu(told(client.get(f"{V2}/web"))) == 80


def test_each_version_is_changed_by_its_own_fields(client):
    made = told(client.post(V1, json=old(targetCPUUtilizationPercentage=30)), 201)
    made["spec"]["targetCPUUtilizationPercentage"] = 40
    assert told(client.put(f"{V1}/web", json=made))["apiVersion"] == "autoscaling/v1"
    assert cpu(told(client.get(f"{V2}/web"))) == 40
    stale = client.put(f"{V1}/web", json=made)
    assert told(stale, 409)["reason"] == "Conflict"
    share = {"spec": {"targetCPUUtilizationPercentage": 50}}
    assert told(client.patch(f"{V1}/web", json=share, headers=MERGE))["spec"]["maxReplicas"] == 5
    target = {"type": "AverageValue", "averageValue": "1Gi"}
    memory = {"type": "Resource", "resource": {"name": "memory", "target": target}}
    patch = {"spec": {"metrics": [memory]}}
    assert told(client.patch(f"{V2}/web", json=patch, headers=MERGE))["kind"]
    found = told(client.get(f"{V1}/web"))
    assert "targetCPUUtilizationPercentage" not in found["spec"]
    assert json.loads(found["metadata"]["annotations"][f"{NOTE}/metrics"]) == [
        {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}}
    ]


def test_the_status_is_written_in_either_version_and_alone(client):
    told(client.post(V1, json=old(targetCPUUtilizationPercentage=30)), 201)
    status = {"currentReplicas": 2, "desiredReplicas": 3}
    patch = {"status": status, "spec": {"maxReplicas": 9}}
    told(client.patch(f"{V2}/web/status", json=patch, headers=MERGE))
    found = told(client.get(f"{V1}/web/status"))
    assert (found["status"], found["spec"]["maxReplicas"]) == (status, 5)
    lies = {f"{NOTE}/metrics": "[]", f"{NOTE}/conditions": "[]"}
    body = {"status": {"currentReplicas": 4}, "metadata": {"annotations": lies}}
    told(client.patch(f"{V1}/web/status", json=body, headers=MERGE))
    found = told(client.get(f"{V2}/web"))
    assert (found["status"]["currentReplicas"], cpu(found)) == (4, 30)


def test_rules_are_the_same_in_both_versions(client):
    why = "spec.maxReplicas: Invalid value: 0: must be greater than 0"
    refused = client.post(V1, json=old(maxReplicas=0))
    assert why in told(refused, 422)["message"]
    assert client.post(V2, json=old()).status_code == 400  # a body of another version


def test_a_watch_shows_its_own_version(client):
    with watching(client, V1) as olds, watching(client, V2) as news:
        told(client.post(V2, json={**old(), "apiVersion": "autoscaling/v2"}), 201)
        first, second = next(olds)["object"], next(news)["object"]
        assert (first["apiVersion"], second["apiVersion"]) == ("autoscaling/v1", "autoscaling/v2")
        assert (first["spec"]["targetCPUUtilizationPercentage"], cpu(second)) == (80, 80)
        told(client.delete(f"{V1}/web"))
        assert [next(olds)["type"], next(news)["type"]] == ["DELETED", "DELETED"]


def test_discovery_prefers_the_newer(client):
    found = told(client.get("/apis/autoscaling"))
    assert found["preferredVersion"]["version"] == "v2"
    assert [one["version"] for one in found["versions"]] == ["v2", "v1"]
    for version in ("v1", "v2"):
        names = [
            one["name"] for one in told(client.get(f"/apis/autoscaling/{version}"))["resources"]
        ]
        assert names == ["horizontalpodautoscalers", "horizontalpodautoscalers/status"]


def test_all_of_a_version_go_at_once(client):
    for name in ("a", "b"):
        told(client.post(V1, json=old(name)), 201)
    gone = told(client.delete(V1))
    assert [one["apiVersion"] for one in gone["items"]] == ["autoscaling/v1"] * 2
    assert told(client.get(V2))["items"] == []
