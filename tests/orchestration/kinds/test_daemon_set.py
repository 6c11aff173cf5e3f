"""DaemonSets and ControllerRevisions: defaults, rules, columns."""

import copy

import pytest

from paas.orchestration.kinds.controller_revision import CONTROLLER_REVISION
from paas.orchestration.kinds.daemon_set import DAEMON_SET
from tests.orchestration.kinds.objects import (
    broken,
    container,
    context,
    deployment,
    lines,
    made,
    row,
)

GENERATION = "deprecated.daemonset.template.generation"
ROLLING = "spec.updateStrategy.rollingUpdate"


def daemon_set(**spec):
    return {**deployment(**spec), "kind": "DaemonSet"}


def rolling(**amounts):
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": amounts}}


def updated(old, **spec):
    new = copy.deepcopy(old)
    new["spec"].update(spec)
    DAEMON_SET.prepare_update(new, old, context())
    return new


def test_a_bare_one_gets_upstreams_defaults():
    obj = made(DAEMON_SET, daemon_set())
    spec = obj["spec"]
    assert {key: spec[key] for key in spec.keys() - {"selector", "template"}} == {
        "revisionHistoryLimit": 10,
        "updateStrategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
        },
    }
    assert spec["template"]["spec"]["restartPolicy"] == "Always"
    assert obj["metadata"]["annotations"] == {GENERATION: "1"}
    assert obj["status"] == {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    }


def test_deleting_by_hand_needs_no_numbers():
    obj = made(DAEMON_SET, daemon_set(updateStrategy={"type": "OnDelete"}))
    assert obj["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert broken(DAEMON_SET, daemon_set(updateStrategy={"type": "OnDelete"})) == []


def test_changes_of_the_template_are_counted_and_nobody_else_counts():
    old = made(DAEMON_SET, daemon_set())
    same = updated(old, minReadySeconds=5)
    assert same["metadata"]["annotations"] == {GENERATION: "1"}
    other = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container("other")]}}
    new = copy.deepcopy(old)
    new["metadata"].pop("annotations")
    new["spec"]["template"] = other
    DAEMON_SET.prepare_update(new, old, context())
    assert new["metadata"]["annotations"] == {GENERATION: "2"}
    forged = copy.deepcopy(old)
    forged["metadata"]["annotations"] = {GENERATION: "many"}
    DAEMON_SET.prepare_update(forged, old, context())
    assert forged["metadata"]["annotations"] == {GENERATION: "1"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        (rolling(maxSurge=1, maxUnavailable=0), []),
        (rolling(maxUnavailable="10%"), []),
        (
            {"selector": None},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not '
                "match template `labels`"
            ],
        ),
        (
            {"selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for daemonset"],
        ),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not '
                "match template `labels`"
            ],
        ),
        (
            {"minReadySeconds": -1, "revisionHistoryLimit": -2},
            [
                "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
                "spec.revisionHistoryLimit: Invalid value: -2: must be greater than or equal to 0",
            ],
        ),
        (
            {"updateStrategy": {"type": "Recreate"}},
            [
                'spec.updateStrategy: Unsupported value: {"type":"Recreate"}: supported values: '
                '"RollingUpdate", "OnDelete"'
            ],
        ),
        (
            rolling(maxUnavailable=1, maxSurge="10%"),
            [
                f'{ROLLING}.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is '
                "non-zero"
            ],
        ),
        (
            rolling(maxUnavailable="0%", maxSurge=0),
            [f"{ROLLING}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"],
        ),
        (
            rolling(maxUnavailable="101%"),
            [f'{ROLLING}.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
        ),
        (
            rolling(maxUnavailable=-1),
            [f"{ROLLING}.maxUnavailable: Invalid value: -1: must be greater than or equal to 0"],
        ),
    ],
)
def test_each_rule(spec, expected):
    assert broken(DAEMON_SET, daemon_set(**spec)) == expected


def test_its_pods_run_for_ever():
    obj = daemon_set()
    obj["spec"]["template"]["spec"].update(restartPolicy="Never", activeDeadlineSeconds=5)
    assert broken(DAEMON_SET, obj) == [
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
        "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet "
        "is not Supported",
    ]


def test_selector_and_collisions_stay():
    old = made(DAEMON_SET, daemon_set())
    old["status"]["collisionCount"] = 1
    new = copy.deepcopy(old)
    new["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    new["status"]["collisionCount"] = 0
    assert lines(DAEMON_SET.validate_update(new, old)) == [
        'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
        "status.collisionCount: Invalid value: 0: cannot be decremented",
    ]
    new["status"]["numberReady"] = -1
    assert "status.numberReady: Invalid value: -1: must be greater than or equal to 0" in lines(
        DAEMON_SET.validate(new)
    )


def test_its_line():
    obj = made(DAEMON_SET, daemon_set())
    obj["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    obj["status"] = {
        "desiredNumberScheduled": 5,
        "currentNumberScheduled": 4,
        "numberReady": 3,
        "updatedNumberScheduled": 2,
        "numberAvailable": 1,
    }
    found = row(DAEMON_SET, obj, wide=True)
    assert list(found) == [
        "Name",
        "Desired",
        "Current",
        "Ready",
        "Up-to-date",
        "Available",
        "Node Selector",
        "Age",
        "Containers",
        "Images",
        "Selector",
    ]
    assert list(found.values())[:8] == ["web", 5, 4, 3, 2, 1, "disk=ssd", ""]
    assert list(found.values())[8:] == ["web", "registry/web:1", "app=web"]


def revision(**fields):
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "web-1", "namespace": "shop"},
        "revision": 1,
        "data": {"spec": {}},
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"revision": -1}, ["revision: Invalid value: -1: must be greater than or equal to 0"]),
        ({"data": None}, ["data: Required value: data is mandatory"]),
        ({"data": [1]}, ["data: Required value: data must be a valid JSON object"]),
    ],
)
def test_each_rule_of_a_revision(fields, expected):
    assert broken(CONTROLLER_REVISION, revision(**fields)) == expected


def test_what_a_revision_holds_stays_but_its_number_may_grow():
    changed = revision(data={"spec": {"x": 1}}, revision=2)
    assert lines(CONTROLLER_REVISION.validate_update(changed, revision())) == [
        'data: Invalid value: {"spec":{"x":1}}: field is immutable'
    ]
    assert CONTROLLER_REVISION.validate_update(revision(revision=2), revision()) == []


def test_the_line_of_a_revision():
    obj = revision(revision=3)
    assert row(CONTROLLER_REVISION, obj)["Controller"] == "<none>"
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "web", "controller": True}
    obj["metadata"]["ownerReferences"] = [owner]
    found = row(CONTROLLER_REVISION, obj)
    assert list(found.items()) == [
        ("Name", "web-1"),
        ("Controller", "daemonset.apps/web"),
        ("Revision", 3),
        ("Age", ""),
    ]
