"""Revisions, hashes, conditions and rollbacks are decided from what is observed."""

from datetime import UTC, datetime, timedelta

import pytest

from paas.core.conditions import condition_of
from paas.core.objects import timestamp
from paas.orchestration.controllers.deployment import history, rollback, status
from tests.orchestration.controllers.world import deployment_object

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def stored(**more):
    made = deployment_object(**more)
    made["metadata"]["uid"] = "d-1"
    made["metadata"]["generation"] = 1
    return made


def set_of(deployment, *, revision=1, replicas=3, available=0, **annotations):
    made = history.new_replica_set(deployment, revision=revision, replicas=replicas)
    made["metadata"]["uid"] = made["metadata"]["name"]
    made["metadata"]["annotations"].update(annotations)
    made["metadata"]["creationTimestamp"] = f"2026-01-01T00:00:{revision:02d}Z"
    made["status"] = {"replicas": replicas, "availableReplicas": available}
    return made


def test_the_new_replica_set_carries_hash_selector_revision_and_owner():
    made = history.new_replica_set(
        stored(annotations={"note": "x", "deployment.kubernetes.io/revision": "9"}),
        revision=3,
        replicas=2,
    )
    value = made["metadata"]["labels"]["pod-template-hash"]
    assert made["metadata"]["name"] == f"web-{value}"
    assert made["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": value}
    assert made["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] == value
    assert made["metadata"]["annotations"] == {
        "note": "x",
        "deployment.kubernetes.io/revision": "3",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "4",
    }
    assert made["metadata"]["ownerReferences"][0]["uid"] == "d-1"


def test_the_hash_depends_on_the_template_and_on_collisions_only():
    one, other = stored()["spec"]["template"], stored(image="web:2")["spec"]["template"]
    assert history.template_hash(one, None) == history.template_hash(
        stored()["spec"]["template"], None
    )
    assert history.template_hash(one, None) != history.template_hash(other, None)
    assert history.template_hash(one, None) != history.template_hash(one, 1)


def test_what_is_empty_and_what_is_left_out_are_the_same_template():
    deployment = stored()
    current = set_of(deployment)
    deployment["spec"]["template"]["metadata"]["creationTimestamp"] = None
    deployment["spec"]["template"]["spec"]["securityContext"] = {}
    assert history.find_current(deployment, [current]) is current


def test_an_undone_revision_gets_a_new_number_and_remembers_the_old():
    deployment = stored()
    old = set_of(deployment, revision=1)
    wanted = history.annotations_for(deployment, old, revision=3)
    assert wanted["deployment.kubernetes.io/revision"] == "3"
    assert wanted["deployment.kubernetes.io/revision-history"] == "1"
    again = {**old, "metadata": {**old["metadata"], "annotations": wanted}}
    wanted = history.annotations_for(deployment, again, revision=5)
    assert wanted["deployment.kubernetes.io/revision-history"] == "1,3"
    assert (
        history.annotations_for(deployment, again, revision=2)["deployment.kubernetes.io/revision"]
        == "3"
    )


def test_only_empty_sets_beyond_the_limit_are_expendable_the_oldest_revision_first():
    deployment = stored(revisionHistoryLimit=1)
    sets = [set_of(stored(image=f"web:{n}"), revision=n, replicas=0) for n in (3, 1, 2)]
    found = [history.revision_of(one) for one in history.expendable(deployment, sets)]
    assert found == [1, 2]
    sets[1]["status"]["replicas"] = 1
    assert [history.revision_of(one) for one in history.expendable(deployment, sets)] == [2]
    deployment["spec"]["revisionHistoryLimit"] = 2147483647
    assert history.expendable(deployment, sets) == []


def progressing(reason, *, value="True", age_s=0):
    moment = timestamp(NOW - timedelta(seconds=age_s))
    return {
        "conditions": [
            {
                "type": "Progressing",
                "status": value,
                "reason": reason,
                "lastUpdateTime": moment,
                "lastTransitionTime": moment,
            }
        ]
    }


COMPLETE = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "readyReplicas": 3}
HALF = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 1, "readyReplicas": 1}
SEEN = {"observedGeneration": 1}


@pytest.mark.parametrize(
    ("before", "after", "reason", "value"),
    [
        (progressing("NewReplicaSetCreated"), COMPLETE, "NewReplicaSetAvailable", "True"),
        (progressing("NewReplicaSetCreated"), HALF, "ReplicaSetUpdated", "True"),
        (
            {**HALF, **progressing("ReplicaSetUpdated", age_s=601)},
            HALF,
            "ProgressDeadlineExceeded",
            "False",
        ),
        (
            {**HALF, **progressing("ReplicaSetUpdated", age_s=599)},
            HALF,
            "ReplicaSetUpdated",
            "True",
        ),
        (
            {**COMPLETE, **progressing("NewReplicaSetAvailable", age_s=9999)},
            HALF,
            "NewReplicaSetAvailable",
            "True",
        ),
        (
            {**HALF, **progressing("ProgressDeadlineExceeded", value="False", age_s=9999)},
            COMPLETE,
            "NewReplicaSetAvailable",
            "True",
        ),
    ],
    ids=["done", "on its way", "late", "not yet late", "done before: not judged", "late but done"],
)
def test_progress_is_judged(before, after, reason, value):
    deployment = stored()
    now_status = {**after, **SEEN, "conditions": before["conditions"]}
    status.judge(deployment, now_status, set_of(deployment), [], before=before, now=NOW)
    condition = condition_of(now_status, "Progressing")
    assert condition is not None
    assert (condition["reason"], condition["status"]) == (reason, value)


def test_without_a_deadline_there_is_no_progressing_condition():
    deployment = stored(progressDeadlineSeconds=2147483647)
    now_status = {**HALF, **progressing("ReplicaSetUpdated")}
    status.judge(deployment, now_status, None, [], before={}, now=NOW)
    assert condition_of(now_status, "Progressing") is None


def test_messages_are_upstreams():
    deployment = stored()
    current = set_of(deployment)
    name = current["metadata"]["name"]
    late = {**HALF, **SEEN, **progressing("ReplicaSetUpdated", age_s=9999)}
    status.judge(deployment, late, current, [], before={**HALF}, now=NOW)
    condition = condition_of(late, "Progressing")
    assert condition is not None
    assert condition["message"] == f'ReplicaSet "{name}" has timed out progressing.'


def test_a_replica_sets_failure_is_the_deployments():
    deployment = stored()
    current = set_of(deployment)
    failure = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota",
        "lastTransitionTime": timestamp(NOW),
    }
    current["status"]["conditions"] = [failure]
    now_status = {**HALF}
    status.judge(deployment, now_status, current, [], before={}, now=NOW)
    condition = condition_of(now_status, "ReplicaFailure")
    assert condition is not None
    assert condition["message"] == "exceeded quota"


@pytest.mark.parametrize(
    ("available", "value", "reason"),
    [(3, "True", "MinimumReplicasAvailable"), (2, "False", "MinimumReplicasUnavailable")],
)
def test_availability_is_told(available, value, reason):
    deployment = stored()
    counted = status.counted(deployment, {}, set_of(deployment, available=available), [], now=NOW)
    condition = condition_of(counted, "Available")
    assert condition is not None
    assert (condition["status"], condition["reason"]) == (value, reason)
    assert counted["unavailableReplicas" if available < 3 else "availableReplicas"]


def test_pause_and_resume_start_the_clock_anew():
    deployment = stored(paused=True)
    now_status = {**progressing("ReplicaSetUpdated", age_s=9999)}
    status.note_pause(deployment, now_status, now=NOW)
    paused = condition_of(now_status, "Progressing")
    assert paused is not None
    assert (paused["status"], paused["reason"]) == ("Unknown", "DeploymentPaused")
    deployment["spec"]["paused"] = False
    later = NOW + timedelta(hours=1)
    status.note_pause(deployment, now_status, now=later)
    resumed = condition_of(now_status, "Progressing")
    assert resumed is not None
    assert resumed["reason"] == "DeploymentResumed"
    assert resumed["lastUpdateTime"] == timestamp(later)


def test_the_next_check_is_when_the_deadline_passes():
    deployment = stored()
    waiting = {**HALF, **progressing("ReplicaSetUpdated", age_s=100)}
    assert status.next_check_s(deployment, waiting, now=NOW) == 501
    assert (
        status.next_check_s(deployment, {**COMPLETE, **SEEN, **waiting, **COMPLETE}, now=NOW)
        is None
    )


# -- rollback ----------------------------------------------------------------------------------

LATE = progressing("ProgressDeadlineExceeded", value="False")
WANTS = {"minato.io/auto-rollback": "true"}
GOOD = {"minato.io/rolled-out-at": timestamp(NOW)}


def versions(*, annotations=WANTS, **more):
    deployment = stored(image="web:3", annotations=annotations, **more)
    bad = set_of(deployment, revision=3)
    old = [
        set_of(stored(image="web:1"), revision=1, replicas=0, **GOOD),
        set_of(stored(image="web:2"), revision=2, replicas=0, **GOOD),
        set_of(stored(image="web:0"), revision=0, replicas=0),
    ]
    return deployment, bad, old


def test_a_late_roll_out_goes_back_to_the_last_good_revision():
    deployment, bad, old = versions()
    due = rollback.plan_rollback(deployment, LATE, bad, old)
    assert due is not None
    assert history.revision_of(due.good) == 2
    back = rollback.rolled_back(deployment, due, reason="pod web-x: CrashLoopBackOff")
    assert rollback.images_of(back["spec"]["template"]) == {"web": "web:2"}
    assert "pod-template-hash" not in back["spec"]["template"]["metadata"]["labels"]
    assert back["metadata"]["annotations"]["minato.io/rejected-revision"] == "3"
    assert rollback.rejected_images(back) == {"web": "web:3"}
    assert deployment["metadata"]["annotations"] == WANTS


@pytest.mark.parametrize(
    "change",
    [
        {"annotations": {}},
        {"annotations": {"minato.io/auto-rollback": "false"}},
        {"paused": True},
    ],
    ids=["not asked for", "refused", "paused"],
)
def test_nothing_is_rolled_back(change):
    deployment, bad, old = versions(**change)
    assert rollback.plan_rollback(deployment, LATE, bad, old) is None


def test_a_roll_out_that_is_not_late_is_not_rolled_back():
    deployment, bad, old = versions()
    assert rollback.plan_rollback(deployment, progressing("ReplicaSetUpdated"), bad, old) is None


def test_a_first_roll_out_just_fails():
    deployment, bad, old = versions()
    assert rollback.plan_rollback(deployment, LATE, bad, []) is None
    assert rollback.plan_rollback(deployment, LATE, bad, old[2:]) is None


def test_a_good_revision_that_fails_later_is_not_left():
    deployment, bad, old = versions()
    bad["metadata"]["annotations"].update(GOOD)
    assert rollback.plan_rollback(deployment, LATE, bad, old) is None


def test_an_unmarked_revision_that_serves_is_good():
    deployment, bad, _ = versions()
    serving = set_of(stored(image="web:1"), revision=1, replicas=2, available=2)
    due = rollback.plan_rollback(deployment, LATE, bad, [serving])
    assert due is not None


def test_an_image_that_stays_is_not_rejected():
    deployment, bad, old = versions()
    same = set_of(stored(image="web:3", minReadySeconds=0), revision=2, **GOOD)
    same["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "b"}]
    due = rollback.plan_rollback(deployment, LATE, bad, [*old[:1], same])
    assert due is not None
    back = rollback.rolled_back(deployment, due, reason="r")
    assert "minato.io/rejected-image" not in back["metadata"]["annotations"]


@pytest.mark.parametrize("text", ["", "no json", "[1]"])
def test_a_spoilt_annotation_rejects_nothing(text):
    deployment = stored(annotations={"minato.io/rejected-image": text})
    assert rollback.rejected_images(deployment) == {}


def pod_status(**status_fields):
    return {"metadata": {"name": "web-x"}, "spec": {}, "status": status_fields}


CRASHED = {
    "name": "web",
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
    "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
}
UNREADY = {
    "type": "Ready",
    "status": "False",
    "reason": "ContainersNotReady",
    "message": "containers with unready status: [web]",
}
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: 1 Insufficient cpu.",
}


@pytest.mark.parametrize(
    ("pods", "warnings", "expected"),
    [
        (
            [pod_status(containerStatuses=[CRASHED])],
            [],
            "pod web-x: container web: CrashLoopBackOff: back-off 10s, last exit code 3 (Error)",
        ),
        (
            [pod_status(conditions=[UNREADY], containerStatuses=[{"name": "web"}])],
            ["Readiness probe failed: connection refused"],
            "pod web-x: ContainersNotReady: containers with unready status: [web] "
            "(Readiness probe failed: connection refused)",
        ),
        (
            [pod_status(conditions=[UNREADY, UNSCHEDULABLE])],
            [],
            "pod web-x: Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.",
        ),
        ([], [], "its pods did not become ready"),
    ],
    ids=["crash", "probe", "no room", "no pods"],
)
def test_the_reason_names_the_pod_and_what_ails_it(pods, warnings, expected):
    assert rollback.why_it_failed({"status": {}}, pods, warnings) == expected


def test_pods_that_could_not_be_made_are_the_reason():
    refused = {
        "status": {
            "conditions": [
                {"type": "ReplicaFailure", "reason": "FailedCreate", "message": "exceeded quota"}
            ]
        }
    }
    assert rollback.why_it_failed(refused, []) == "FailedCreate: exceeded quota"
