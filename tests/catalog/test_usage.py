"""What an application's containers use together."""

from datetime import timedelta

from paas.catalog.usage import moments
from tests.fakes.usage import AT, FakeUsage, window


def test_windows_of_one_round_are_added_up_the_oldest_first():
    usage, step = FakeUsage(), timedelta(seconds=15)
    late = timedelta(seconds=1)  # the second pod is looked at after the first
    early = [window(10, 1, AT - 2 * step), window(20, 2, AT - step), window(30, 3, AT)]
    found = moments(
        [
            usage.pod("a", *early),
            usage.pod("b", window(5, 1, AT - step + late), window(6, 1, AT + late)),
        ]
    )
    assert [(one.cpu_nanocores, one.memory_bytes >> 20) for one in found] == [
        (10_000_000, 1),
        (25_000_000, 3),
        (36_000_000, 4),
    ]
    assert [one.at for one in found] == [AT - 2 * step, AT - step + late, AT + late]


def test_nothing_measured_is_nothing():
    assert moments([]) == []
