"""The plan, by tables: what is seen, and what is to be done."""

from datetime import UTC, datetime, timedelta

import pytest

from paas.orchestration.nodeagent import labels
from paas.orchestration.nodeagent.backoff import doubled_s, restart_delay_s
from paas.orchestration.nodeagent.kills import HOOKED, KillState, next_action
from paas.orchestration.nodeagent.observed import Blocked, Health, Observed, Waiting, sort_states
from paas.orchestration.nodeagent.plan import Start, plan
from paas.orchestration.nodeagent.podspec import spec_hash
from paas.runtime.base import ContainerState
from tests.orchestration.nodeagent.pods import container, pod

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SANDBOX = ContainerState("sandbox", "web", "running", pid=7, is_sandbox=True)


def ran(name="web", status="running", *, attempt=0, code=0, backoff=0, ago=1.0, ran_s=5.0, **more):
    """Return a container that ended `ago` seconds ago after running `ran_s`, or still runs."""
    end = NOW - timedelta(seconds=ago)
    marks = {
        labels.CONTAINER_NAME: name,
        labels.RESTART_COUNT: str(attempt),
        labels.BACKOFF_S: str(backoff),
    }
    return ContainerState(
        f"{name}-{attempt}",
        name,
        status,
        exit_code=code,
        created_at=end - timedelta(seconds=ran_s),
        started_at=end - timedelta(seconds=ran_s),
        finished_at=end if status == "exited" else None,
        labels=marks | more,
    )


def seen(*states, sandbox=SANDBOX, **more):
    found = sort_states(states)
    return Observed(
        sandbox=sandbox,
        address="10.64.3.2",
        current=found.current,
        previous=found.previous,
        surplus=found.surplus,
        **more,
    )


def marked(one, **metadata):
    one["metadata"] |= {"uid": "u1", **metadata}
    return one


INIT = container("init")
SIDECAR = container("proxy", restartPolicy="Always")


@pytest.mark.parametrize(
    ("told", "made", "observed", "starts"),
    [
        ("nothing runs", pod(), seen(), [Start("web")]),
        ("it runs", pod(), seen(ran()), []),
        ("the first crash restarts at once", pod(), seen(ran(status="exited")), [Start("web", 1)]),
        (
            "the second waits ten seconds",
            pod(),
            seen(ran(status="exited", attempt=1, ago=11)),
            [Start("web", 2, 10)],
        ),
        (
            "ten minutes of running are forgiven",
            pod(),
            seen(ran(status="exited", attempt=7, backoff=300, ran_s=601)),
            [Start("web", 8, 0)],
        ),
        (
            "a success stays with OnFailure",
            pod(restartPolicy="OnFailure"),
            seen(ran(status="exited")),
            [],
        ),
        (
            "a failure restarts with OnFailure",
            pod(restartPolicy="OnFailure"),
            seen(ran(status="exited", code=1)),
            [Start("web", 1)],
        ),
        ("Never is never", pod(restartPolicy="Never"), seen(ran(status="exited", code=1)), []),
        ("init first", pod(initContainers=[INIT]), seen(), [Start("init")]),
        ("init runs", pod(initContainers=[INIT]), seen(ran("init")), []),
        (
            "init is done",
            pod(initContainers=[INIT]),
            seen(ran("init", "exited")),
            [Start("web")],
        ),
        (
            "init failed",
            pod(initContainers=[INIT]),
            seen(ran("init", "exited", code=1)),
            [Start("init", 1)],
        ),
        (
            "init failed for good",
            pod(initContainers=[INIT], restartPolicy="Never"),
            seen(ran("init", "exited", code=1)),
            [],
        ),
        (
            "an init container that is gone does not run again beside its pod",
            pod(initContainers=[INIT]),
            seen(ran()),
            [],
        ),
        ("a sidecar first", pod(initContainers=[SIDECAR]), seen(), [Start("proxy")]),
        (
            "a sidecar that has not started holds the others",
            pod(initContainers=[SIDECAR]),
            seen(ran("proxy"), health={"proxy": Health(ready=False, started=False)}),
            [],
        ),
        (
            "a started sidecar lets the others start",
            pod(initContainers=[SIDECAR]),
            seen(ran("proxy")),
            [Start("web")],
        ),
        (
            "a sidecar that died restarts even where the pod may not",
            pod(initContainers=[SIDECAR], restartPolicy="Never"),
            seen(ran("proxy", "exited"), ran()),
            [Start("proxy", 1)],
        ),
        (
            "a container left half made is made anew",
            pod(),
            seen(ran(status="created", attempt=3)),
            [Start("web", 3)],
        ),
        (
            "a container whose supervisor died is made anew",
            pod(),
            seen(ran(status="unknown")),
            [Start("web", 1)],
        ),
        (
            "a blocked start waits",
            pod(),
            seen(
                blocked={"web": Blocked(Waiting("ErrImagePull"), NOW + timedelta(seconds=5))},
            ),
            [],
        ),
        (
            "a blocked start is tried when its time has come",
            pod(),
            seen(blocked={"web": Blocked(Waiting("ErrImagePull"), NOW)}),
            [Start("web")],
        ),
        ("a pull is under way", pod(), seen(busy=frozenset({"web"})), []),
        (
            "another image is not a crash",
            pod(),
            seen(ran(status="exited", attempt=1, **{labels.SPEC_HASH: "other"})),
            [Start("web", 2)],
        ),
        (
            "a postStart hook holds the next container",
            pod(containers=[container("one"), container("two")]),
            seen(ran("one"), busy=frozenset({"one"})),
            [],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_containers_start_in_their_turn(told, made, observed, starts):
    assert list(plan(marked(made), observed, NOW).start) == starts, told


def test_a_container_in_back_off_says_how_long():
    observed = seen(ran(status="exited", attempt=4, backoff=40, ago=30))
    step = plan(marked(pod()), observed, NOW)
    assert step.start == ()
    assert step.requeue_after_s == 50
    assert step.waiting["web"] == Waiting(
        "CrashLoopBackOff",
        "back-off 1m20s restarting failed container=web pod=web_shop(u1)",
    )


def test_the_restart_count_comes_from_the_status_when_all_containers_are_gone():
    one = marked(pod())
    one["status"] = {
        "containerStatuses": [{"name": "web", "restartCount": 4, "containerID": "podman://x"}]
    }
    assert plan(one, seen(), NOW).start == (Start("web", 5),)


@pytest.mark.parametrize(
    ("observed", "sandbox"),
    [
        (Observed(), "start"),
        (seen(ran(), sandbox=None), "remove"),
        (seen(ran(), sandbox=ContainerState("s", "web", "exited", is_sandbox=True)), "remove"),
        (seen(ran()), ""),
    ],
)
def test_a_sandbox_is_made_and_a_dead_one_is_replaced(observed, sandbox):
    assert plan(marked(pod()), observed, NOW).sandbox == sandbox


def test_a_dead_sandbox_of_a_finished_pod_is_not_replaced():
    dead = ContainerState("s", "web", "exited", is_sandbox=True)
    step = plan(marked(pod(restartPolicy="Never")), seen(ran(status="exited"), sandbox=dead), NOW)
    assert (step.sandbox, step.start) == ("", ())


@pytest.mark.parametrize(
    ("health", "message"),
    [
        (Health(failed="liveness"), "Container web failed liveness probe, will be restarted"),
        (Health(failed="startup"), "Container web failed startup probe, will be restarted"),
    ],
)
def test_a_failed_probe_ends_its_container(health, message):
    made = marked(pod(containers=[container(livenessProbe={}, startupProbe={})]))
    (kill,) = plan(made, seen(ran(), health={"web": health}), NOW).kill
    assert (kill.container_id, kill.message, kill.grace_s) == ("web-0", message, 30)


def test_a_probe_may_have_a_grace_of_its_own():
    made = marked(pod(containers=[container(livenessProbe={"terminationGracePeriodSeconds": 3})]))
    (kill,) = plan(made, seen(ran(), health={"web": Health(failed="liveness")}), NOW).kill
    assert kill.grace_s == 3


def test_a_container_that_is_being_ended_is_not_ended_twice():
    observed = seen(ran(), health={"web": Health(failed="liveness")}, killing={"web-0"})
    made = marked(pod(containers=[container(livenessProbe={})]))
    assert plan(made, observed, NOW).kill == ()


def test_a_changed_image_ends_the_container():
    same = ran(**{labels.SPEC_HASH: spec_hash(container())})
    other = ran(**{labels.SPEC_HASH: "other"})
    assert plan(marked(pod()), seen(same), NOW).kill == ()
    (kill,) = plan(marked(pod()), seen(other), NOW).kill
    assert kill.message == "Container web definition changed, will be restarted"


def deleted(**spec):
    return marked(pod(**spec), deletionTimestamp="2026-11-23T12:00:30Z")


def test_a_deleted_pod_loses_its_containers_before_its_sidecars():
    made = deleted(initContainers=[SIDECAR, container("log", restartPolicy="Always")])
    all_run = plan(made, seen(ran("proxy"), ran("log"), ran()), NOW)
    assert [kill.name for kill in all_run.kill] == ["web"]
    rest = plan(made, seen(ran("proxy"), ran("log"), ran(status="exited")), NOW)
    assert [kill.name for kill in rest.kill] == ["log"]
    last = plan(made, seen(ran("proxy"), ran("log", "exited"), ran(status="exited")), NOW)
    assert [kill.name for kill in last.kill] == ["proxy"]


def test_a_deleted_pod_keeps_its_containers_while_traffic_comes():
    step = plan(deleted(), seen(ran(), drained=False), NOW)
    assert step.kill == ()
    assert step.requeue_after_s == pytest.approx(0.1)


def test_a_deleted_pod_without_running_containers_is_finished():
    assert plan(deleted(), seen(ran(status="exited")), NOW).finish
    assert plan(deleted(), Observed(), NOW).finish


def test_sidecars_end_with_the_containers_they_serve():
    made = marked(pod(initContainers=[SIDECAR], restartPolicy="Never"))
    step = plan(made, seen(ran("proxy"), ran(status="exited")), NOW)
    assert [kill.name for kill in step.kill] == ["proxy"]


def test_a_pod_ends_at_its_deadline():
    made = marked(pod(activeDeadlineSeconds=60))
    made["status"] = {"startTime": "2026-11-23T11:59:30Z"}
    assert plan(made, seen(ran()), NOW).requeue_after_s == 30
    late = plan(made, seen(ran()), NOW + timedelta(seconds=30))
    assert late.failed is not None
    assert late.failed.reason == "DeadlineExceeded"


def test_what_nothing_needs_is_surplus_and_the_running_one_of_equals_stays():
    twin = ContainerState("twin", "web", "exited", labels=ran(attempt=2).labels, created_at=NOW)
    found = sort_states(
        [ran(attempt=2), twin, ran(status="exited", attempt=1), ran(status="exited", attempt=0)]
    )
    assert found.current["web"].id == "web-2"
    assert found.previous["web"].id == "web-1"
    assert set(found.surplus) == {"twin", "web-0"}


def test_a_second_sandbox_is_surplus():
    later = ContainerState("s2", "web", "exited", is_sandbox=True, created_at=NOW)
    found = sort_states([later, SANDBOX])
    assert found.sandbox is SANDBOX
    assert found.surplus == ("s2",)


def test_delays_double_up_to_five_minutes():
    delays = [restart_delay_s(None, 1)]
    for _ in range(8):
        delays.append(restart_delay_s(delays[-1], 1))
    assert delays == [0, 10, 20, 40, 80, 160, 300, 300, 300]
    assert restart_delay_s(300, 600) == 0
    assert [doubled_s(0), doubled_s(200)] == [10, 300]


def kill(grace_s=30):
    return KillState("web-0", "web", grace_s, NOW)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def test_a_container_is_signalled_and_killed_after_its_grace():
    one = kill()
    acts = [next_action(one, at(second), has_hook=False) for second in (0, 29, 30, 31, 36)]
    assert acts == ["signal", "wait", "force", "wait", "force"]


def test_a_hook_comes_first_and_leaves_at_least_two_seconds():
    one = kill(grace_s=5)
    assert next_action(one, at(0), has_hook=True) == "hook"
    assert next_action(one, at(4), has_hook=True) == "wait"
    one.stage = HOOKED
    assert next_action(one, at(4.5), has_hook=True) == "signal"
    assert next_action(one, at(6), has_hook=True) == "wait"
    assert next_action(one, at(6.5), has_hook=True) == "force"


def test_a_hook_that_does_not_end_is_cut_off_by_the_grace():
    one = kill(grace_s=5)
    assert next_action(one, at(0), has_hook=True) == "hook"
    assert next_action(one, at(5), has_hook=True) == "force"


def test_without_grace_there_is_no_signal_and_no_hook():
    assert next_action(kill(grace_s=0), at(0), has_hook=True) == "force"


def test_a_second_delete_shortens_the_grace():
    one = kill()
    assert next_action(one, at(0), has_hook=False) == "signal"
    one.shorten(1)
    assert next_action(one, at(2), has_hook=False) == "force"
