"""What an object counts against a quota."""

from datetime import UTC, datetime

import pytest

from paas.orchestration.admission.usage import (
    amount_text,
    is_counted,
    matches,
    missing_requirements,
    status_of,
    total,
    usage_of,
)
from tests.orchestration.kinds.objects import SCHEME, container, pod, service

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
PODS, SERVICES = SCHEME.kind_of("pods"), SCHEME.kind_of("services")


def shown(usage):
    return {name: amount_text(name, amount) for name, amount in sorted(usage.items())}


def asking(requests=None, limits=None, name="web", **spec):
    resources = {"requests": requests or {}, "limits": limits or {}}
    return pod(containers=[container(name, resources=resources)], **spec)


def quota(hard, **spec):
    return {"metadata": {"name": "all"}, "spec": {"hard": hard, **spec}}


def test_a_pod_counts_by_number_and_by_what_it_asks_for():
    obj = asking(
        {"cpu": "100m", "memory": "64Mi", "nvidia.com/gpu": "1"}, {"cpu": "1", "memory": "1Gi"}
    )
    assert shown(usage_of(obj, PODS)) == {
        "count/pods": "1",
        "cpu": "100m",
        "limits.cpu": "1",
        "limits.memory": "1Gi",
        "memory": "64Mi",
        "pods": "1",
        "requests.cpu": "100m",
        "requests.memory": "64Mi",
        "requests.nvidia.com/gpu": "1",
    }


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_only_counts_as_an_object(phase):
    obj = {**asking({"cpu": "1"}), "status": {"phase": phase}}
    assert shown(usage_of(obj, PODS)) == {"count/pods": "1"}


@pytest.mark.parametrize(
    ("deleted", "alive"), [("2026-01-01T00:00:20Z", False), ("2026-01-01T00:00:40Z", True)]
)
def test_a_pod_whose_deletion_is_overdue_is_not_held_against_its_project(deleted, alive):
    obj = pod()
    obj["metadata"].update(deletionTimestamp=deleted, deletionGracePeriodSeconds=30)
    assert ("pods" in usage_of(obj, PODS, now=NOW)) is alive


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {"services": "1"}),
        ({"type": "NodePort"}, {"services": "1", "services.nodeports": "1"}),
        (
            {"type": "LoadBalancer", "ports": [{"port": 1}, {"port": 2}]},
            {"services": "1", "services.nodeports": "2", "services.loadbalancers": "1"},
        ),
        (
            {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False},
            {"services": "1", "services.nodeports": "0", "services.loadbalancers": "1"},
        ),
    ],
)
def test_a_service_counts_its_ports_on_the_node(spec, expected):
    assert shown(usage_of(service(**spec), SERVICES)) == {"count/services": "1", **expected}


@pytest.mark.parametrize(
    ("resource", "names"),
    [
        ("secrets", {"secrets", "count/secrets"}),
        ("configmaps", {"configmaps", "count/configmaps"}),
        ("deployments.apps", {"count/deployments.apps"}),
    ],
)
def test_other_objects_count_one_each(resource, names):
    usage = usage_of({}, SCHEME.kind_of(resource))
    assert usage.keys() == names
    assert set(usage.values()) == {1}


def test_events_questions_and_the_clusters_own_are_not_counted():
    uncounted = {kind.resource for kind in SCHEME if not is_counted(kind)}
    assert {"events", "nodes", "namespaces"} <= uncounted
    assert "localsubjectaccessreviews.authorization.k8s.io" in uncounted
    assert not {"pods", "secrets", "deployments.apps"} & uncounted


@pytest.mark.parametrize(
    ("spec", "scopes", "expected"),
    [
        ({}, [], True),
        ({}, ["BestEffort"], True),
        ({}, ["NotBestEffort"], False),
        ({"activeDeadlineSeconds": 5}, ["Terminating"], True),
        ({"activeDeadlineSeconds": 5}, ["NotTerminating"], False),
        ({}, ["BestEffort", "NotTerminating"], True),
        ({"priorityClassName": "high"}, ["PriorityClass"], True),
        ({}, ["PriorityClass"], False),
    ],
)
def test_a_quota_with_scopes_covers_the_pods_in_all_of_them(spec, scopes, expected):
    assert matches(quota({"pods": "1"}, scopes=scopes), pod(**spec), PODS) is expected


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [("In", ["high"], True), ("In", ["low"], False), ("NotIn", ["low"], True)],
)
def test_a_scope_may_select_priorities(operator, values, expected):
    term = {"scopeName": "PriorityClass", "operator": operator, "values": values}
    limited = quota({"pods": "1"}, scopeSelector={"matchExpressions": [term]})
    assert matches(limited, pod(priorityClassName="high"), PODS) is expected


def test_scopes_are_about_pods_only():
    assert not matches(quota({"services": "1"}, scopes=["BestEffort"]), service(), SERVICES)


@pytest.mark.parametrize(
    ("hard", "obj", "expected"),
    [
        ({"pods": "1"}, pod(), ""),
        ({"limits.cpu": "1"}, asking(limits={"cpu": "1"}), ""),
        ({"limits.cpu": "1"}, pod(), "must specify limits.cpu for: web"),
        (
            {"requests.cpu": "1", "memory": "1Gi"},
            pod(containers=[container("b"), container("a")]),
            "must specify memory for: a,b; requests.cpu for: a,b",
        ),
        ({"limits.cpu": "1"}, pod(resources={"limits": {"cpu": "1"}}), ""),
    ],
)
def test_what_a_quota_limits_must_be_said(hard, obj, expected):
    assert missing_requirements(quota(hard), obj) == expected


def test_the_status_of_a_quota_names_what_its_spec_does():
    hard = {"pods": "10", "requests.cpu": "2", "limits.memory": "1Gi"}
    used = total(usage_of(asking({"cpu": "500m"}, {"memory": "256Mi"}), PODS) for _ in range(3))
    assert status_of(quota(hard), used) == {
        "hard": hard,
        "used": {"pods": "3", "requests.cpu": "1500m", "limits.memory": "768Mi"},
    }
    assert status_of(quota({"pods": "1"}), {})["used"] == {"pods": "0"}
