"""What `kubectl get pods` says: upstream's own table of examples, and the words people know."""

import pytest

from paas.orchestration.kinds.core_pod import POD
from tests.orchestration.kinds.objects import container, pod, row

RUNNING = {"ready": True, "restartCount": 0, "state": {"running": {}}}


def status(**fields):
    return {"phase": "Running", **fields}


def ended(code=0, reason="", **fields):
    state = {"terminated": {"exitCode": code, **({"reason": reason} if reason else {}), **fields}}
    return {"ready": False, "restartCount": 0, "state": state}


def waiting(reason, restarts=0):
    return {
        "ready": False,
        "restartCount": restarts,
        "state": {"waiting": {"reason": reason}},
    }


def cells(state, spec=None, **metadata):
    obj = pod(**(spec or {}))
    obj["metadata"].update(metadata)
    obj["status"] = state
    found = row(POD, obj)
    return found["Ready"], found["Status"], found["Restarts"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"phase": "Pending"}, ("0/1", "Pending", "0")),
        (status(containerStatuses=[RUNNING]), ("1/1", "Running", "0")),
        (
            status(phase="Pending", containerStatuses=[waiting("ContainerCreating")]),
            ("0/1", "ContainerCreating", "0"),
        ),
        (
            status(containerStatuses=[waiting("CrashLoopBackOff", 4)]),
            ("0/1", "CrashLoopBackOff", "4"),
        ),
        (
            status(phase="Pending", containerStatuses=[waiting("ImagePullBackOff")]),
            ("0/1", "ImagePullBackOff", "0"),
        ),
        (
            status(phase="Succeeded", containerStatuses=[ended(0, "Completed")]),
            ("0/1", "Completed", "0"),
        ),
        (status(phase="Failed", containerStatuses=[ended(1, "Error")]), ("0/1", "Error", "0")),
        (
            status(phase="Failed", containerStatuses=[ended(137, "OOMKilled")]),
            ("0/1", "OOMKilled", "0"),
        ),
        (status(phase="Failed", containerStatuses=[ended(3)]), ("0/1", "ExitCode:3", "0")),
        (
            status(phase="Failed", containerStatuses=[ended(137, signal=9)]),
            ("0/1", "Signal:9", "0"),
        ),
        ({"phase": "Failed", "reason": "Evicted"}, ("0/1", "Evicted", "0")),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
                ],
            },
            ("0/1", "SchedulingGated", "0"),
        ),
        ({}, ("0/1", "", "0")),
    ],
)
def test_a_pod_is_summed_up_in_the_words_people_know(state, expected):
    assert cells(state) == expected


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ([waiting("PodInitializing")], "Init:0/2"),
        ([ended(0), {"restartCount": 0, "state": {"running": {}}}], "Init:1/2"),
        ([waiting("ImagePullBackOff")], "Init:ImagePullBackOff"),
        ([ended(1, "Error")], "Init:Error"),
        ([ended(2)], "Init:ExitCode:2"),
        ([ended(137, signal=9)], "Init:Signal:9"),
        ([ended(0), waiting("CrashLoopBackOff")], "Init:CrashLoopBackOff"),
    ],
)
def test_an_init_container_that_is_not_done_is_named(init, expected):
    spec = {"initContainers": [container("a"), container("b")]}
    state = {"phase": "Pending", "initContainerStatuses": init}
    assert cells(state, spec) == ("0/1", expected, "0")


def test_a_sidecar_counts_among_the_ready():
    spec = {"initContainers": [container("proxy", restartPolicy="Always")]}
    sidecar = {"name": "proxy", "started": True, **RUNNING, "restartCount": 2}
    state = status(initContainerStatuses=[sidecar], containerStatuses=[RUNNING])
    assert cells(state, spec) == ("2/2", "Running", "2")


def test_restarts_of_finished_init_containers_are_forgotten():
    spec = {"initContainers": [container("a")]}
    done = {**ended(0, "Completed"), "restartCount": 3, "name": "a"}
    state = status(initContainerStatuses=[done], containerStatuses=[RUNNING])
    assert cells(state, spec) == ("1/1", "Running", "0")


def test_restarts_say_when_the_last_one_was():
    last = {"terminated": {"exitCode": 1, "finishedAt": "2026-01-02T03:04:05Z"}}
    state = status(containerStatuses=[{**RUNNING, "restartCount": 3, "lastState": last}])
    assert cells(state) == ("1/1", "Running", "3 (2026-01-02T03:04:05Z ago)")


@pytest.mark.parametrize(
    ("phase", "reason", "expected"),
    [("Running", "", "Terminating"), ("Running", "NodeLost", "Unknown"), ("Failed", "", "Error")],
)
def test_a_deleted_pod_is_terminating(phase, reason, expected):
    state = {"phase": phase, "reason": reason, "containerStatuses": []}
    if phase == "Failed":
        state["containerStatuses"] = [ended(1, "Error")]
    assert cells(state, deletionTimestamp="2026-01-01T00:00:00Z")[1] == expected


@pytest.mark.parametrize(("ready", "expected"), [("True", "Running"), ("False", "NotReady")])
def test_one_finished_container_does_not_make_a_pod_completed(ready, expected):
    spec = {"containers": [container("a"), container("b")]}
    state = status(
        containerStatuses=[ended(0, "Completed"), RUNNING],
        conditions=[{"type": "Ready", "status": ready}],
    )
    assert cells(state, spec) == ("1/2", expected, "0")


def test_the_wide_columns_tell_place_and_gates():
    obj = pod(nodeName="n", readinessGates=[{"conditionType": "a/b"}])
    obj["status"] = {
        "podIPs": [{"ip": "10.0.0.7"}],
        "conditions": [{"type": "a/b", "status": "True"}],
    }
    found = row(POD, obj, wide=True)
    assert list(found) == [
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
        "IP",
        "Node",
        "Nominated Node",
        "Readiness Gates",
    ]
    assert list(found.values())[5:] == ["10.0.0.7", "n", "<none>", "1/1"]
    assert list(row(POD, pod(), wide=True).values())[5:] == ["<none>"] * 4
