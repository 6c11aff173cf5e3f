"""Deployments and ReplicaSets."""

import copy

import pytest

from paas.orchestration.kinds.apps import DEPLOYMENT, REPLICA_SET
from tests.orchestration.kinds.objects import broken, deployment, lines, made, row


def replica_set(**spec):
    return {**deployment(**spec), "kind": "ReplicaSet"}


def test_a_bare_deployment_gets_upstreams_defaults():
    obj = made(DEPLOYMENT, deployment())
    spec = obj["spec"]
    assert {key: spec[key] for key in spec.keys() - {"selector", "template"}} == {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        },
    }
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert obj["status"] == {}


def test_zero_replicas_are_a_wish_too():
    assert made(DEPLOYMENT, deployment(replicas=0))["spec"]["replicas"] == 0


def test_recreate_needs_no_numbers():
    obj = made(DEPLOYMENT, deployment(strategy={"type": "Recreate"}))
    assert obj["spec"]["strategy"] == {"type": "Recreate"}
    assert broken(DEPLOYMENT, deployment(strategy={"type": "Recreate"})) == []


def rolling(**amounts):
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": amounts}}


UNAVAILABLE = "spec.strategy.rollingUpdate.maxUnavailable"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        (
            {"replicas": -1},
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        ({"selector": None}, ["spec.selector: Required value"]),
        (
            {"selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        ),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not '
                "match template `labels`"
            ],
        ),
        (
            {"progressDeadlineSeconds": 5, "minReadySeconds": 5},
            [
                "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than "
                "minReadySeconds"
            ],
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
            [
                "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy "
                "`type` is 'Recreate'"
            ],
        ),
        (
            {"strategy": {"type": "BlueGreen"}},
            [
                'spec.strategy.type: Unsupported value: "BlueGreen": supported values: '
                '"Recreate", "RollingUpdate"'
            ],
        ),
        (
            rolling(maxUnavailable=0, maxSurge=0),
            [f"{UNAVAILABLE}: Invalid value: 0: may not be 0 when `maxSurge` is 0"],
        ),
        (
            rolling(maxUnavailable="0%", maxSurge="0%"),
            [f'{UNAVAILABLE}: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
        ),
        (
            rolling(maxUnavailable="101%"),
            [f'{UNAVAILABLE}: Invalid value: "101%": must not be greater than 100%'],
        ),
        (
            rolling(maxUnavailable=-1),
            [f"{UNAVAILABLE}: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            rolling(maxUnavailable="many"),
            [
                f'{UNAVAILABLE}: Invalid value: "many": a valid percent string must be a numeric '
                "string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
                "validation is '[0-9]+%')"
            ],
        ),
    ],
)
def test_each_rule_of_a_deployment(spec, expected):
    assert broken(DEPLOYMENT, deployment(**spec)) == expected


@pytest.mark.parametrize(("kind", "make"), [(DEPLOYMENT, deployment), (REPLICA_SET, replica_set)])
def test_a_selector_stays(kind, make):
    old = made(kind, make())
    new = copy.deepcopy(old)
    new["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    assert lines(kind.validate_update(new, old)) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable'
    ]
    assert kind.validate_update(old, old) == []


def test_a_replica_set_has_the_same_rules_for_its_pods():
    assert broken(REPLICA_SET, replica_set()) == []
    assert broken(REPLICA_SET, replica_set(replicas=-1)) == [
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    ]


def test_the_line_of_a_deployment():
    obj = made(DEPLOYMENT, deployment(replicas=3))
    obj["status"] = {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}
    found = row(DEPLOYMENT, obj, wide=True)
    assert list(found) == [
        "Name",
        "Ready",
        "Up-to-date",
        "Available",
        "Age",
        "Containers",
        "Images",
        "Selector",
    ]
    assert list(found.values()) == ["web", "1/3", 2, 1, "", "web", "registry/web:1", "app=web"]


def test_the_line_of_a_replica_set():
    obj = made(REPLICA_SET, replica_set(replicas=3))
    obj["status"] = {"replicas": 2, "readyReplicas": 1}
    found = row(REPLICA_SET, obj)
    assert [found[name] for name in ("Desired", "Current", "Ready")] == [3, 2, 1]
    assert REPLICA_SET.fields(obj) == {"status.replicas": "2"}


def test_expressions_of_a_selector_are_written_as_queries():
    terms = [
        {"key": "tier", "operator": "In", "values": ["b", "a"]},
        {"key": "old", "operator": "DoesNotExist"},
        {"key": "env", "operator": "Exists"},
    ]
    obj = deployment(selector={"matchLabels": {"app": "web"}, "matchExpressions": terms})
    assert row(DEPLOYMENT, obj, wide=True)["Selector"] == "app=web,env,!old,tier in (a,b)"
