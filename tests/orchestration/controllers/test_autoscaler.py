"""Autoscalers over controllers that run, on a real door: alone and with the real kubectl."""

from datetime import timedelta

import pytest

from paas.apiserver.app import ApiApplication, api_application
from paas.core.conditions import condition_of
from paas.core.objects import dig, labels_of, name_of
from paas.core.usage import PodUsage
from paas.orchestration.controllers.autoscaler.controller import RESOURCE
from paas.orchestration.controllers.autoscaler.replicas import Settings
from paas.orchestration.controllers.registry import kubernetes_controllers
from paas.settings.instance import Instance
from tests.fakes.accounts import FakeAuthenticator
from tests.fakes.nodes import FakeNode
from tests.fakes.usage import window
from tests.orchestration.controllers.conftest import CA
from tests.orchestration.controllers.world import ACTOR, World, deployment_object, node_object

pytestmark = pytest.mark.postgres

SETTINGS = Settings(every_s=0.05, stabilization_s=0, cpu_initialization=timedelta())
PATIENCE = "--timeout=60s"
PLAIN = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
CPU = {"type": "Utilization", "averageUtilization": 50}


class Load:
    """Every pod of the namespace uses the same; nothing is known of it where that is None."""

    def __init__(self):
        self.millicores = None
        self.world = None

    def pods(self, namespace, *, history=False):  # noqa: ARG002 -- a UsageSource
        if self.millicores is None or self.world is None:
            return []
        used = {"web": [window(self.millicores, 1)]}
        found = self.world.seen.all("pods", namespace)
        return [PodUsage(namespace, name_of(pod), labels_of(pod), used) for pod in found]

    def node(self):
        return None


@pytest.fixture
def load():
    return Load()


@pytest.fixture
def cluster(door, load):
    def make(context):
        return kubernetes_controllers(
            context, Instance(), ca_certificate=CA, usage=load, autoscaling=SETTINGS
        )

    watched = (RESOURCE, "replicationcontrollers", "serviceaccounts")
    world = World(make, door=door, resources=watched)
    for name in ("kube-system", "default", "shop"):
        world.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    node = world.apply(node_object())
    door.update(ACTOR, {**node, "status": node_object()["status"]}, subresource="status")
    world.start()
    world.start_node()
    assert world.seen.wait(lambda: world.seen.get("serviceaccounts", "default"))
    load.world = world
    yield world
    world.close()


def workload(kind, name, version, replicas=1):
    obj = deployment_object(name, replicas=replicas)
    spec = obj["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    container["resources"] = {"requests": {"cpu": "100m"}}
    if kind != "Deployment":
        del spec["progressDeadlineSeconds"], spec["revisionHistoryLimit"]
    if kind == "ReplicationController":
        spec["selector"] = spec["selector"]["matchLabels"]
    if kind == "DaemonSet":
        del spec["replicas"]
    return {**obj, "kind": kind, "apiVersion": version}


def autoscaler(name, kind, version, **spec):
    return {
        **PLAIN,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"kind": kind, "name": name, "apiVersion": version},
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": CPU}}],
            **spec,
        },
    }


def condition(world, name, kind):
    found = world.seen.get(RESOURCE, name) or {}
    return condition_of(found.get("status") or {}, kind) or {}


@pytest.mark.parametrize(
    ("kind", "version", "resource"),
    [
        ("ReplicaSet", "apps/v1", "replicasets.apps"),
        ("ReplicationController", "v1", "replicationcontrollers"),
    ],
)
def test_whatever_has_a_scale_goes_up_and_down(cluster, load, kind, version, resource):
    cluster.apply(workload(kind, "web", version))
    cluster.apply(autoscaler("web", kind, version))

    def replicas():
        return dig(cluster.seen.get(resource, "web") or {}, "spec", "replicas")

    load.millicores = 200
    assert cluster.seen.wait(lambda: replicas() == 3), cluster.seen.get(RESOURCE, "web")
    load.millicores = 1
    assert cluster.seen.wait(lambda: replicas() == 1), cluster.seen.get(RESOURCE, "web")


def test_a_target_that_has_no_scale_or_is_not_there_is_told(cluster):
    cluster.apply(workload("DaemonSet", "each", "apps/v1"))
    for name, kind in (("none", "Deployment"), ("each", "DaemonSet"), ("wish", "Wish")):
        cluster.apply(autoscaler(name, kind, "apps/v1"))
    expected = {
        "none": 'deployments/scale.apps "none" not found',
        "each": "the server could not find the requested resource",
        "wish": 'no matches for kind "Wish" in group "apps"',
    }
    for name, words in expected.items():
        message = f"the HPA controller was unable to get the target's current scale: {words}"
        assert cluster.seen.wait(
            lambda name=name, message=message: (
                condition(cluster, name, "AbleToScale").get("message") == message
            )
        ), cluster.seen.get(RESOURCE, name)
    assert cluster.seen.wait(
        lambda: set(cluster.event_messages("FailedGetScale")) == set(expected.values())
    ), cluster.event_messages("FailedGetScale")


def test_until_something_is_measured_nothing_is_done(cluster, load):
    cluster.apply(workload("Deployment", "web", "apps/v1"))
    cluster.apply(autoscaler("web", "Deployment", "apps/v1"))
    assert cluster.seen.wait(
        lambda: (
            condition(cluster, "web", "ScalingActive").get("reason") == "FailedGetResourceMetric"
        )
    )
    assert cluster.door.get(ACTOR, "deployments.apps", "web", "shop")["spec"]["replicas"] == 1
    load.millicores = 50
    assert cluster.seen.wait(
        lambda: condition(cluster, "web", "ScalingActive").get("reason") == "ValidMetricFound"
    )
    status = cluster.seen.get(RESOURCE, "web")["status"]
    assert status["currentMetrics"][0]["resource"]["current"]["averageUtilization"] == 50


@pytest.fixture(name="api_application")
def application(door) -> ApiApplication:
    return api_application(door, authenticator=FakeAuthenticator(), node=FakeNode())


@pytest.mark.served_kubectl
def test_kubectl_autoscale_goes_up_under_load_and_down_again(cluster, load, kubectl):
    def shop(*arguments):
        return str(kubectl("-n", "shop", *arguments))

    def until(value):
        shop("wait", f"--for=jsonpath={{.status.currentReplicas}}={value}", "hpa/web", PATIENCE)

    cluster.apply(workload("Deployment", "web", "apps/v1"))
    load.millicores = 200
    said = shop("autoscale", "deployment", "web", "--min=1", "--max=4", "--cpu-percent=50")
    assert said == "horizontalpodautoscaler.autoscaling/web autoscaled\n"
    until(4)
    heading, row = (line.split() for line in shop("get", "hpa").splitlines())
    assert heading == ["NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS", "AGE"]
    assert row[:7] == ["web", "Deployment/web", "cpu:", "200%/50%", "1", "4", "4"]
    old = kubectl.json("-n", "shop", "get", "horizontalpodautoscalers.v1.autoscaling", "web")
    assert old["apiVersion"] == "autoscaling/v1"
    assert old["spec"]["targetCPUUtilizationPercentage"] == 50
    assert old["status"]["currentCPUUtilizationPercentage"] == 200
    assert cluster.seen.wait(lambda: cluster.event_messages("SuccessfulRescale"))
    words = shop("describe", "hpa", "web")
    assert "ValidMetricFound" in words
    assert "cpu resource utilization (percentage of request) above target" in words
    patch = '{"spec":{"targetCPUUtilizationPercentage":40}}'
    shop("patch", "horizontalpodautoscalers.v1.autoscaling", "web", "--type=merge", "-p", patch)
    new = kubectl.json("-n", "shop", "get", "hpa", "web")
    assert new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 40
    load.millicores = 1
    until(1)
    assert shop("delete", "hpa", "web") == ('horizontalpodautoscaler.autoscaling "web" deleted\n')
