"""HorizontalPodAutoscalers: defaults, rules, columns, and what v1 makes of v2 and back."""

import copy
import json

import pytest

from paas.apimachinery import protobuf
from paas.orchestration.kinds.autoscaling import AUTOSCALER, AUTOSCALER_V1
from paas.orchestration.kinds.autoscaling_v1 import (
    BEHAVIOR,
    CONDITIONS,
    CURRENT_METRICS,
    METRICS,
    to_v1,
    to_v2,
)
from tests.orchestration.kinds.objects import broken, context, made, row

WEB = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
CONDITION = {
    "type": "AbleToScale",
    "status": "True",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
    "reason": "ReadyForNewScale",
    "message": "recommended size matches current size",
}


def autoscaler(*metrics, **spec):
    given = {"scaleTargetRef": WEB, "maxReplicas": 5, **spec}
    if metrics:
        given["metrics"] = list(metrics)
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": given,
    }


def old(annotations=None, **spec):
    obj = autoscaler(**spec)
    obj["apiVersion"] = "autoscaling/v1"
    if annotations:
        obj["metadata"]["annotations"] = annotations
    return obj


def resource(name="cpu", **target):
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def share(percent, name="cpu"):
    return resource(name, type="Utilization", averageUtilization=percent)


def amount(quantity, name="memory"):
    return resource(name, type="AverageValue", averageValue=quantity)


def of_container(container="app", name="cpu", percent=50):
    target = {"type": "Utilization", "averageUtilization": percent}
    source = {"name": name, "container": container, "target": target}
    return {"type": "ContainerResource", "containerResource": source}


def named(kind, name="qps", selector=None, **target):
    metric = {"name": name, **({"selector": selector} if selector else {})}
    source = {"metric": metric, "target": target}
    if kind == "Object":
        source["describedObject"] = {"kind": "Service", "name": "web", "apiVersion": "v1"}
    return {"type": kind, kind.lower(): source}


def test_what_is_left_out_is_filled_in():
    spec = made(AUTOSCALER, autoscaler())["spec"]
    assert (spec["minReplicas"], spec["metrics"]) == (1, [share(80)])
    assert "behavior" not in spec


def test_a_behavior_is_filled_up_in_both_directions():
    fast = [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    given = autoscaler(behavior={"scaleUp": {"policies": fast}})
    assert made(AUTOSCALER, given)["spec"]["behavior"] == {
        "scaleUp": {"policies": fast, "stabilizationWindowSeconds": 0, "selectPolicy": "Max"},
        "scaleDown": {
            "selectPolicy": "Max",
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
        },
    }


def rules(**scale_up):
    policy = {"type": "Pods", "value": 1, "periodSeconds": 60}
    return {"behavior": {"scaleUp": {"policies": [policy], **scale_up}}}


UP = "spec.behavior.scaleUp"
FIRST = "spec.metrics[0]"
MUST = "must populate information for the given metric source"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (autoscaler(), []),
        (
            autoscaler(minReplicas=0),
            ["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"],
        ),
        (
            autoscaler(maxReplicas=0),
            [
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.maxReplicas: Invalid value: 0: must be greater than or equal to "
                "`minReplicas`",
            ],
        ),
        (
            autoscaler(minReplicas=6),
            ["spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`"],
        ),
        (
            autoscaler(scaleTargetRef={"apiVersion": "apps/v1"}),
            [
                "spec.scaleTargetRef.kind: Required value",
                "spec.scaleTargetRef.name: Required value",
            ],
        ),
        (
            autoscaler(scaleTargetRef={**WEB, "name": "a/b"}),
            ["spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'"],
        ),
        (
            autoscaler(scaleTargetRef={**WEB, "apiVersion": "v1"}),
            [
                'spec.scaleTargetRef.apiVersion: Invalid value: "v1": '
                "apiVersion must specify API group"
            ],
        ),
        (
            autoscaler(scaleTargetRef={**WEB, "apiVersion": "a/b/c"}),
            [
                'spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": '
                "unexpected GroupVersion string: a/b/c"
            ],
        ),
        (
            autoscaler(scaleTargetRef={"kind": "ReplicationController", "name": "web"}),
            [],
        ),
        (
            autoscaler({"type": "Pods"}),
            [f"{FIRST}.pods: Required value: {MUST}"],
        ),
        (
            autoscaler({**share(1), **named("Pods", averageValue="1", type="AverageValue")}),
            [f"{FIRST}.resource: Forbidden: must populate the given metric source only"],
        ),
        (
            autoscaler({"type": "Wish"}),
            [
                f'{FIRST}.type: Unsupported value: "Wish": supported values: '
                '"ContainerResource", "External", "Object", "Pods", "Resource"'
            ],
        ),
        (
            autoscaler(resource(type="Utilization")),
            [
                f"{FIRST}.resource.target.averageUtilization: Required value: must set either a "
                "target raw value or a target utilization"
            ],
        ),
        (
            autoscaler(resource(type="Utilization", averageUtilization=0, averageValue="0")),
            [
                f'{FIRST}.resource.target.averageValue: Invalid value: "0": must be positive',
                f"{FIRST}.resource.target.averageUtilization: Invalid value: 0: must be greater "
                "than 0",
                f"{FIRST}.resource.target.averageValue: Forbidden: may not set both a target raw "
                "value and a target utilization",
            ],
        ),
        (
            autoscaler(resource(averageUtilization=1)),
            [
                f"{FIRST}.resource.target.type: Required value: must specify a metric target type",
                f'{FIRST}.resource.target.type: Invalid value: "": must be either Utilization, '
                "Value, or AverageValue",
            ],
        ),
        (
            autoscaler(of_container(container="", name="pods")),
            [
                f'{FIRST}.containerResource.name: Invalid value: "pods": must be a standard '
                "resource for containers",
                f"{FIRST}.containerResource.container: Required value: must specify a container",
            ],
        ),
        (
            autoscaler(named("Pods", name="", type="AverageValue")),
            [
                f"{FIRST}.pods.metric.name: Required value: must specify a metric name",
                f"{FIRST}.pods.target.averageValue: Required value: must specify a positive "
                "target averageValue",
            ],
        ),
        (
            autoscaler(named("Object", type="Value")),
            [
                f"{FIRST}.object.target.averageValue: Required value: must set either a target "
                "value or averageValue"
            ],
        ),
        (
            autoscaler(named("External", type="Value", value="1", averageValue="1")),
            [
                f"{FIRST}.external.target.value: Forbidden: may not set both a target value for "
                "metric and a per-pod target"
            ],
        ),
        (
            autoscaler(**rules(stabilizationWindowSeconds=3601, selectPolicy="All")),
            [
                f"{UP}.stabilizationWindowSeconds: Invalid value: 3601: must be less than or "
                "equal to 3600",
                f'{UP}.selectPolicy: Unsupported value: "All": supported values: "Disabled", '
                '"Max", "Min"',
            ],
        ),
        (
            autoscaler(**rules(stabilizationWindowSeconds=-1, policies=[])),
            [
                f"{UP}.stabilizationWindowSeconds: Invalid value: -1: must be greater than or "
                "equal to zero",
                f"{UP}.policies: Required value: must specify at least one Policy",
            ],
        ),
        (
            autoscaler(**rules(policies=[{"type": "Few", "value": 0, "periodSeconds": 1801}])),
            [
                f'{UP}.policies[0].type: Unsupported value: "Few": supported values: "Percent", '
                '"Pods"',
                f"{UP}.policies[0].value: Invalid value: 0: must be greater than zero",
                f"{UP}.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal "
                "to 1800",
            ],
        ),
        (
            autoscaler(**rules(tolerance="-0.1")),
            [f'{UP}.tolerance: Invalid value: "-0.1": must be greater than or equal to 0'],
        ),
        (autoscaler(**rules(tolerance="0")), []),
        (
            old(maxReplicas=5, targetCPUUtilizationPercentage=0),
            [
                f"{FIRST}.resource.target.averageUtilization: Invalid value: 0: must be greater "
                "than 0"
            ],
        ),
    ],
)
def test_each_rule(obj, expected):
    kind = AUTOSCALER_V1 if obj["apiVersion"].endswith("v1") else AUTOSCALER
    assert broken(kind, obj) == expected


def current(kind, **values):
    source = {"cpu": "resource"}.get(kind, kind)
    head = {"name": "cpu"} if source == "resource" else {"metric": {"name": "qps"}}
    return {"type": source.capitalize(), source: {**head, "current": values}}


@pytest.mark.parametrize(
    ("metrics", "statuses", "words"),
    [
        ([], [], "<none>"),
        ([share(50)], [], "cpu: <unknown>/50%"),
        ([share(50)], [current("cpu", averageUtilization=10)], "cpu: 10%/50%"),
        ([amount("10Mi")], [current("cpu", averageValue="5Mi")], "memory: 5Mi/10Mi"),
        ([of_container()], [], "cpu: <unknown>/50%"),
        ([named("Pods", averageValue="1")], [current("pods", averageValue="2")], "2/1"),
        ([named("External", averageValue="1")], [], "<unknown>/1 (avg)"),
        ([named("External", value="7")], [current("external", value="3")], "3/7"),
        ([named("Object", value="7")], [], "<unknown>/7"),
        (
            [share(50), amount("1Mi"), amount("2Mi"), named("Pods", averageValue="1")],
            [],
            "cpu: <unknown>/50%, memory: <unknown>/1Mi + 2 more...",
        ),
    ],
)
def test_what_the_line_says_of_targets(metrics, statuses, words):
    obj = autoscaler(*metrics, minReplicas=2)
    obj["status"] = {"currentMetrics": statuses, "currentReplicas": 3}
    found = row(AUTOSCALER, obj)
    assert found["Targets"] == words
    counts = (found["Reference"], found["MinPods"], found["MaxPods"], found["Replicas"])
    assert counts == ("Deployment/web", "2", 5, 3)


FULL = made(
    AUTOSCALER,
    autoscaler(
        named("Pods", selector={"matchLabels": {"a": "b"}}, type="AverageValue", averageValue="2"),
        named("Object", type="Value", value="3"),
        named("Object", type="AverageValue", averageValue="4"),
        named(
            "External",
            selector={"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
            type="Value",
            value="5",
        ),
        named("External", type="AverageValue", averageValue="6"),
        amount("10Mi"),
        share(90, "memory"),
        of_container(),
        share(50),
        behavior={"scaleDown": {"tolerance": "0.05", "stabilizationWindowSeconds": 9}},
        minReplicas=2,
    ),
)
FULL["metadata"]["annotations"] = {"mine": "kept"}
FULL["status"] = {
    "currentReplicas": 3,
    "desiredReplicas": 4,
    "lastScaleTime": "2026-01-01T00:00:00Z",
    "currentMetrics": [
        {
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "current": {"averageUtilization": 40, "averageValue": "80m"},
            },
        },
        {"type": "Pods", "pods": {"metric": {"name": "q"}, "current": {"averageValue": "0"}}},
    ],
    "conditions": [CONDITION],
}


def stored_form(obj):
    assert AUTOSCALER_V1.conversion is not None
    return AUTOSCALER_V1.conversion.stored(obj)


def test_v1_shows_cpu_in_fields_and_all_else_in_annotations():
    before = copy.deepcopy(FULL)
    found = to_v1(FULL)
    assert before == FULL
    assert found["spec"] == {
        "scaleTargetRef": WEB,
        "minReplicas": 2,
        "maxReplicas": 5,
        "targetCPUUtilizationPercentage": 50,
    }
    assert found["status"] == {
        "currentReplicas": 3,
        "desiredReplicas": 4,
        "lastScaleTime": "2026-01-01T00:00:00Z",
        "currentCPUUtilizationPercentage": 40,
    }
    notes = {
        key: json.loads(text)
        for key, text in found["metadata"]["annotations"].items()
        if key != "mine"
    }
    assert set(notes) == {METRICS, BEHAVIOR, CURRENT_METRICS, CONDITIONS}
    assert notes[METRICS][1] == {
        "type": "Object",
        "object": {
            "target": {"kind": "Service", "name": "web", "apiVersion": "v1"},
            "metricName": "qps",
            "targetValue": "3",
        },
    }
    assert notes[METRICS][5] == {
        "type": "Resource",
        "resource": {"name": "memory", "targetAverageValue": "10Mi"},
    }
    assert notes[BEHAVIOR]["ScaleDown"]["StabilizationWindowSeconds"] == 9
    assert notes[BEHAVIOR]["ScaleUp"]["Policies"][0]["PeriodSeconds"] == 15
    assert notes[CONDITIONS] == [CONDITION]


def test_there_and_back_nothing_is_lost():
    assert stored_form(to_v1(FULL)) == FULL


def test_a_v1_object_is_the_v2_object_that_upstream_makes_of_it():
    assert made(AUTOSCALER_V1, old())["spec"] == {
        "scaleTargetRef": WEB,
        "minReplicas": 1,
        "maxReplicas": 5,
        "targetCPUUtilizationPercentage": 80,
    }
    extra = json.dumps(
        [{"type": "Resource", "resource": {"name": "memory", "targetAverageUtilization": 60}}]
    )
    notes = {METRICS: extra, BEHAVIOR: '{"scaleUp": {"SelectPolicy": "Min"}}'}
    found = stored_form(old(notes, targetCPUUtilizationPercentage=30))
    assert found["spec"]["metrics"] == [share(60, "memory"), share(30)]
    assert found["spec"]["behavior"]["scaleUp"]["selectPolicy"] == "Min"
    assert found["spec"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert "annotations" not in found["metadata"]


@pytest.mark.parametrize(
    "notes",
    [
        {METRICS: "{"},
        {METRICS: "{}"},
        {METRICS: "[1]"},
        {METRICS: '[{"type": "Wish"}]'},
        {METRICS: '[{"type": "Resource", "resource": {"name": 1}}]'},
        {METRICS: '[{"type": "Resource", "resource": {"name": "a", "targetAverageValue": "x"}}]'},
        {
            METRICS: '[{"type": "Resource", "resource": {"name": "a", '
            '"targetAverageUtilization": 99999999999}}]'
        },
        {
            METRICS: '[{"type": "Pods", "pods": {"metricName": "a", '
            '"selector": {"matchLabels": [1]}}}]'
        },
        {BEHAVIOR: "[]"},
        {BEHAVIOR: '{"scaleUp": {"policies": [{"type": "Pods"}]}}'},
        {BEHAVIOR: '{"scaleUp": 1}'},
        {CONDITIONS: '[{"type": 1}]'},
        {CURRENT_METRICS: "null"},
    ],
)
def test_annotations_that_do_not_have_the_form_say_nothing(notes):
    assert to_v2(old(notes)) == to_v2(old())


def test_who_writes_the_spec_in_v1_does_not_write_the_status_and_the_other_way_round():
    before = to_v1(FULL)
    lies = {METRICS: "[]", BEHAVIOR: "{}", CONDITIONS: "[]", CURRENT_METRICS: "[]", "mine": "new"}
    new = copy.deepcopy(before)
    new["metadata"]["annotations"] = dict(lies)
    AUTOSCALER_V1.prepare_update(new, before, context())
    stored = stored_form(new)
    assert stored["status"] == FULL["status"]
    assert stored["metadata"]["annotations"] == {"mine": "new"}
    assert stored["spec"]["metrics"] == [share(50)]
    new = copy.deepcopy(before)
    new["metadata"]["annotations"] = dict(lies)
    AUTOSCALER_V1.prepare_status(new, before)
    assert stored_form(new)["spec"] == FULL["spec"]


def test_nobody_makes_an_autoscaler_with_a_status():
    notes = {CONDITIONS: json.dumps([CONDITION]), CURRENT_METRICS: "[]"}
    found = made(AUTOSCALER_V1, {**old(notes), "status": {"currentReplicas": 9}})
    assert found["status"] == {"currentReplicas": 0, "desiredReplicas": 0}
    assert "annotations" not in found["metadata"]
    new = autoscaler()
    new["metadata"]["annotations"] = {CONDITIONS: "[]"}
    assert "annotations" not in made(AUTOSCALER, new)["metadata"]


def test_the_line_of_a_v1_object_is_the_same():
    assert row(AUTOSCALER_V1, to_v1(FULL)) == row(AUTOSCALER, FULL)


@pytest.mark.parametrize("obj", [FULL, to_v1(FULL)], ids=["v2", "v1"])
def test_it_survives_protobuf(obj):
    data = protobuf.encode(obj)
    assert protobuf.decode(data, api_version="", kind="") == obj
