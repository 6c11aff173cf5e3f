"""Deployments converge, whatever is asked of them and whenever the process dies."""

from datetime import UTC, datetime, timedelta

import pytest

from paas.core.conditions import condition_of
from paas.orchestration.controllers.deployment.controller import Deployments
from paas.orchestration.controllers.deployment.history import revision_of
from paas.orchestration.controllers.deployment.rollback import rejected_images
from paas.orchestration.controllers.replicaset.controller import ReplicaSets
from paas.orchestration.controllers.scheduler.controller import Scheduler
from tests.orchestration.controllers.world import (
    BOUND_S,
    MortalDoor,
    World,
    crashes,
    deployment_object,
    node_object,
)


class FakeClock:
    """A wall clock that tests move on."""

    def __init__(self):
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


def controllers(context):
    made = (Deployments(context), ReplicaSets(context), Scheduler(context))
    return [one.controller() for one in made]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def world(clock):
    made = World(controllers, now=clock)
    made.apply(node_object())
    yield made
    made.close()


def deployment(world, name="web"):
    return world.seen.get("deployments.apps", name)


def status(world):
    return (deployment(world) or {}).get("status") or {}


def images(world):
    return sorted(pod["spec"]["containers"][0]["image"] for pod in world.seen.all("pods"))


def is_settled(world, image, replicas=3):
    found = deployment(world)
    now = status(world)
    return (
        found is not None
        and now.get("observedGeneration") == found["metadata"]["generation"]
        and images(world) == [image] * replicas
        and now.get("availableReplicas", 0) == replicas
        and now.get("replicas", 0) == replicas
        and now.get("updatedReplicas", 0) == replicas
        and not now.get("terminatingReplicas")
    )


def settle(world, image, replicas=3):
    assert world.seen.wait(lambda: is_settled(world, image, replicas)), (
        status(world),
        images(world),
    )


def current_reason(world):
    return (condition_of(status(world), "Progressing") or {}).get("reason")


def revisions(world):
    return sorted(revision_of(one) for one in world.seen.all("replicasets.apps"))


def test_a_deployment_becomes_available_and_says_so(world):
    world.start()
    world.start_node()
    world.apply(deployment_object())
    settle(world, "web:1")
    assert world.seen.wait(lambda: current_reason(world) == "NewReplicaSetAvailable")
    available = condition_of(status(world), "Available")
    assert available is not None
    assert available["message"] == "Deployment has minimum availability."
    found = deployment(world)
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    assert world.seen.wait(lambda: len(world.seen.all("replicasets.apps")) == 1)
    (replica_set,) = world.seen.all("replicasets.apps")
    name = replica_set["metadata"]["name"]
    assert world.seen.wait(lambda: world.event_messages("ScalingReplicaSet"))
    assert world.event_messages("ScalingReplicaSet") == [
        f"Scaled up replica set {name} from 0 to 3"
    ]


def test_a_settled_deployment_is_not_written_to_again(world):
    world.start()
    world.start_node()
    world.apply(deployment_object())
    settle(world, "web:1")
    assert world.seen.wait(lambda: current_reason(world) == "NewReplicaSetAvailable")
    before = len(world.door.writes)
    other = world.start()
    world.apply(deployment_object("other"))
    assert world.seen.wait(
        lambda: (deployment(world, "other") or {}).get("status", {}).get("availableReplicas") == 3
    )
    world.stop(other)
    names = [one.name for one in world.door.writes[before:] if one.resource != "events"]
    assert not [name for name in names if name.startswith("web")]


def test_a_new_template_is_rolled_out_and_the_old_set_kept_empty(world):
    world.start()
    world.start_node()
    world.apply(deployment_object())
    settle(world, "web:1")
    world.set_image("web:2")
    settle(world, "web:2")
    assert world.seen.wait(lambda: revisions(world) == [1, 2])

    def sizes():
        sets = world.seen.all("replicasets.apps")
        return {revision_of(one): one["spec"]["replicas"] for one in sets}

    assert world.seen.wait(lambda: sizes() == {1: 0, 2: 3})


def test_an_undo_takes_the_old_set_again_under_a_new_revision(world):
    world.start()
    world.start_node()
    world.apply(deployment_object())
    settle(world, "web:1")
    world.set_image("web:2")
    settle(world, "web:2")
    world.set_image("web:1")
    settle(world, "web:1")
    assert world.seen.wait(lambda: revisions(world) == [2, 3])
    key = "deployment.kubernetes.io/revision-history"

    def histories():
        sets = world.seen.all("replicasets.apps")
        return {one["metadata"]["annotations"].get(key) for one in sets}

    assert world.seen.wait(lambda: histories() == {"1", None})


def test_recreate_never_runs_two_templates_at_once(world):
    world.start()
    world.start_node()
    seen = []
    world.seen._all["pods"].add_handler(lambda _old, _new: seen.append(set(images(world))))
    world.apply(deployment_object(strategy={"type": "Recreate"}))
    settle(world, "web:1")
    world.set_image("web:2")
    settle(world, "web:2")
    assert world.seen.wait(lambda: {"web:2"} in seen)
    assert {"web:1", "web:2"} not in seen


def test_a_roll_out_of_a_broken_image_leaves_the_old_pods_serving(world, clock):
    world.start()
    world.start_node()
    world.apply(deployment_object())
    settle(world, "web:1")
    world.set_image("web:broken")
    assert world.seen.wait(
        lambda: crashes(world.seen.all("pods")) and status(world).get("updatedReplicas") == 1
    )
    clock.now += timedelta(seconds=601)
    world.change("deployments.apps", "web", {"metadata": {"labels": {"look": "again"}}})
    assert world.seen.wait(lambda: current_reason(world) == "ProgressDeadlineExceeded")
    assert world.seen.wait(lambda: images(world).count("web:1") == 3)
    assert status(world)["availableReplicas"] == 3
    assert deployment(world)["spec"]["template"]["spec"]["containers"][0]["image"] == "web:broken"


def test_an_annotated_deployment_goes_back_by_itself_and_says_why(world, clock):
    own = world.start().informers.of("pods")
    world.start_node()
    world.apply(deployment_object(annotations={"minato.io/auto-rollback": "true"}))
    settle(world, "web:1")
    world.set_image("web:broken")
    assert own.wait_until(lambda: crashes(own.list()), BOUND_S)  # what the controller knows
    assert world.seen.wait(lambda: status(world).get("updatedReplicas") == 1)
    assert world.seen.wait(
        lambda: any(
            one["metadata"]["annotations"].get("minato.io/rolled-out-at")
            for one in world.seen.all("replicasets.apps")
        )
    )
    clock.now += timedelta(seconds=601)
    world.change("deployments.apps", "web", {"metadata": {"labels": {"look": "again"}}})
    settle(world, "web:1")
    found = deployment(world)
    assert rejected_images(found) == {"web": "web:broken"}
    assert found["metadata"]["annotations"]["minato.io/rejected-revision"] == "2"
    assert world.seen.wait(lambda: world.event_messages("DeploymentRollback"))
    (message,) = world.event_messages("DeploymentRollback")
    assert message.startswith('Rolled back deployment "web" from revision 2 to revision 1')
    assert "CrashLoopBackOff" in message
    assert world.seen.wait(lambda: current_reason(world) == "NewReplicaSetAvailable")


def test_a_first_roll_out_that_fails_is_left_as_it_is(world, clock):
    world.start()
    world.start_node()
    annotations = {"minato.io/auto-rollback": "true"}
    world.apply(deployment_object(image="web:broken", annotations=annotations))
    assert world.seen.wait(lambda: status(world).get("replicas") == 3)
    clock.now += timedelta(seconds=601)
    world.change("deployments.apps", "web", {"metadata": {"labels": {"look": "again"}}})
    assert world.seen.wait(lambda: current_reason(world) == "ProgressDeadlineExceeded")
    assert deployment(world)["spec"]["template"]["spec"]["containers"][0]["image"] == "web:broken"
    assert "minato.io/rejected-image" not in deployment(world)["metadata"]["annotations"]


def test_a_paused_deployment_scales_but_does_not_roll_out(world):
    world.start()
    world.start_node()
    world.apply(deployment_object())
    settle(world, "web:1")
    world.change("deployments.apps", "web", {"spec": {"paused": True}})
    assert world.seen.wait(lambda: current_reason(world) == "DeploymentPaused")
    world.set_image("web:2")
    world.change("deployments.apps", "web", {"spec": {"replicas": 5}})
    assert world.seen.wait(
        lambda: images(world) == ["web:1"] * 5 and status(world).get("availableReplicas") == 5
    )
    world.change("deployments.apps", "web", {"spec": {"paused": False}})
    settle(world, "web:2", replicas=5)


def test_scaling_keeps_the_revision(world):
    world.start()
    world.start_node()
    world.apply(deployment_object())
    settle(world, "web:1")
    world.change("deployments.apps", "web", {"spec": {"replicas": 1}})
    settle(world, "web:1", replicas=1)
    world.change("deployments.apps", "web", {"spec": {"replicas": 0}})
    settle(world, "web:1", replicas=0)
    assert world.seen.wait(lambda: revisions(world) == [1])


def test_old_revisions_beyond_the_limit_are_removed(world):
    world.start()
    world.start_node()
    world.apply(deployment_object(replicas=1, revisionHistoryLimit=1))
    settle(world, "web:1", replicas=1)
    for number in (2, 3, 4):
        world.set_image(f"web:{number}")
        settle(world, f"web:{number}", replicas=1)
    assert world.seen.wait(lambda: revisions(world) == [3, 4])


def test_a_second_change_overtakes_the_first(world):
    world.start()
    world.start_node()
    world.apply(deployment_object())
    settle(world, "web:1")
    world.set_image("web:broken")
    assert world.seen.wait(lambda: "web:broken" in images(world))
    world.set_image("web:3")
    settle(world, "web:3")


def test_a_name_taken_by_a_stranger_is_met_with_another_hash(world):
    from paas.orchestration.controllers.deployment.history import new_replica_set

    wish = world.apply(deployment_object())
    stranger = new_replica_set(wish, revision=1, replicas=0)
    stranger["metadata"].pop("ownerReferences")
    stranger["spec"]["selector"] = {"matchLabels": {"app": "stranger"}}
    stranger["metadata"]["labels"] = {"app": "stranger"}
    stranger["spec"]["template"]["metadata"]["labels"] = {"app": "stranger"}
    world.apply(stranger)
    world.start()
    world.start_node()
    settle(world, "web:1")
    assert status(world)["collisionCount"] == 1
    assert world.seen.wait(lambda: len(world.seen.all("replicasets.apps")) == 2)


def test_an_orphaned_set_of_the_same_template_is_adopted(world):
    world.start()
    world.start_node()
    world.apply(deployment_object())
    settle(world, "web:1")
    (before,) = world.seen.all("replicasets.apps")
    freed = world.change(
        "replicasets.apps", before["metadata"]["name"], {"metadata": {"ownerReferences": None}}
    )

    def is_adopted():
        (now,) = world.seen.all("replicasets.apps")
        version = int(now["metadata"]["resourceVersion"])
        later = version > int(freed["metadata"]["resourceVersion"])
        return later and now["metadata"].get("ownerReferences")

    assert world.seen.wait(is_adopted)
    assert world.seen.wait(lambda: len(world.seen.all("replicasets.apps")) == 1)
    assert world.seen.wait(lambda: len(images(world)) == 3)


def outcome(world):
    """Return what must be the same however often the process died."""
    sizes = sorted(one["spec"]["replicas"] for one in world.seen.all("replicasets.apps"))
    counts = {key: value for key, value in status(world).items() if isinstance(value, int)}
    counts.pop("observedGeneration")
    conditions = sorted(
        (one["type"], one["status"], one["reason"]) for one in status(world)["conditions"]
    )
    return sizes, counts, conditions


def test_a_process_killed_before_any_of_its_writes_ends_in_the_same_state(world):
    world.start_node()
    process = world.start()
    world.apply(deployment_object(replicas=2, revisionHistoryLimit=0))
    settle(world, "web:1", replicas=2)
    assert world.seen.wait(lambda: current_reason(world) == "NewReplicaSetAvailable")
    expected = outcome(world)
    deaths, survived = 0, False
    while not survived:
        image = f"web:{deaths + 2}"
        world.stop(process)
        mortal = MortalDoor(world.door, deaths, world.seen.poke)
        doomed = world.start(mortal)
        world.set_image(image)
        assert world.seen.wait(
            lambda image=image, mortal=mortal: mortal.dead.is_set() or is_settled(world, image, 2)
        )
        world.stop(doomed)
        survived = not mortal.dead.is_set()
        process = world.start()
        settle(world, image, replicas=2)
        assert world.seen.wait(lambda: outcome(world) == expected), (deaths, outcome(world))
        deaths += 1
    assert deaths > 10
