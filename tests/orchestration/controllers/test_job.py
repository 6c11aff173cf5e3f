"""Jobs run to their end, are counted once, and say why they failed: real door, real controllers."""

from datetime import timedelta
from typing import Any

import pytest

from paas.apimachinery.options import DeleteOptions, Patch
from paas.core.conditions import condition_of
from paas.core.errors import NotFoundError
from paas.core.objects import annotations_of, is_deleting, labels_of, name_of
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.jobs import JOBS, World, job, job_world

INDEX = "batch.kubernetes.io/job-completion-index"


@pytest.fixture
def world(platform_door):
    Members(platform_door).project("shop")
    with job_world(platform_door) as one:
        yield one


def succeed(_pod):
    return 0


def fail(_pod):
    return 3


def index_of(pod):
    return int(annotations_of(pod)[INDEX])


def patch(world: World, body, name="work"):
    return world.door.patch(ADMIN, JOBS, name, "shop", patch=Patch("merge", body))


def condition(found, kind):
    return condition_of(found["status"], kind)


def test_a_job_runs_one_pod_to_its_end(world):
    world.door.create(ADMIN, job())
    world.until(lambda: world.job()["status"].get("ready") == 1)
    running = world.job()["status"]
    assert running["active"] == 1
    assert running["startTime"]
    (pod,) = world.own_pods()
    assert name_of(pod).startswith("work-")
    assert labels_of(pod)["batch.kubernetes.io/job-name"] == "work"
    world.run(succeed)
    found = world.until_condition("Complete")
    status = found["status"]
    assert condition(found, "Complete")["reason"] == "CompletionsReached"
    assert condition(found, "SuccessCriteriaMet")["status"] == "True"
    assert status["completionTime"]
    assert (status["succeeded"], status.get("active", 0), status.get("failed", 0)) == (1, 0, 0)
    assert status["uncountedTerminatedPods"] == {}
    world.until(lambda: not any(one["metadata"].get("finalizers") for one in world.own_pods()))
    world.until(lambda: world.words("Completed") == ["Job completed"])


def test_no_more_pods_than_wanted_run_at_once_or_in_all(world):
    active: list[int] = []

    def look(_old, new):
        active.append((new or {}).get("status", {}).get("active", 0))

    world.jobs.add_handler(look)
    world.run(succeed)
    world.door.create(ADMIN, job(completions=5, parallelism=2))
    found = world.until_condition("Complete")
    assert found["status"]["succeeded"] == 5
    assert len(world.own_pods()) == 5
    assert max(active) == 2


def test_failed_pods_are_replaced_later_and_later_until_the_limit(world):
    world.run(fail)
    world.door.create(ADMIN, job(backoffLimit=2))
    world.until(lambda: world.job()["status"].get("failed") == 1)
    assert len(world.own_pods()) == 1
    for failed in (2, 3):
        world.clock.ahead += timedelta(seconds=10 * failed)
        world.poke()
        world.until(lambda count=failed: world.job()["status"].get("failed") == count)
    found = world.until_condition("Failed")
    assert condition(found, "Failed")["reason"] == "BackoffLimitExceeded"
    assert condition(found, "FailureTarget")["status"] == "True"
    assert found["status"]["failed"] == 3
    words = ["Job has reached the specified backoff limit"]
    world.until(lambda: world.words("BackoffLimitExceeded") == words)


def test_a_job_that_takes_too_long_is_stopped(world):
    world.door.create(ADMIN, job(activeDeadlineSeconds=60, parallelism=2, completions=2))
    world.until(lambda: world.job()["status"].get("active") == 2)
    world.clock.ahead += timedelta(seconds=61)
    world.poke()
    found = world.until_condition("Failed")
    assert condition(found, "Failed")["reason"] == "DeadlineExceeded"
    assert found["status"]["failed"] == 2
    world.until(lambda: not world.own_pods())


def test_each_index_gets_a_pod_that_knows_it(world):
    world.run(succeed)
    world.door.create(ADMIN, job(completions=4, parallelism=3, completionMode="Indexed"))
    found = world.until_condition("Complete")
    assert found["status"]["completedIndexes"] == "0-3"
    pods = sorted(world.own_pods(), key=index_of)
    assert [index_of(pod) for pod in pods] == [0, 1, 2, 3]
    assert [pod["spec"]["hostname"] for pod in pods] == [f"work-{index}" for index in range(4)]
    assert all(name_of(pod).startswith(f"work-{index_of(pod)}-") for pod in pods)
    (variable,) = pods[0]["spec"]["containers"][0]["env"]
    assert variable["name"] == "JOB_COMPLETION_INDEX"


def test_an_index_may_fail_alone(world):
    world.run(lambda pod: 1 if index_of(pod) == 1 else 0)
    spec: dict[str, Any] = {"completions": 3, "parallelism": 3, "completionMode": "Indexed"}
    world.door.create(ADMIN, job(**spec, backoffLimitPerIndex=1))
    world.until(lambda: world.job()["status"].get("completedIndexes") == "0,2")

    def failed():
        found = [pod for pod in world.own_pods() if index_of(pod) == 1]
        return [pod for pod in found if pod["status"]["phase"] == "Failed"]

    world.until(failed)
    world.rest()
    assert failed()[0]["metadata"]["finalizers"], "its count goes on with its successor"
    world.clock.ahead += timedelta(seconds=11)
    world.poke()
    found = world.until_condition("Failed")
    assert condition(found, "Failed")["reason"] == "FailedIndexes"
    assert found["status"]["failedIndexes"] == "1"
    counts = {
        annotations_of(pod)["batch.kubernetes.io/job-index-failure-count"]
        for pod in world.own_pods()
        if index_of(pod) == 1
    }
    assert counts == {"0", "1"}


def test_too_many_failed_indexes_end_the_whole_job(world):
    world.run(lambda pod: 1 if index_of(pod) < 2 else None)
    spec: dict[str, Any] = {"completions": 4, "parallelism": 4, "completionMode": "Indexed"}
    world.door.create(ADMIN, job(**spec, backoffLimitPerIndex=0, maxFailedIndexes=1))
    found = world.until_condition("Failed")
    assert condition(found, "Failed")["reason"] == "MaxFailedIndexesExceeded"
    assert found["status"]["failedIndexes"] == "0,1"


def test_a_success_policy_ends_it_before_all_have_succeeded(world):
    world.run(lambda pod: 0 if index_of(pod) in {0, 2} else None)
    spec: dict[str, Any] = {"completions": 4, "parallelism": 4, "completionMode": "Indexed"}
    rules = {"rules": [{"succeededIndexes": "0,2-3", "succeededCount": 2}]}
    world.door.create(ADMIN, job(**spec, successPolicy=rules))
    found = world.until_condition("Complete")
    assert condition(found, "Complete")["reason"] == "SuccessPolicy"
    assert condition(found, "Complete")["message"] == "Matched rules at index 0"
    assert (found["status"]["succeeded"], found["status"].get("failed", 0)) == (2, 0)


def rule(action, **match):
    return {"podFailurePolicy": {"rules": [{"action": action, **match}]}}


def exits(*codes):
    return {"onExitCodes": {"operator": "In", "values": list(codes)}}


def test_a_failure_policy_fails_the_job_at_once(world):
    world.run(fail)
    world.door.create(ADMIN, job(**rule("FailJob", **exits(3))))
    found = world.until_condition("Failed")
    said = condition(found, "Failed")
    assert said["reason"] == "PodFailurePolicy"
    assert "failed with exit code 3 matching FailJob rule at index 0" in said["message"]
    assert found["status"]["failed"] == 1


def test_an_ignored_failure_does_not_count(world):
    world.run(fail)
    world.door.create(ADMIN, job(backoffLimit=0, **rule("Ignore", **exits(3))))
    world.until(lambda: [pod for pod in world.own_pods() if "finalizers" not in pod["metadata"]])
    world.run(succeed)
    world.clock.ahead += timedelta(seconds=11)
    world.poke()
    found = world.until_condition("Complete")
    assert found["status"].get("failed", 0) == 0


def test_a_suspended_job_has_no_pods_and_begins_anew_when_it_goes_on(world):
    world.door.create(ADMIN, job(suspend=True))
    world.until_condition("Suspended")
    assert "startTime" not in world.job()["status"]
    patch(world, {"spec": {"suspend": False}})
    world.until(lambda: world.job()["status"].get("active") == 1)
    assert condition(world.job(), "Suspended")["status"] == "False"
    began = world.job()["status"]["startTime"]
    patch(world, {"spec": {"suspend": True}})
    world.until(lambda: not world.own_pods())
    assert world.job()["status"].get("failed", 0) == 0, "what is taken away has not failed"
    world.clock.ahead += timedelta(minutes=5)
    patch(world, {"spec": {"suspend": False}})
    world.until(lambda: world.job()["status"].get("startTime", began) > began)
    world.until(lambda: set(world.words("Suspended")) == {"Job suspended"})
    world.until(lambda: set(world.words("Resumed")) == {"Job resumed"})


def test_a_pod_that_somebody_deletes_is_replaced_and_counted(world):
    world.door.create(ADMIN, job(backoffLimit=3))
    world.until(world.own_pods)
    (pod,) = world.own_pods()
    world.door.delete(ADMIN, "pods", name_of(pod), "shop")
    world.until(lambda: world.job()["status"].get("failed") == 1)
    world.clock.ahead += timedelta(seconds=11)
    world.poke()
    world.until(lambda: world.job()["status"].get("active") == 1)


def test_parallelism_may_change_while_it_runs(world):
    world.door.create(ADMIN, job(completions=6, parallelism=1))
    world.until(lambda: len(world.own_pods()) == 1)
    patch(world, {"spec": {"parallelism": 3}})
    world.until(lambda: len(world.own_pods()) == 3)
    patch(world, {"spec": {"parallelism": 1}})
    world.until(lambda: len([pod for pod in world.own_pods() if not is_deleting(pod)]) == 1)
    world.until(lambda: world.job()["status"].get("active") == 1)
    assert world.job()["status"].get("failed", 0) == 0


def test_an_orphan_is_adopted_again_and_a_stranger_let_go(world):
    world.door.create(ADMIN, job(parallelism=2, completions=2))
    world.until(lambda: len(world.own_pods()) == 2)
    orphan, stranger = world.own_pods()

    def change(pod, body):
        """Patch a pod, and wait until those who look at our copy must see it."""
        patch = Patch("merge", body)
        changed = world.door.patch(ADMIN, "pods", name_of(pod), "shop", patch=patch)
        world.until(lambda: world.pods.has_seen(changed["metadata"]["resourceVersion"]))

    change(orphan, {"metadata": {"ownerReferences": None}})
    world.until(lambda: name_of(orphan) in {name_of(pod) for pod in world.own_pods()})
    change(stranger, {"metadata": {"labels": {"batch.kubernetes.io/controller-uid": "other"}}})
    world.until(lambda: name_of(stranger) not in {name_of(pod) for pod in world.own_pods()})
    world.until(lambda: len(world.own_pods()) == 2)
    let_go = world.door.get(ADMIN, "pods", name_of(stranger), "shop")
    assert not let_go["metadata"].get("ownerReferences")


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_its_pods_go_with_it(world, propagation):
    world.door.create(ADMIN, job(parallelism=2, completions=2))
    world.until(lambda: len(world.own_pods()) == 2)
    world.door.delete(ADMIN, JOBS, "work", "shop", options=DeleteOptions(propagation=propagation))
    world.until(lambda: not world.pods.list("shop") and not world.jobs.list("shop"))


def test_a_delete_that_says_nothing_leaves_its_pods(world):
    world.door.create(ADMIN, job())
    world.until(world.own_pods)
    (pod,) = world.own_pods()
    world.door.delete(ADMIN, JOBS, "work", "shop")
    world.until(lambda: not world.jobs.list("shop"))
    world.until(lambda: not world.pods.get("shop", name_of(pod))["metadata"].get("finalizers"))
    left = world.door.get(ADMIN, "pods", name_of(pod), "shop")
    assert not is_deleting(left)
    assert not left["metadata"].get("ownerReferences")


def test_an_ended_job_goes_when_its_time_to_live_is_over(world):
    world.run(succeed)
    world.door.create(ADMIN, job(ttlSecondsAfterFinished=100))
    world.until_condition("Complete")
    world.clock.ahead += timedelta(seconds=101)
    world.poke()
    world.until(lambda: not world.jobs.list("shop") and not world.pods.list("shop"))
    with pytest.raises(NotFoundError):
        world.job()


def test_another_controllers_job_is_left_alone(world):
    world.door.create(ADMIN, job("theirs", managedBy="example.com/queue"))
    world.door.create(ADMIN, job())
    world.until(world.own_pods)
    world.rest()
    assert not world.job("theirs").get("status")
    assert not world.own_pods("theirs")
