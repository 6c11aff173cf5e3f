"""ReplicationControllers: defaults, rules, columns."""

import copy

import pytest

from paas.apimachinery.scaling import scale_of
from paas.orchestration.kinds.replication_controller import REPLICATION_CONTROLLER
from tests.orchestration.kinds.objects import broken, container, made, row


def controller(**spec):
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": "web", "namespace": "shop", "resourceVersion": "1"},
        "spec": {"template": template(), **spec},
    }


def template(labels=None, **spec):
    labels = {"app": "web"} if labels is None else labels
    return {"metadata": {"labels": labels}, "spec": {"containers": [container()], **spec}}


def test_selector_and_labels_are_those_of_the_template():
    obj = made(REPLICATION_CONTROLLER, controller())
    assert obj["spec"]["replicas"] == 1
    assert obj["spec"]["selector"] == {"app": "web"}
    assert obj["metadata"]["labels"] == {"app": "web"}
    assert obj["spec"]["template"]["spec"]["restartPolicy"] == "Always"
    assert obj["status"] == {"replicas": 0}
    assert broken(REPLICATION_CONTROLLER, controller()) == []


def test_what_is_given_stays():
    obj = controller(selector={"tier": "front"}, replicas=0)
    obj["metadata"]["labels"] = {"own": "label"}
    found = made(REPLICATION_CONTROLLER, obj)
    assert found["spec"]["selector"] == {"tier": "front"}
    assert found["spec"]["replicas"] == 0
    assert found["metadata"]["labels"] == {"own": "label"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"template": None}, ["spec.selector: Required value", "spec.template: Required value"]),
        ({"template": template(labels={})}, ["spec.selector: Required value"]),
        (
            {"replicas": -1, "minReadySeconds": -2},
            [
                "spec.minReadySeconds: Invalid value: -2: must be greater than or equal to 0",
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            ],
        ),
        (
            {"selector": {"app": "other"}},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not '
                "match template `labels`"
            ],
        ),
        (
            {"template": template(restartPolicy="Never", activeDeadlineSeconds=5)},
            [
                'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: '
                '"Always"',
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in "
                "ReplicationController is not Supported",
            ],
        ),
    ],
)
def test_each_rule(spec, expected):
    assert broken(REPLICATION_CONTROLLER, controller(**spec)) == expected


def test_a_selector_may_change():
    old = made(REPLICATION_CONTROLLER, controller())
    new = copy.deepcopy(old)
    new["spec"]["selector"] = {"app": "other"}
    assert REPLICATION_CONTROLLER.validate_update(new, old) == ()


def test_its_line_and_its_scale():
    obj = made(REPLICATION_CONTROLLER, controller(replicas=3))
    obj["status"] = {"replicas": 2, "readyReplicas": 1}
    found = row(REPLICATION_CONTROLLER, obj, wide=True)
    assert list(found) == [
        "Name",
        "Desired",
        "Current",
        "Ready",
        "Age",
        "Containers",
        "Images",
        "Selector",
    ]
    assert list(found.values()) == ["web", 3, 2, 1, "", "web", "registry/web:1", "app=web"]
    assert REPLICATION_CONTROLLER.fields(obj) == {"status.replicas": "2"}
    scale = scale_of(REPLICATION_CONTROLLER, obj)
    assert scale["spec"] == {"replicas": 3}
    assert scale["status"] == {"replicas": 2, "selector": "app=web"}
