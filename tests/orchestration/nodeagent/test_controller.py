"""What the agent makes of pods, on the fake runtime: start, status, restart, end."""

import pytest

from paas.builds.names import EGRESS_ONLY
from tests.fakes.programs import FakeProgram
from tests.orchestration.nodeagent.lab import condition, eventually, state_of, status_of, waits_for
from tests.orchestration.nodeagent.pods import IMAGE, container, pod


def test_a_pod_is_started_and_reported_ready(lab):
    lab.create(pod())
    stored = lab.until_ready()
    status = stored["status"]
    assert status["phase"] == "Running"
    assert status["podIP"] == "10.64.3.2"
    assert status["podIPs"] == [{"ip": "10.64.3.2"}]
    assert status["hostIP"] == "10.64.0.1"
    assert status["qosClass"] == "BestEffort"
    assert status["startTime"]
    kinds = ["PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready", "PodScheduled"]
    assert {kind: condition(stored, kind) for kind in kinds} == dict.fromkeys(kinds, "True")
    entry = status_of(stored)
    assert entry["started"] is entry["ready"] is True
    assert entry["restartCount"] == 0
    assert entry["image"] == IMAGE
    assert entry["imageID"].startswith("registry.test/web@sha256:")
    assert entry["containerID"].startswith("podman://")
    assert lab.reasons() == ["Pulled", "Created", "Started"]


@pytest.mark.parametrize(
    ("annotations", "egress_only"),
    [({EGRESS_ONLY: "true"}, True), ({EGRESS_ONLY: "no"}, False), (None, False)],
)
def test_a_pod_is_wired_for_egress_alone_where_its_annotation_says_so(
    lab, annotations, egress_only
):
    lab.create(pod(annotations=annotations))
    lab.until_ready()
    assert {one["egress_only"] for one in lab.network.asked} == {egress_only}


def test_init_containers_run_in_their_order_before_the_others(lab, runtime):
    runtime.program(("one",), FakeProgram())
    runtime.program(("two",), FakeProgram(exit_code=0))
    inits = [container("one", command=["one"]), container("two", command=["two"])]
    lab.create(pod(initContainers=inits))
    stored = lab.until(lambda pod: state_of(pod, "one")[0] == "running")
    assert state_of(stored, "two") == ("waiting", {"reason": "PodInitializing"})
    assert state_of(stored) == ("waiting", {"reason": "PodInitializing"})
    assert stored["status"]["phase"] == "Pending"
    runtime.finish(runtime.of("one").state.id, 0)
    stored = lab.until_ready()
    assert state_of(stored, "two")[1]["reason"] == "Completed"
    assert condition(stored, "Initialized") == "True"


def test_a_crashed_container_restarts_at_once_and_then_ever_later(lab, runtime):
    runtime.program(("crash",), FakeProgram(exit_code=3))
    lab.create(pod(containers=[container(command=["crash"])]))
    stored = lab.until(waits_for("CrashLoopBackOff"))
    assert status_of(stored)["restartCount"] == 1
    assert "back-off 10s restarting failed container=web" in state_of(stored)[1]["message"]
    ended = status_of(stored)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    lab.jump(11)
    stored = lab.until(lambda pod: "back-off 20s" in state_of(pod)[1].get("message", ""))
    assert status_of(stored)["restartCount"] == 2
    assert "BackOff" in lab.reasons()


def test_a_pod_that_may_not_restart_ends_with_its_containers(lab, runtime):
    lab.create(pod(restartPolicy="Never"))
    lab.until_ready()
    runtime.finish(runtime.of("web").state.id, 0)
    stored = lab.until(lambda pod: pod["status"]["phase"] == "Succeeded")
    assert state_of(stored)[1]["reason"] == "Completed"
    assert condition(stored, "Ready") == "False"


def test_an_oom_kill_is_told_by_its_reason(lab, runtime):
    lab.create(pod(restartPolicy="Never"))
    lab.until_ready()
    runtime.oom_kill(runtime.of("web").state.id)
    stored = lab.until(lambda pod: pod["status"]["phase"] == "Failed")
    ended = state_of(stored)[1]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


def test_a_deleted_pod_is_signalled_and_then_gone(lab, runtime):
    lab.create(pod())
    lab.until_ready()
    lab.delete()
    lab.until_gone()
    assert runtime.all == {}
    assert lab.network.given == {}
    assert "Killing" in lab.reasons()
    assert not list((lab.root / "pods").iterdir())


def test_a_container_that_ignores_sigterm_is_killed_when_its_grace_is_over(lab, runtime):
    runtime.program(("stubborn",), FakeProgram(ignores_term=True))
    lab.create(pod(containers=[container(command=["stubborn"])]))
    lab.until_ready()
    web = runtime.of("web")
    lab.time.stand()
    lab.delete(grace_s=7)
    eventually(lambda: web.signals == ["SIGTERM"])
    lab.jump(8)
    lab.until_gone()
    assert web.signals == ["SIGTERM", "SIGKILL"]
