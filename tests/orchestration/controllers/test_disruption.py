"""A disruption budget counts what is there, and an eviction keeps to it."""

import threading
from datetime import timedelta

import pytest

from paas.apimachinery.options import Patch
from paas.core.conditions import condition_of
from paas.core.errors import NotFoundError, PaasError, RetryLaterError, TooManyRequestsError
from paas.core.objects import is_deleting, name_of, timestamp
from paas.orchestration.controllers.deployment.controller import Deployments
from paas.orchestration.controllers.disruption.controller import Disruptions
from paas.orchestration.controllers.disruption.plan import expected_of, recheck_s, status_of
from paas.orchestration.controllers.replicaset.controller import ReplicaSets
from tests.fakes.controllers import controllers_running
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.jobs import Clock, ProgramNode, eventually
from tests.orchestration.controllers.world import deployment_object

BUDGETS = "poddisruptionbudgets.policy"
NOW = Clock()()


def budget(**spec):
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "shop", "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


def pod(name, *, ready=True, deleting=False):
    metadata = {"name": name, "namespace": "shop"}
    if deleting:
        metadata["deletionTimestamp"] = timestamp(NOW)
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": metadata, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("spec", "pods", "scale", "expected"),
    [
        ({"minAvailable": 2}, 5, 0, (5, 2)),
        ({"minAvailable": "50%"}, 5, 7, (7, 4)),
        ({"maxUnavailable": 1}, 3, 5, (5, 4)),
        ({"maxUnavailable": "30%"}, 3, 10, (10, 7)),
        ({"maxUnavailable": 9}, 3, 5, (5, 0)),
        ({}, 3, 5, (0, 0)),
    ],
)
def test_how_many_should_be_healthy(spec, pods, scale, expected):
    found = expected_of(budget(**spec), pods, scale)
    assert (found.pods, found.healthy) == expected


def test_what_may_go_is_what_is_healthy_and_not_needed():
    one = budget(minAvailable=1)
    one["status"] = {"disruptedPods": {"a": timestamp(NOW), "gone": timestamp(NOW)}}
    pods = [pod("a"), pod("b"), pod("c"), pod("d", ready=False), pod("e", deleting=True)]
    status = status_of(one, pods, expected_of(one, len(pods), 0), now=NOW)
    assert status["currentHealthy"] == 2
    assert status["disruptionsAllowed"] == 1
    assert status["disruptedPods"] == {"a": timestamp(NOW)}
    said = condition_of(status, "DisruptionAllowed") or {}
    assert (said["status"], said["reason"], said["message"]) == ("True", "SufficientPods", "")
    wait_s = recheck_s(status, now=NOW)
    assert wait_s is not None
    later = NOW + timedelta(seconds=wait_s + 1)
    assert "disruptedPods" not in status_of(one, pods, expected_of(one, 5, 0), now=later)


class BusyNode(ProgramNode):
    """Does nothing for any pod as long as it is `busy`."""

    def __init__(self, context, busy):
        super().__init__(context, lambda: lambda _pod: None)
        self._busy = busy

    def reconcile(self, key):
        if self._busy.is_set():
            raise RetryLaterError("busy", delay_s=0.05)
        super().reconcile(key)


@pytest.fixture
def busy():
    return threading.Event()


@pytest.fixture
def shop(platform_door, busy):
    """Run a Deployment's pods for real, but for the containers; give its budget's controller."""
    Members(platform_door).project("shop")

    def make(context):
        node = BusyNode(context, busy)
        return [
            ReplicaSets(context).controller(),
            Deployments(context).controller(),
            Disruptions(context).controller(),
            node.controller(),
        ]

    with controllers_running(platform_door, ADMIN, make) as context:
        platform_door.create(ADMIN, deployment_object(replicas=3))
        yield context


def bare_pod(name, *, app="web"):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    }


def allowed(shop, number, healthy=3):
    def holds():
        status = shop.door.get(ADMIN, BUDGETS, "web", "shop")["status"]
        seen = status.get("disruptionsAllowed"), status.get("currentHealthy")
        return seen == (number, healthy)

    found = shop.door.get(ADMIN, BUDGETS, "web", "shop")["status"]
    assert eventually(holds), found


def pods(door):
    found = door.list(ADMIN, "pods", "shop").items
    return sorted(name_of(one) for one in found if not is_deleting(one))


def evict(door, name, **options):
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, **options}
    return door.connect(ADMIN, "pods", name, "shop", subresource="eviction", body=body)


def test_an_eviction_takes_from_the_budget_until_nothing_is_left(shop, busy):
    shop.door.create(ADMIN, budget(maxUnavailable=1))
    allowed(shop, 1)
    first, second, _ = pods(shop.door)
    busy.set()  # else what the ReplicaSet makes in its place may be healthy before we ask again
    assert evict(shop.door, first)["status"] == "Success"
    with pytest.raises(TooManyRequestsError) as caught:
        evict(shop.door, second)
    assert caught.value.message == (
        "Cannot evict pod as it would violate the pod's disruption budget."
    )
    (cause,) = caught.value.details["causes"]
    assert cause["reason"] == "DisruptionBudget"
    assert "The disruption budget web needs 2 healthy pods and has" in cause["message"]
    busy.clear()
    allowed(shop, 1)  # the ReplicaSet has made another
    assert evict(shop.door, second)["status"] == "Success"


@pytest.fixture
def quiet(platform_door):
    """Give three healthy pods and a budget that grants one, with nobody to grant more."""
    Members(platform_door).project("shop")
    for number in range(3):
        made = platform_door.create(ADMIN, bare_pod(f"web-{number}"))
        running = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        platform_door.update(ADMIN, {**made, "status": running}, subresource="status")
    stored = platform_door.create(ADMIN, budget(minAvailable=2))
    granted = {"disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2}
    status = {**stored["status"], **granted, "observedGeneration": 1}
    platform_door.update(ADMIN, {**stored, "status": status}, subresource="status")
    return platform_door


def test_twenty_evictions_at_once_take_no_more_than_there_is(quiet):
    names = pods(quiet)
    refused: list[PaasError] = []
    together = threading.Barrier(20)

    def try_one(name):
        together.wait()
        try:
            evict(quiet, name)
        except TooManyRequestsError as error:
            refused.append(error)
        except NotFoundError:
            return  # another was quicker

    threads = [threading.Thread(target=try_one, args=(names[n % 3],)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pods(quiet)) == 2
    assert len(refused) >= 12, "both that stay were asked for six times and more"
    assert quiet.get(ADMIN, BUDGETS, "web", "shop")["status"]["disruptionsAllowed"] == 0


def test_a_budget_that_was_just_changed_grants_nothing_yet(quiet):
    quiet.patch(ADMIN, BUDGETS, "web", "shop", patch=Patch("merge", {"spec": {"minAvailable": 1}}))
    with pytest.raises(TooManyRequestsError) as caught:
        evict(quiet, "web-0")
    assert "still being processed" in caught.value.details["causes"][0]["message"]


@pytest.mark.parametrize(
    ("policy", "healthy", "goes"),
    [(None, 1, False), (None, 2, True), ("AlwaysAllow", 0, True), ("IfHealthyBudget", 1, False)],
)
def test_what_is_not_ready_goes_if_it_is_not_missed(quiet, policy, healthy, goes):
    unready = {"type": "Ready", "status": "False"}
    quiet.patch(
        ADMIN,
        "pods",
        "web-0",
        "shop",
        patch=Patch("strategic", {"status": {"conditions": [unready]}}),
        subresource="status",
    )
    stored = quiet.get(ADMIN, BUDGETS, "web", "shop")
    stored = quiet.update(
        ADMIN, {**stored, "spec": {**stored["spec"], "unhealthyPodEvictionPolicy": policy}}
    )
    status = {**stored["status"], "currentHealthy": healthy, "disruptionsAllowed": 0}
    status["observedGeneration"] = stored["metadata"]["generation"]
    quiet.update(ADMIN, {**stored, "status": status}, subresource="status")
    if goes:
        evict(quiet, "web-0")
    else:
        with pytest.raises(TooManyRequestsError):
            evict(quiet, "web-0")
    assert ("web-0" in pods(quiet)) != goes


def test_an_evicted_pod_says_why_it_goes(shop):
    shop.door.create(ADMIN, budget(maxUnavailable=1))
    allowed(shop, 1)
    seen = []
    shop.of("pods").add_handler(lambda _old, new: seen.append(new))
    name = pods(shop.door)[0]
    evict(shop.door, name)
    assert eventually(lambda: name not in pods(shop.door))

    def reasons():
        going = [one for one in seen if one and name_of(one) == name]
        found = (condition_of(one["status"], "DisruptionTarget") for one in going)
        return {one["reason"] for one in found if one}

    assert eventually(lambda: reasons() == {"EvictionByEvictionAPI"})


def test_a_dry_run_takes_nothing(shop):
    shop.door.create(ADMIN, budget(maxUnavailable=1))
    allowed(shop, 1)
    name = pods(shop.door)[0]
    assert evict(shop.door, name, deleteOptions={"dryRun": ["All"]})["status"] == "Success"
    assert shop.door.get(ADMIN, BUDGETS, "web", "shop")["status"]["disruptionsAllowed"] == 1
    assert name in pods(shop.door)


def test_two_budgets_for_a_pod_are_refused(shop):
    shop.door.create(ADMIN, budget(maxUnavailable=1))
    second = budget(maxUnavailable=1)
    second["metadata"]["name"] = "other"
    shop.door.create(ADMIN, second)
    allowed(shop, 1)
    with pytest.raises(PaasError, match="more than one PodDisruptionBudget"):
        evict(shop.door, pods(shop.door)[0])


def test_unmanaged_pods_are_told_of_and_not_counted(shop):
    stray = bare_pod("stray", app="lone")
    shop.door.create(ADMIN, stray)
    lone = budget(maxUnavailable=1)
    lone["spec"]["selector"] = {"matchLabels": {"app": "lone"}}
    shop.door.create(ADMIN, lone)
    allowed(shop, 0, healthy=1)

    def told():
        return [one for one in shop.of("events").list("shop") if one["reason"] == "UnmanagedPods"]

    assert eventually(told)
