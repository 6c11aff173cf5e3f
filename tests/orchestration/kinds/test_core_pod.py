"""Pods: strategy, updates, grace period, selectable fields."""

import copy

import pytest

from paas.core.actors import user_actor
from paas.core.errors import InvalidError
from paas.orchestration.kinds.core_pod import POD
from tests.orchestration.kinds.objects import broken, container, context, lines, made, pod


def updated(old, **spec):
    new = copy.deepcopy(old)
    new["spec"].update(spec)
    return new


def test_a_new_pod_is_pending_whatever_its_author_says():
    obj = {**pod(), "status": {"phase": "Running", "podIP": "1.2.3.4"}}
    assert made(POD, obj)["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_the_class_of_service_is_set_from_the_resources():
    resources = {"limits": {"cpu": "1", "memory": "64Mi"}}
    obj = pod(containers=[container(resources=resources)])
    assert made(POD, obj)["status"]["qosClass"] == "Guaranteed"


def test_an_image_has_no_blanks_around_it():
    obj = pod(containers=[{"name": "web", "image": "web "}])
    assert broken(POD, obj) == [
        'spec.containers[0].image: Invalid value: "web ": must not have leading or trailing '
        "whitespace"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"containers": [container(image="registry/web:2")]},
        {"activeDeadlineSeconds": 60},
        {"tolerations": [{"operator": "Exists"}]},
    ],
)
def test_what_may_change_in_a_running_pod(change):
    old = made(POD, pod())
    new = updated(old, **change)
    POD.default(new)
    assert lines(POD.validate_update(new, old)) == []


def test_nothing_else_may_change_in_a_running_pod():
    old = made(POD, pod())
    (line,) = lines(POD.validate_update(updated(old, hostname="other"), old))
    assert line.startswith(
        "spec: Forbidden: pod updates may not change fields other than "
        "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    )
    assert line.endswith("changed: spec.hostname")


def test_containers_cannot_be_added_to_a_running_pod():
    old = made(POD, pod())
    new = updated(old, containers=[container(), container("more")])
    assert lines(POD.validate_update(new, old)) == [
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    ]


def test_a_deadline_only_comes_nearer():
    old = made(POD, pod(activeDeadlineSeconds=60))
    assert lines(POD.validate_update(updated(old, activeDeadlineSeconds=61), old)) == [
        "spec.activeDeadlineSeconds: Invalid value: 61: must be less than or equal to previous "
        "value"
    ]
    assert lines(POD.validate_update(updated(old, activeDeadlineSeconds=None), old)) == [
        "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer "
        "to nil value"
    ]


def test_a_toleration_that_is_there_stays():
    old = made(POD, pod(tolerations=[{"key": "a", "operator": "Exists"}]))
    assert lines(POD.validate_update(updated(old, tolerations=[]), old)) == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its "
        "tolerationSeconds"
    ]


def test_only_the_platform_assigns_a_pod_to_a_node():
    old = made(POD, pod())
    new = updated(old, nodeName="node-1")
    with pytest.raises(InvalidError, match=r"changed: spec.nodeName"):
        POD.prepare_update(new, old, context(user_actor("ann")))
    POD.prepare_update(new, old, context())
    assert lines(POD.validate_update(new, old)) == []


def test_an_assigned_pod_is_not_moved_even_by_the_platform():
    old = made(POD, pod(nodeName="node-1"))
    with pytest.raises(InvalidError):
        POD.prepare_update(updated(old, nodeName="node-2"), old, context())


@pytest.mark.parametrize(
    ("spec", "phase", "option", "expected"),
    [
        ({"nodeName": "n"}, "Running", None, 30),
        ({"nodeName": "n"}, "Running", 5, 5),
        ({"nodeName": "n"}, "Running", 0, 0),
        ({"nodeName": "n"}, "Running", -1, 1),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 0}, "Running", None, 0),
        ({}, "Pending", None, 0),
        ({}, "Pending", 5, 0),
        ({"nodeName": "n"}, "Succeeded", None, 0),
        ({"nodeName": "n"}, "Failed", 60, 0),
    ],
)
def test_how_long_a_deleted_pod_may_take(spec, phase, option, expected):
    obj = made(POD, pod(**spec))
    obj["status"]["phase"] = phase
    assert POD.grace_period_s is not None
    assert POD.grace_period_s(obj, option) == expected


def test_the_selectable_fields_are_upstreams():
    obj = made(POD, pod(nodeName="n", serviceAccountName="robot"))
    obj["status"]["podIPs"] = [{"ip": "10.0.0.7"}]
    assert POD.fields(obj) == {
        "spec.nodeName": "n",
        "spec.restartPolicy": "Always",
        "spec.schedulerName": "default-scheduler",
        "spec.serviceAccountName": "robot",
        "spec.hostNetwork": "false",
        "status.phase": "Pending",
        "status.podIP": "10.0.0.7",
        "status.nominatedNodeName": "",
    }


def test_a_projected_token_needs_an_account():
    source = {"serviceAccountToken": {"path": "token"}}
    obj = pod(volumes=[{"name": "t", "projected": {"sources": [source]}}])
    assert broken(POD, obj) == [
        "spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be "
        "specified when serviceAccountName is not set"
    ]
