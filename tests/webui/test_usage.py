"""An application's page with what it uses and what scales it."""

from datetime import timedelta

import pytest

from paas.catalog.usage import Moment
from paas.cluster.client import nobody_knows
from paas.core.usage import PodUsage
from tests.fakes.usage import AT, FakeUsage, window
from tests.webui.conftest import PLATFORM
from webui.presenters.usage import charts

APP = "/projects/shop/applications/web"
CPU = {"type": "Utilization", "averageUtilization": 50}


@pytest.fixture
def usage(cluster, monkeypatch):
    """Give the console a node agent that knows what the test says."""
    fake = FakeUsage()
    monkeypatch.setattr(cluster, "_usage_reader", lambda: fake)
    return fake


def uses(cluster, usage, *windows):
    deployment = cluster.get(PLATFORM, "deployments.apps", "web", "shop")
    labels = deployment["spec"]["selector"]["matchLabels"]
    usage.found = [PodUsage("shop", "web-1", labels, {"web": list(windows)})]


def autoscaler(**status):
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaler", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"},
            "maxReplicas": 4,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": CPU}}],
        },
        "status": status,
    }


def page_of(client, path=APP):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_is_used_is_drawn_with_its_numbers(web, viewer, cluster, usage):
    before = AT - timedelta(seconds=15)
    uses(cluster, usage, window(500, 64, before), window(250, 128))
    for client in (web, viewer):
        page = page_of(client)
        assert "0.25 cores" in page
        assert "at most 0.5 cores of late" in page
        assert "128 MiB" in page
        assert 'points="0.0,0.0 100.0,12.0"' in page
    assert ("vic", "shop") in usage.asked


def test_before_anything_is_measured_nothing_is_drawn(web, usage):
    assert "<polyline" not in page_of(web)


def test_the_page_is_there_while_nobody_knows(web, cluster, monkeypatch):
    monkeypatch.setattr(cluster, "_usage_reader", nobody_knows)
    assert "<polyline" not in page_of(web)


def test_usage_of_other_pods_is_not_this_applications(web, usage):
    usage.pod("other", window(500, 64), namespace="shop")
    assert "<polyline" not in page_of(web)


def test_one_value_is_a_level_line_and_none_at_all_lies_below():
    cpu, memory = charts([Moment(AT, 0, 1 << 20)])
    assert (cpu.points, memory.points) == ("0.0,24.0 100.0,24.0", "0.0,0.0 100.0,0.0")
    assert (cpu.now, memory.now) == ("0 cores", "1 MiB")
    assert charts([]) == []


def test_an_autoscaler_is_shown_with_its_state(web, viewer, cluster):
    assert "Autoscaler" not in page_of(web)
    made = cluster.create(PLATFORM, autoscaler())
    assert "Waiting" in page_of(web)
    conditions = [
        {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale"},
        {
            "type": "ScalingActive",
            "status": "False",
            "reason": "FailedGetResourceMetric",
            "message": "the HPA was unable to compute the replica count: no <usage>",
        },
    ]
    for one in conditions:
        one["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    status = {"currentReplicas": 1, "desiredReplicas": 1, "conditions": conditions}
    made = cluster.update(PLATFORM, {**made, "status": status}, subresource="status")
    for client in (web, viewer):
        page = page_of(client)
        assert "cpu: &lt;unknown&gt;/50%" in page
        assert "1 to 4 pods" in page
        assert "FailedGetResourceMetric" in page
        assert "no &lt;usage&gt;" in page
    conditions[1] |= {"status": "True", "reason": "ValidMetricFound", "message": ""}
    status["lastScaleTime"] = "2026-01-01T00:00:00Z"
    cluster.update(PLATFORM, {**made, "status": status}, subresource="status")
    page = page_of(web)
    assert "Active" in page
    assert "Last change:" in page
    assert "The autoscaler scaler decides how many pods there are" in page_of(web, f"{APP}/scale")


def test_an_autoscaler_goes_with_its_application(web, cluster):
    other = autoscaler()
    other["metadata"]["name"] = "other"
    other["spec"]["scaleTargetRef"]["name"] = "elsewhere"
    for one in (autoscaler(), other):
        cluster.create(PLATFORM, one)
    assert web.post(f"{APP}/delete", {"typed": "web"}).status_code == 302
    left = cluster.list(PLATFORM, "horizontalpodautoscalers.autoscaling", "shop").items
    assert [one["metadata"]["name"] for one in left] == ["other"]
