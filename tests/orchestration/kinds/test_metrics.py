"""PodMetrics and NodeMetrics, as metrics-server answers."""

import ssl
from datetime import timedelta

import pytest

from paas.apimachinery.scheme import Scheme
from paas.core.durations import go_duration
from paas.core.errors import ServiceUnavailableError
from paas.orchestration.kinds import KINDS
from paas.orchestration.kinds.metrics import POD_METRICS, pod_metrics
from paas.orchestration.kinds.seams import provide_usage_reader, usage_reader
from tests.apiserver.conftest import ADMIN, new_application, new_client
from tests.fakes.nodes import FakeNode
from tests.fakes.usage import AT, FakeUsage, window
from tests.orchestration.kinds.objects import row

METRICS = "/apis/metrics.k8s.io/v1beta1"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (15, "15s"),
        (15.0124, "15.012s"),
        (60, "1m0s"),
        (90.5, "1m30.5s"),
        (7200, "2h0m0s"),
        (-90, "-1m30s"),
    ],
)
def test_a_duration_as_go_writes_it(seconds, words):
    assert go_duration(seconds) == words


def test_usage_is_told_in_quantities_and_the_window_is_the_first_containers():
    early = AT - timedelta(seconds=3)
    used = FakeUsage().pod("web", a=window(1.5, 20), b=window(0, 0.5, at=early))
    assert pod_metrics(used, now=AT + timedelta(seconds=9)) == {
        "kind": "PodMetrics",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {
            "name": "web",
            "namespace": "p",
            "creationTimestamp": "2026-11-23T12:00:39Z",
            "labels": {"app": "web"},
        },
        "timestamp": "2026-11-23T12:00:27Z",
        "window": "15s",
        "containers": [
            {"name": "a", "usage": {"cpu": "1500u", "memory": "20Mi"}},
            {"name": "b", "usage": {"cpu": "0", "memory": "512Ki"}},
        ],
    }


def test_the_line_of_a_pod_is_the_sum_of_its_containers():
    obj = pod_metrics(FakeUsage().pod("web", a=window(250, 20), b=window(750, 1)), now=AT)
    cells = {"Name": "web", "cpu": "1", "memory": "21Mi", "Window": "15s"}
    assert row(POD_METRICS, obj) == cells


def test_a_process_that_asks_nobody_says_so():
    with pytest.raises(ServiceUnavailableError):
        usage_reader()


@pytest.fixture(scope="session")
def door_scheme() -> Scheme:
    return Scheme(KINDS)


@pytest.fixture
def usage():
    fake = FakeUsage()
    provide_usage_reader(lambda: fake)
    yield fake
    provide_usage_reader(None)


@pytest.fixture
def api_application(door):
    for name in ("p", "other"):
        door.create(ADMIN, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"a": "b"}}}
    door.create(ADMIN, node)
    return new_application(door, FakeNode())


@pytest.fixture
def client(api_server, loopback_certificate):
    trust = ssl.create_default_context(cafile=str(loopback_certificate.certificate))
    with new_client(api_server.url, trust) as one:
        yield one


def names(answer):
    assert answer.status_code == 200, answer.text
    return [one["metadata"]["name"] for one in answer.json()["items"]]


@pytest.mark.postgres
def test_pods_are_listed_by_namespace_and_label(client, usage):
    assert names(client.get(f"{METRICS}/pods")) == []
    usage.pod("web", window(5, 1))
    usage.pod("db", window(5, 1))
    usage.pod("far", window(5, 1), namespace="other")
    assert names(client.get(f"{METRICS}/pods")) == ["far", "db", "web"]
    assert names(client.get(f"{METRICS}/namespaces/p/pods")) == ["db", "web"]
    chosen = {"labelSelector": "app in (web,far)"}
    assert names(client.get(f"{METRICS}/namespaces/p/pods", params=chosen)) == ["web"]
    chosen = {"fieldSelector": "metadata.name=db"}
    assert names(client.get(f"{METRICS}/pods", params=chosen)) == ["db"]
    assert client.get(f"{METRICS}/namespaces/p/pods/web").json()["containers"] == [
        {"name": "web", "usage": {"cpu": "5m", "memory": "1Mi"}}
    ]
    assert usage.asked[-1] == (ADMIN.name, "p")


@pytest.mark.postgres
def test_what_has_no_window_is_absent(client, door, usage):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "new", "namespace": "p"}}
    door.create(ADMIN, {**pod, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    answers = {
        f"{METRICS}/namespaces/p/pods/new": 'pods.metrics.k8s.io "p/new" not found',
        f"{METRICS}/namespaces/p/pods/none": 'pods "none" not found',
        f"{METRICS}/nodes/n": 'nodes.metrics.k8s.io "n" not found',
        f"{METRICS}/nodes/none": 'nodes "none" not found',
    }
    for path, words in answers.items():
        answer = client.get(path)
        assert (answer.status_code, answer.json()["message"]) == (404, words)
    assert names(client.get(f"{METRICS}/nodes")) == []


@pytest.mark.postgres
def test_the_node_is_read_with_its_labels(client, usage):
    usage.of_node = ("n", window(1200, 2048))
    found = client.get(f"{METRICS}/nodes", params={"labelSelector": "a=b"}).json()
    assert (found["kind"], found["items"][0]["usage"]) == (
        "NodeMetricsList",
        {"cpu": "1200m", "memory": "2Gi"},
    )
    assert names(client.get(f"{METRICS}/nodes", params={"labelSelector": "a!=b"})) == []
    table = client.get(f"{METRICS}/nodes/n", headers=TABLE).json()
    assert [one["name"] for one in table["columnDefinitions"]] == [
        "Name",
        "cpu",
        "memory",
        "Window",
    ]
    assert table["rows"][0]["cells"] == ["n", "1200m", "2Gi", "15s"]


@pytest.mark.postgres
def test_it_is_discovered_and_only_read(client, usage):
    resources = client.get(METRICS).json()["resources"]
    assert [(one["name"], one["kind"], one["namespaced"], one["verbs"]) for one in resources] == [
        ("nodes", "NodeMetrics", False, ["get", "list"]),
        ("pods", "PodMetrics", True, ["get", "list"]),
    ]
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    found = client.get("/apis", headers={"accept": accept}).json()["items"]
    assert "metrics.k8s.io" in [one["metadata"]["name"] for one in found]
    pods = f"{METRICS}/namespaces/p/pods"
    refused = [
        client.post(pods, json={}),
        client.delete(pods),
        client.get(pods, params={"watch": "1"}),
        client.put(f"{pods}/web", json={}),
        client.delete(f"{pods}/web"),
    ]
    assert [answer.status_code for answer in refused] == [405] * len(refused)


def rows(text):
    return [line.split() for line in text.splitlines()]


@pytest.mark.postgres
@pytest.mark.served_kubectl
def test_kubectl_top_shows_pods_containers_and_the_node(kubectl, door, usage):
    early = kubectl.run("top", "pod")
    assert (early.code, early.out) == (0, "")
    assert "No resources found in p namespace." in early.err
    usage.pod("web", app=window(250, 20), side=window(1.2, 1))
    usage.pod("db", window(900, 300))
    usage.pod("far", window(1, 1), namespace="other")
    web, db = ["web", "252m", "21Mi"], ["db", "900m", "300Mi"]
    head = ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert rows(kubectl("top", "pod")) == [head, db, web]
    assert rows(kubectl("top", "pod", "--sort-by=cpu", "--no-headers")) == [db, web]
    assert rows(kubectl("top", "pod", "-l", "app=web")) == [head, web]
    assert rows(kubectl("top", "pod", "web", "--containers"))[1:] == [
        ["web", "app", "250m", "20Mi"],
        ["web", "side", "2m", "1Mi"],
    ]
    assert rows(kubectl("top", "pod", "-A"))[1:] == [
        ["other", "far", "1m", "1Mi"],
        ["p", *db],
        ["p", *web],
    ]
    missing = kubectl.run("top", "pod", "none")
    assert 'pods "none" not found' in missing.err
    node = door.get(ADMIN, "nodes", "n")
    status = {"allocatable": {"cpu": "2", "memory": "4Gi"}}
    door.update(ADMIN, {**node, "status": status}, subresource="status")
    usage.of_node = ("n", window(500, 1024))
    assert rows(kubectl("top", "node"))[1] == ["n", "500m", "25%", "1024Mi", "25%"]
    assert rows(kubectl("top", "node", "-l", "a=b"))[1][0] == "n"
