"""What an autoscaler does and says, from what is seen; upstream's reasons and words."""

from datetime import UTC, datetime, timedelta

import pytest

from paas.core.objects import timestamp
from paas.core.selectors import parse_label_selector
from paas.orchestration.controllers.autoscaler.pace import History, Recommendation
from paas.orchestration.controllers.autoscaler.plan import (
    Seen,
    not_rescaled,
    plan,
    rescaled,
    without_scale,
)
from paas.orchestration.controllers.autoscaler.replicas import Settings
from paas.orchestration.kinds.autoscaling import AUTOSCALER
from tests.fakes.usage import FakeUsage, window
from tests.orchestration.kinds.test_autoscaling import (
    amount,
    autoscaler,
    named,
    of_container,
    share,
)

NOW = datetime(2026, 11, 23, 12, 10, tzinfo=UTC)
LONG_AGO = timestamp(NOW - timedelta(hours=1))


def pod(name):
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": LONG_AGO}
    requests = {"cpu": "100m", "memory": "100Mi"}
    return {
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "resources": {"requests": requests}}]},
        "status": {"phase": "Running", "startTime": LONG_AGO, "conditions": [ready]},
    }


def scale(replicas, selector="app in (a,b,c)"):
    return {
        "spec": {"replicas": replicas},
        "status": {"replicas": replicas, **({"selector": selector} if selector else {})},
    }


def seen(hpa, replicas=3, *, millicores=(), mebibytes=0, **more):
    AUTOSCALER.default(hpa)
    usage = FakeUsage()
    for name, used in zip("abc", millicores, strict=False):
        usage.pod(name, app=window(used, mebibytes), namespace="shop")
    given = {"scale": scale(replicas), "pods": [pod(name) for name in "abc"], **more}
    return Seen(hpa, usages=usage.pods("shop"), **given)


def planned(found, history=None):
    return plan(found, history or History(), settings=Settings(), now=NOW)


def conditions(done):
    return {
        one["type"]: (one["status"], one["reason"], one["message"])
        for one in done.status["conditions"]
    }


GOT = ("True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")
STEADY = ("True", "ReadyForNewScale", "recommended size matches current size")
WITHIN = ("False", "DesiredWithinRange", "the desired count is within the acceptable range")
BY_CPU = (
    "True",
    "ValidMetricFound",
    "the HPA was able to successfully calculate a replica count from cpu resource utilization "
    "(percentage of request)",
)


def test_as_many_as_there_should_be():
    done = planned(seen(autoscaler(share(50)), millicores=(50, 52, 48)))
    assert (done.replicas, done.told) == (None, ())
    assert conditions(done) == {
        "AbleToScale": STEADY,
        "ScalingActive": BY_CPU,
        "ScalingLimited": WITHIN,
    }
    current = {"averageUtilization": 50, "averageValue": "50m"}
    assert done.status["currentMetrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "current": current}}
    ]
    assert (done.status["currentReplicas"], done.status["desiredReplicas"]) == (3, 3)


def test_more_are_wanted_where_the_target_is_missed():
    found = seen(autoscaler(share(50), maxReplicas=9), millicores=(100, 100, 100))
    done = planned(found)
    assert done.replicas == 6
    after = rescaled(done, None, now=NOW)
    assert conditions(after)["AbleToScale"] == (
        "True",
        "SucceededRescale",
        "the HPA controller was able to update the target scale to 6",
    )
    (told,) = after.told
    assert (told.reason, told.is_warning) == ("SuccessfulRescale", False)
    assert told.message == (
        "New size: 6; reason: cpu resource utilization (percentage of request) above target"
    )
    assert after.status["currentReplicas"] == 3
    assert after.status["desiredReplicas"] == 6
    assert after.status["lastScaleTime"] == timestamp(NOW)
    assert after.history.ups == ()  # without a behavior nobody asks for it


def test_a_target_that_refuses_is_told():
    done = planned(seen(autoscaler(share(50), maxReplicas=9), millicores=(100, 100, 100)))
    after = not_rescaled(done, "quota", now=NOW)
    assert conditions(after)["AbleToScale"] == (
        "False",
        "FailedUpdateScale",
        "the HPA controller was unable to update the target scale: quota",
    )
    assert after.told[-1].reason == "FailedRescale"
    assert after.told[-1].message.endswith("above target; error: quota")
    assert after.status["desiredReplicas"] == 0
    assert "lastScaleTime" not in after.status


def test_the_maximum_holds():
    done = planned(seen(autoscaler(share(50)), millicores=(100, 100, 100)))
    assert done.replicas == 5
    assert conditions(done)["ScalingLimited"] == (
        "True",
        "TooManyReplicas",
        "the desired replica count is more than the maximum replica count",
    )


def test_fewer_only_when_nothing_higher_was_recommended_of_late():
    found = seen(autoscaler(share(50), minReplicas=2), millicores=(5, 5, 5))
    first = planned(found)
    assert first.replicas is None  # the number it began with is a recommendation
    assert conditions(first)["AbleToScale"] == (
        "True",
        "ScaleDownStabilized",
        "recent recommendations were higher than current one, applying the highest recent "
        "recommendation",
    )
    old = History((Recommendation(NOW - timedelta(minutes=6), 3),))
    later = planned(found, old)
    assert (later.replicas, later.reason) == (2, "All metrics below target")
    assert conditions(later)["ScalingLimited"][1] == "TooFewReplicas"


def test_with_a_behavior_what_was_done_is_remembered():
    hpa = autoscaler(share(50), maxReplicas=9, behavior={"scaleUp": {"selectPolicy": "Min"}})
    done = planned(seen(hpa, millicores=(100, 100, 100)))
    assert done.replicas == 6
    after = rescaled(done, hpa["spec"]["behavior"], now=NOW)
    assert [(one.pods, one.at) for one in after.history.ups] == [(3, NOW)]


@pytest.mark.parametrize(
    ("replicas", "expected", "reason"),
    [
        (7, 5, "Current number of replicas above Spec.MaxReplicas"),
        (1, 2, "Current number of replicas below Spec.MinReplicas"),
    ],
)
def test_bounds_hold_before_anything_is_measured(replicas, expected, reason):
    done = planned(seen(autoscaler(share(50), minReplicas=2), replicas))
    assert (done.replicas, done.reason) == (expected, reason)
    assert conditions(done) == {"AbleToScale": GOT}


def test_a_target_of_no_pods_is_left_alone():
    hpa = autoscaler(share(50))
    hpa["status"] = {"desiredReplicas": 4, "currentMetrics": [{"type": ""}]}
    done = planned(seen(hpa, 0))
    assert done.replicas is None
    assert conditions(done)["ScalingActive"] == (
        "False",
        "ScalingDisabled",
        "scaling is disabled since the replica count of the target is zero",
    )
    assert done.status["desiredReplicas"] == 0
    assert "currentMetrics" not in done.status


def test_the_metric_that_wants_most_is_followed():
    hpa = autoscaler(share(50), amount("10Mi"), of_container(percent=40), maxReplicas=9)
    done = planned(seen(hpa, millicores=(50, 50, 50), mebibytes=20))
    assert (done.replicas, done.reason) == (6, "memory resource above target")
    found = done.status["currentMetrics"]
    assert found[1]["resource"]["current"] == {"averageValue": "20971520"}
    assert found[2]["containerResource"] == {
        "name": "cpu",
        "container": "app",
        "current": {"averageValue": "50m", "averageUtilization": 50},
    }


NO_USAGE = (
    "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned "
    "from resource metrics API"
)
NO_CUSTOM = (
    "unable to fetch metrics from custom metrics API: no custom metrics API "
    "(custom.metrics.k8s.io) registered"
)
NO_EXTERNAL = (
    "unable to fetch metrics from external metrics API: the server could not find the requested "
    "resource (get qps.external.metrics.k8s.io)"
)
SELECTED = {
    "matchLabels": {"b": "2", "a": "1"},
    "matchExpressions": [{"key": "c", "operator": "In", "values": ["3", "4"]}],
}


@pytest.mark.parametrize(
    ("metric", "reason", "message", "whole"),
    [
        (
            share(50),
            "FailedGetResourceMetric",
            NO_USAGE,
            f"failed to get cpu resource metric value: {NO_USAGE}",
        ),
        (
            amount("1Mi"),
            "FailedGetResourceMetric",
            NO_USAGE.replace("cpu utilization", "memory usage").replace("cpu", "memory"),
            "failed to get memory resource metric value: "
            + NO_USAGE.replace("cpu utilization", "memory usage").replace("cpu", "memory"),
        ),
        (
            of_container(),
            "FailedGetContainerResourceMetric",
            NO_USAGE,
            f"failed to get app container metric value: {NO_USAGE}",
        ),
        (
            named("Pods", type="AverageValue", averageValue="1"),
            "FailedGetPodsMetric",
            f"unable to get metric qps: {NO_CUSTOM}",
            f"failed to get pods metric value: unable to get metric qps: {NO_CUSTOM}",
        ),
        (
            named("Object", type="Value", value="1"),
            "FailedGetObjectMetric",
            f"unable to get metric qps: Service on shop web/{NO_CUSTOM}",
            "failed to get object metric value: unable to get metric qps: Service on shop web/"
            + NO_CUSTOM,
        ),
        (
            named("External", type="Value", value="1"),
            "FailedGetExternalMetric",
            f"unable to get external metric shop/qps/nil: {NO_EXTERNAL}",
            "failed to get qps external metric value: failed to get external metric qps: "
            f"unable to get external metric shop/qps/nil: {NO_EXTERNAL}",
        ),
        (
            named("External", selector=SELECTED, type="AverageValue", averageValue="1"),
            "FailedGetExternalMetric",
            "unable to get external metric shop/qps/&LabelSelector{MatchLabels:map[string]string"
            "{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement"
            "{Key:c,Operator:In,Values:[3 4],},},}: " + NO_EXTERNAL,
            None,
        ),
    ],
)
def test_a_metric_that_is_not_to_be_had(metric, reason, message, whole):
    done = planned(seen(autoscaler(metric)))
    assert done.replicas is None
    words = f"the HPA was unable to compute the replica count: {message}"
    assert conditions(done) == {"AbleToScale": GOT, "ScalingActive": ("False", reason, words)}
    first, second = done.told
    assert (first.reason, first.message) == (reason, message)
    assert second.reason == "FailedComputeMetricsReplicas"
    if whole is not None:
        assert second.message == (f"invalid metrics (1 invalid out of 1), first error is: {whole}")
    assert done.status["currentMetrics"] == [{"type": ""}]
    assert done.status["currentReplicas"] == 3


def test_while_some_metric_is_not_known_there_may_be_more_pods_but_never_fewer():
    unknown = named("Pods", type="AverageValue", averageValue="1")
    more = planned(seen(autoscaler(share(50), unknown, maxReplicas=9), millicores=(100,) * 3))
    assert more.replicas == 6
    assert conditions(more)["ScalingActive"] == BY_CPU
    assert [one.reason for one in more.told] == ["FailedGetPodsMetric"]
    old = History((Recommendation(NOW - timedelta(minutes=6), 3),))
    fewer = planned(seen(autoscaler(share(50), unknown), millicores=(5, 5, 5)), old)
    assert fewer.replicas is None
    assert conditions(fewer)["ScalingActive"][1] == "FailedGetPodsMetric"


def test_a_tolerance_of_ones_own():
    hpa = autoscaler(share(50), maxReplicas=9, behavior={"scaleUp": {"tolerance": "0.5"}})
    assert planned(seen(hpa, millicores=(70, 70, 70))).replicas is None
    assert planned(seen(autoscaler(share(50)), millicores=(70, 70, 70))).replicas == 5


def test_a_scale_without_a_selector():
    done = planned(seen(autoscaler(share(50)), scale=scale(3, "")))
    assert conditions(done)["ScalingActive"] == (
        "False",
        "InvalidSelector",
        "the HPA target's scale is missing a selector",
    )
    assert [(one.reason, one.message) for one in done.told] == [
        ("SelectorRequired", "selector is required"),
        ("FailedComputeMetricsReplicas", "selector is required"),
    ]


def test_two_autoscalers_of_the_same_pods_do_nothing():
    rivals = {"other": parse_label_selector("app=a"), "far": parse_label_selector("app=z")}
    done = planned(seen(autoscaler(share(50)), millicores=(100,) * 3, rivals=rivals))
    assert done.replicas is None
    assert conditions(done)["ScalingActive"][1:] == (
        "AmbiguousSelector",
        "pods by selector app in (a,b,c) are controlled by multiple HPAs: "
        "[{other shop} {web shop}]",
    )


def test_a_target_that_cannot_be_had():
    hpa = autoscaler(share(50))
    hpa["status"] = {"desiredReplicas": 4, "currentReplicas": 4}
    done = without_scale(hpa, 'deployments/scale.apps "web" not found', History(), now=NOW)
    assert conditions(done) == {
        "AbleToScale": (
            "False",
            "FailedGetScale",
            "the HPA controller was unable to get the target's current scale: "
            'deployments/scale.apps "web" not found',
        )
    }
    assert done.status["currentReplicas"] == 4
    assert done.told[0].reason == "FailedGetScale"
