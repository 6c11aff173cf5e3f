"""From usage to a number of pods: the cases that upstream documents in its own tests.

Source: k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator_test.go. Each pod has two
containers, which request and use the same.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from paas.core.objects import timestamp
from paas.orchestration.controllers.autoscaler.replicas import (
    Measured,
    MetricError,
    Sample,
    Settings,
    Tolerances,
    by_average,
    by_utilization,
    samples_of,
)
from tests.fakes.usage import AT, FakeUsage, window

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COOL, HOT = NOW - timedelta(minutes=3), NOW
SETTINGS = Settings(cpu_initialization=timedelta(minutes=2), readiness_delay=timedelta(seconds=10))
TOLERANCES = Tolerances(0.1, 0.1)


def pod(number, request="1.0", *, ready=True, phase="Running", started=COOL, going=False):
    metadata = {"name": f"pod-{number}", **({"deletionTimestamp": "now"} if going else {})}
    resources = {"requests": {"cpu": request}} if request else {}
    condition = {
        "type": "Ready",
        "status": str(ready),
        "lastTransitionTime": timestamp(started),
    }
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": one, "resources": resources} for one in ("c1", "c2")]},
        "status": {"phase": phase, "startTime": timestamp(started), "conditions": [condition]},
    }


@dataclass
class Case:
    current: int
    expected: int
    levels: list[int]
    target: int
    used: int
    requests: list[str] = field(default_factory=list)
    unready: tuple[int, ...] = ()
    hot: tuple[int, ...] = ()
    phases: dict[int, str] = field(default_factory=dict)
    going: tuple[int, ...] = ()
    pods: int = 0

    def measured(self, resource="cpu", *, containers=2):
        count = self.pods or self.current
        requests = self.requests or ["1.0"] * count
        pods = [
            pod(
                number,
                requests[number],
                ready=number not in self.unready,
                phase=self.phases.get(number, "Running"),
                started=HOT if number in self.hot else COOL,
                going=number in self.going,
            )
            for number in range(count)
        ]
        samples = {
            f"pod-{number}": Sample(NOW, 60.0, containers * level)
            for number, level in enumerate(self.levels)
        }
        return Measured(pods, samples, self.current, NOW, TOLERANCES, SETTINGS, resource)


UTILIZATION = {
    "scale up": Case(3, 5, [300, 500, 700], 30, 50),
    "scale up, less for one that is not ready": Case(3, 4, [300, 500, 700], 30, 60, unready=(0,)),
    "scale up, less for one that starts": Case(3, 4, [300, 500, 700], 30, 60, hot=(0,)),
    "no scale up for those not ready": Case(3, 3, [400, 500, 700], 30, 40, unready=(1, 2)),
    "no scale up for those that start": Case(
        3, 3, [400, 500, 700], 30, 40, unready=(1, 2), hot=(1, 2)
    ),
    "scale up ignores failed pods": Case(
        2, 4, [500, 700], 30, 60, unready=(2, 3), phases={2: "Failed", 3: "Failed"}, pods=4
    ),
    "scale up ignores pods that go": Case(
        2, 4, [500, 700], 30, 60, unready=(2, 3), going=(2, 3), pods=4
    ),
    "scale down": Case(5, 3, [100, 300, 500, 250, 250], 50, 28),
    "scale down counts those once ready": Case(
        5, 2, [100, 300, 500, 250, 250], 50, 30, unready=(3, 4)
    ),
    "scale down without those that start": Case(
        5, 2, [100, 300, 500, 250, 250], 50, 30, hot=(3, 4)
    ),
    "scale down without pending pods": Case(
        5, 1, [100], 50, 10, phases=dict.fromkeys(range(1, 5), "Pending"), unready=(1, 2, 3, 4)
    ),
    "scale down ignores pods that go": Case(
        5, 3, [100, 300, 500, 250, 250], 50, 28, unready=(5, 6), going=(5, 6), pods=7
    ),
    "tolerance": Case(3, 3, [1010, 1030, 1020], 100, 102, requests=["0.9", "1.0", "1.1"]),
    "superfluous metrics": Case(4, 24, [4000, 9500, 3000, 7000, 3200, 2000], 100, 587),
    "missing metrics": Case(4, 3, [400, 95], 100, 24),
    "missing metrics, just right": Case(2, 2, [1000], 100, 100),
    "missing metrics, too much": Case(2, 2, [1900], 100, 190),
    "missing metrics, too little": Case(2, 2, [600], 100, 60),
    "missing and not ready": Case(3, 3, [100, 450], 50, 45, unready=(0,)),
    "missing and starting": Case(3, 3, [100, 450], 50, 45, hot=(0,)),
    "missing and not ready, scale up": Case(3, 4, [100, 2000], 50, 200, unready=(0,)),
    "missing and not ready, scale down": Case(4, 3, [100, 100, 100], 50, 10, unready=(0,)),
    "missing, scale down to a target over 100 %": Case(
        4, 2, [200, 100, 100], 300, 6, requests=["1.0", "1.0", "2.0", "2.0"], unready=(0,)
    ),
    "during a roll-out with surge": Case(2, 2, [100, 100], 50, 10, pods=3),
}


@pytest.mark.parametrize("case", UTILIZATION.values(), ids=UTILIZATION)
def test_by_utilization(case):
    found = by_utilization(case.measured(), case.target)
    assert (found.replicas, found.utilization) == (case.expected, case.used)


AVERAGE = {
    "scale up": Case(3, 4, [20000, 10000, 30000], 15000, 20000),
    "scale up, also for those not ready": Case(
        3, 6, [50000, 10000, 30000], 15000, 30000, unready=(2,), hot=(2,)
    ),
    "not ready ones would turn it": Case(
        3, 7, [50000, 15000, 30000], 15000, 31666, unready=(0, 2), hot=(0, 2)
    ),
    "tolerance": Case(3, 3, [20000, 21000, 21000], 20000, 20666),
    "missing metrics": Case(5, 5, [20000, 19000, 21000], 20000, 20000),
    "during a roll-out with surge": Case(2, 2, [10000, 10000], 17000, 10000, pods=3),
}


@pytest.mark.parametrize("case", AVERAGE.values(), ids=AVERAGE)
def test_by_average(case):
    """A resource other than CPU: readiness does not matter."""
    found = by_average(case.measured("memory", containers=1), case.target)
    assert (found.replicas, found.average) == (case.expected, case.used)


def test_each_direction_has_its_own_tolerance():
    measured = Case(4, 4, [120] * 4, 100, 0).measured("memory", containers=1)
    for down, up, expected in ((0.1, 0.1, 5), (0.1, 0.25, 4), (0.5, 0.0, 5)):
        one = Measured(
            measured.pods, measured.samples, 4, NOW, Tolerances(down, up), SETTINGS, "memory"
        )
        assert by_average(one, 100).replicas == expected


def test_the_mean_is_told_in_thousandths():
    found = by_utilization(Case(3, 5, [300, 500, 700], 30, 50).measured(), 30)
    assert found.average == 1000


REFUSED = {
    "no pods": (
        Case(0, 0, [100], 1, 0),
        "no pods returned by selector while calculating replica count",
    ),
    "no usage": (
        Case(1, 0, [], 1, 0),
        "did not receive metrics for targeted pods (pods might be unready)",
    ),
    "nothing of those that are ready": (
        Case(1, 0, [100], 1, 0, hot=(0,), unready=(0,)),
        "did not receive metrics for targeted pods (pods might be unready)",
    ),
    "no request": (
        Case(1, 0, [100], 1, 0, requests=[""]),
        "missing request for cpu in container c1 of Pod pod-0",
    ),
}


@pytest.mark.parametrize(("case", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_told(case, words):
    with pytest.raises(MetricError) as refused:
        by_utilization(case.measured(), case.target)
    assert refused.value.message == words


def test_usage_of_other_pods_only_says_nothing():
    measured = Case(1, 0, [], 1, 0).measured()
    other = {"an-older-pod": Sample(NOW, 60.0, 100)}
    one = Measured(measured.pods, other, 1, NOW, TOLERANCES, SETTINGS, "cpu")
    with pytest.raises(MetricError, match="no metrics returned matched known pods"):
        by_utilization(one, 100)


def test_one_container_is_measured_against_its_own_request():
    measured = Case(3, 5, [300, 500, 700], 30, 50).measured(containers=1)
    one = Measured(
        measured.pods, measured.samples, 3, NOW, TOLERANCES, SETTINGS, "cpu", container="c2"
    )
    found = by_utilization(one, 30)
    assert (found.replicas, found.utilization, found.average) == (5, 50, 500)
    other = Measured(
        measured.pods, measured.samples, 3, NOW, TOLERANCES, SETTINGS, "cpu", container="none"
    )
    with pytest.raises(MetricError, match="container none not found in Pod pod-0"):
        by_utilization(other, 30)


def test_requests_of_the_whole_pod_and_of_sidecars_count():
    whole = pod(0, "")
    whole["spec"]["resources"] = {"requests": {"cpu": "500m"}}
    aside = pod(1, "100m")
    helper = {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "300m"}}}
    aside["spec"]["initContainers"] = [helper, {"name": "once"}]
    samples = {"pod-0": Sample(NOW, 60.0, 250), "pod-1": Sample(NOW, 60.0, 250)}
    one = Measured([whole, aside], samples, 2, NOW, TOLERANCES, SETTINGS, "cpu")
    assert by_utilization(one, 50).utilization == 50


def test_what_is_read_of_usage_is_rounded_up_and_summed():
    early = AT - timedelta(seconds=2)
    usage = FakeUsage()
    usages = [usage.pod("web", a=window(1.2, 1), b=window(0.1, 2, at=early))]
    assert samples_of(usages, "cpu") == {"web": Sample(early, 15.0, 3)}
    assert samples_of(usages, "memory")["web"].value == 3 * (1 << 20) * 1000
    assert samples_of(usages, "cpu", "a")["web"].value == 2
    assert samples_of(usages, "cpu", "none") == {}
    assert samples_of(usages, "ephemeral-storage") == {}
