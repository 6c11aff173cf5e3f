"""What pods and the node use, from counters that the test sets."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paas.core.errors import NotFoundError
from paas.core.objects import ObjectKey, timestamp
from paas.core.usage import Usage
from paas.orchestration.nodeagent.machine import MachineCounters, machine_counters
from paas.orchestration.nodeagent.stats import KEPT, UsageStats
from paas.runtime.base import ContainerStats

KEY = ObjectKey("nodes", "", "once")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
MIB = 1 << 20


def running(container_id, name="web", started=LONG_AGO):
    return {
        "name": name,
        "containerID": f"podman://{container_id}",
        "state": {"running": {"startedAt": timestamp(started)}},
    }


class Bench:
    """A node whose pods, counters and clock the test moves; it is its own runtime and informer."""

    def __init__(self):
        self.counters, self.found = {}, []
        self.now, self.machine = NOW, MachineCounters(NOW, 0, 0)
        this: Any = self
        self.usage = UsageStats(
            this, this, node_name="node", every_s=15.0, counters=lambda: self.machine
        )

    def list(self, namespace=""):
        return [one for one in self.found if namespace in {"", one["metadata"]["namespace"]}]

    def stats(self, container_id):
        if container_id not in self.counters:
            raise NotFoundError(container_id)
        return ContainerStats(self.counters[container_id], 3 * MIB, 4 * MIB, 1, self.now)

    def pod(self, *containers, name="web", namespace="shop"):
        """Let there be this pod, in place of an earlier one of its name."""
        metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
        status = {"containerStatuses": list(containers)}
        self.found = [one for one in self.found if one["metadata"]["name"] != name]
        self.found.append({"metadata": metadata, "status": status})

    def sample(self, *, after_s=0.0, **cpu_ns):
        """Let time pass, set the CPU counters of containers, look."""
        self.now += timedelta(seconds=after_s)
        self.counters |= cpu_ns
        return self.usage.sample(KEY)

    def windows(self, pod="web", container="web", *, history=False):
        found = {one.name: one for one in self.usage.pods("", history=history)}
        return list(found[pod].containers[container]) if pod in found else None


@pytest.fixture
def bench():
    return Bench()


def test_usage_is_a_mean_over_the_interval(bench):
    bench.pod(running("a"))
    assert bench.sample(a=1_000_000_000) == 15.0
    assert bench.windows() is None
    bench.sample(after_s=15, a=2_500_000_000)
    assert bench.windows() == [Usage(bench.now, 15.0, 100_000_000, 3 * MIB)]


def test_a_young_container_has_its_first_window_from_its_start_on(bench):
    bench.pod(running("a", started=NOW), running("b", "side", started=NOW + timedelta(seconds=5)))
    bench.sample(after_s=12, a=6_000_000_000, b=1)
    assert bench.windows() is None  # the other is younger still
    bench.pod(running("a", started=NOW))
    assert bench.windows() == [Usage(bench.now, 12.0, 500_000_000, 3 * MIB)]


def test_a_pod_is_absent_until_each_of_its_containers_has_a_window(bench):
    bench.pod(running("a"), running("b", "side"))
    bench.sample(a=1, b=1)
    bench.sample(after_s=15, a=2, b=2)
    assert bench.windows(container="side") is not None
    bench.pod(running("a"), running("c", "side"))  # it was started anew
    bench.sample(after_s=15, a=3, c=1)
    assert bench.windows() is None
    bench.sample(after_s=15, a=4, c=15_000_000_001)
    assert bench.windows(container="side") == [Usage(bench.now, 15.0, 1_000_000_000, 3 * MIB)]


def test_a_counter_that_went_back_is_a_new_start(bench):
    bench.pod(running("a"))
    bench.sample(a=10_000_000_000)
    bench.sample(after_s=15, a=20_000_000_000)
    bench.sample(after_s=15, a=1_000_000_000)
    assert bench.windows() is None
    bench.sample(after_s=10, a=2_000_000_000)
    assert bench.windows(history=True) == [Usage(bench.now, 10.0, 100_000_000, 3 * MIB)]


def test_looking_twice_at_one_moment_changes_nothing(bench):
    bench.pod(running("a"))
    bench.sample(a=0)
    bench.sample(after_s=15, a=15_000_000)
    before = bench.windows(history=True)
    bench.sample()
    assert bench.windows(history=True) == before


def test_a_clock_that_went_back_is_a_new_start(bench):
    bench.pod(running("a"))
    bench.sample(a=0)
    bench.sample(after_s=-15, a=15_000_000)
    assert bench.windows() is None


def test_a_container_that_has_ended_is_forgotten(bench):
    bench.pod(running("a"))
    bench.sample(a=1)
    bench.sample(after_s=15, a=2)
    del bench.counters["a"]
    bench.sample(after_s=15)
    assert bench.usage.pods("shop") == []
    bench.pod({"name": "web", "containerID": "podman://a", "state": {"terminated": {}}})
    assert bench.usage.pods("shop") == []


def test_only_so_much_is_kept_and_only_the_newest_is_told_unless_asked(bench):
    bench.pod(running("a"))
    for turn in range(KEPT + 10):
        bench.sample(after_s=15, a=turn * 15_000_000)
    assert len(bench.windows(history=True)) == KEPT
    assert bench.windows() == bench.windows(history=True)[-1:]


def test_pods_are_told_by_namespace_with_their_labels(bench):
    bench.pod(running("a"))
    bench.pod(running("b", "db"), name="db", namespace="other")
    bench.sample(a=1, b=1)
    bench.sample(after_s=15, a=2, b=2)
    (one,) = bench.usage.pods("other")
    assert (one.namespace, one.name, one.labels) == ("other", "db", {"app": "db"})
    assert len(bench.usage.pods("")) == 2


def test_the_node_has_a_window_from_the_second_sample_on(bench):
    bench.sample()
    assert bench.usage.node() is None
    bench.machine = MachineCounters(NOW + timedelta(seconds=10), 5_000_000_000, 7 * MIB)
    bench.sample()
    assert bench.usage.node() == ("node", Usage(bench.machine.at, 10.0, 500_000_000, 7 * MIB))


def test_reading_while_sampling_never_fails(bench):
    """The API's thread, the autoscaler and the sampler meet at the same windows."""
    bench.pod(running("a"))
    failed = []

    def read():
        try:
            for _ in range(300):
                bench.usage.pods("", history=True)
        except RuntimeError as error:  # what a deque says that changes while it is read
            failed.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(300):
        bench.sample(after_s=1, a=turn)
    reader.join(20)
    assert not reader.is_alive()
    assert failed == []


def test_the_machines_counters_are_read_from_proc(tmp_path):
    (tmp_path / "stat").write_text("cpu  100 20 30 9000 50 6 7 8 9 9\ncpu0 1 2 3\n")
    (tmp_path / "meminfo").write_text(
        "MemTotal:       1000 kB\nMemFree:         300 kB\nInactive(file):  200 kB\n"
    )
    found = machine_counters(tmp_path)
    assert found.cpu_ns == 1_630_000_000
    assert found.memory_working_set_bytes == 500 << 10


def test_this_machines_counters_grow():
    before = machine_counters()
    while (after := machine_counters()).cpu_ns == before.cpu_ns:
        sum(range(10_000))  # keeps a processor busy until a tick has passed
    assert after.cpu_ns > before.cpu_ns
    assert after.memory_working_set_bytes > 0
