"""What one project may take of the threads that all share."""

import threading

import pytest

from paas.orchestration.nodeagent.checks import Outcome
from paas.orchestration.nodeagent.fairpool import FairPool
from paas.orchestration.nodeagent.prober import Prober
from paas.runtime.base import ContainerState
from tests.orchestration.nodeagent.lab import state_of
from tests.orchestration.nodeagent.pods import FakeTime, container, pod

PATIENCE_S = 60


class Crowd:
    """Work that stays until it is let go, and how much of it runs."""

    def __init__(self):
        self.free = threading.Event()
        self.inside = threading.Semaphore(0)

    def stay(self):
        self.inside.release()
        self.free.wait(PATIENCE_S)

    def wait_for(self, count):
        return all(self.inside.acquire(timeout=PATIENCE_S) for _ in range(count))


@pytest.fixture
def crowd():
    one = Crowd()
    yield one
    one.free.set()


@pytest.fixture
def pool():
    one = FairPool(threads=4, share=2, name="test")
    yield one
    one.stop()


def test_nobody_has_more_than_a_share_and_others_come_in_at_once(pool, crowd):
    for _ in range(5):
        pool.submit("greedy", crowd.stay)
    assert crowd.wait_for(2)
    came = threading.Event()
    pool.submit("modest", came.set)
    assert came.wait(PATIENCE_S)
    assert not crowd.inside.acquire(blocking=False)


def test_what_waits_for_its_turn_is_done_in_the_end(pool, crowd):
    for _ in range(5):
        pool.submit("greedy", crowd.stay)
    crowd.free.set()
    assert crowd.wait_for(5)


def test_a_projects_hanging_probes_hold_up_no_other_project(lab, runtime, crowd):
    checked = threading.Event()

    def check(_runtime, _container, _probe, *, container_id, address):
        del address
        if container_id == "other":
            checked.set()
        else:
            crowd.stay()
        return Outcome(ok=True)

    def watch(name, namespace):
        one = pod(name, containers=[container(readinessProbe={"tcpSocket": {"port": 1}})])
        one["metadata"] |= {"namespace": namespace, "uid": name}
        running = {"web": ContainerState(name, "web", "running")}
        prober.track(one, running, address="10.64.3.2", now=FakeTime()(), wake=lambda: None)

    prober = Prober(runtime, lab.sink.recorder("kubelet"), checker=check)
    prober.start()
    for number in range(20):
        watch(f"slow-{number}", "greedy")
    assert crowd.wait_for(6)
    watch("other", "modest")
    assert checked.wait(PATIENCE_S)
    crowd.free.set()
    prober.stop()


def test_hooks_that_do_not_end_hold_up_no_pull(lab, runtime):
    hook = {"preStop": {"exec": {"command": ["stay"]}}}
    go_on = runtime.exec_gate(("stay",))
    for number in range(9):
        lab.create(pod(f"slow-{number}", containers=[container(lifecycle=hook)]))
    for number in range(9):
        lab.until_ready(f"slow-{number}")
        lab.delete(f"slow-{number}", grace_s=3600)
    runtime.registry_add("registry.test/new:1")
    lab.create(pod(containers=[container(image="registry.test/new:1")]))
    lab.until(lambda one: state_of(one)[0] == "running")
    assert lab.stored("slow-0") is not None
    go_on.set()
