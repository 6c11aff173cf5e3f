"""Whose turn it is, and which builds go, as tables."""

import pytest

from paas.builds.names import number_of
from paas.builds.policy import queue, turn
from paas.builds.pruning import doomed
from tests.builds.objects import build

SERIAL, LATEST, PARALLEL = "Serial", "SerialLatestOnly", "Parallel"


@pytest.mark.parametrize(
    ("policy", "mine", "others", "waits_for", "superseded_by"),
    [
        (SERIAL, 2, [(1, "Running")], "web-1", ""),
        (SERIAL, 2, [(1, "New")], "web-1", ""),
        (SERIAL, 2, [(1, "Complete"), (3, "New")], "", ""),
        (SERIAL, 3, [(1, "Running"), (2, "New")], "web-1", ""),
        (PARALLEL, 2, [(1, "Running")], "", ""),
        (LATEST, 2, [(1, "Running")], "web-1", ""),
        (LATEST, 2, [(1, "Running"), (3, "New")], "", "web-3"),
        (LATEST, 3, [(2, "New")], "", ""),
        (LATEST, 7, [(8, "Pending")], "", "web-8"),
    ],
)
def test_the_policy_says_who_waits(policy, mine, others, waits_for, superseded_by):
    builds = [build(number, phase, policy=policy) for number, phase in others]
    found = turn(build(mine, policy=policy), builds)
    assert (found.waits_for, found.superseded_by) == (waits_for, superseded_by)


def test_builds_of_another_config_are_in_nobodys_way():
    assert turn(build(2), [build(1, "Running", config="api")]).is_now


def test_a_cancelled_build_is_not_waited_for():
    assert turn(build(2), [build(1, status={"cancelled": True})]).is_now


def test_the_queue_is_in_order_of_time():
    names = [one["metadata"]["name"] for one in queue([build(3), build(1, "Running"), build(2)])]
    assert names == ["web-2", "web-3"]


def test_history_limits_count_good_and_bad_builds_apart():
    config = {"spec": {"successfulBuildsHistoryLimit": 1, "failedBuildsHistoryLimit": 1}}
    phases = ["Complete", "Failed", "Complete", "Error", "Cancelled", "Running", "New"]
    builds = [build(number + 1, phase) for number, phase in enumerate(phases)]
    gone = sorted(one["metadata"]["name"] for one in doomed(config, builds))
    assert gone == ["web-1", "web-2", "web-4"]


def test_without_limits_all_stay():
    assert doomed({"spec": {}}, [build(1, "Complete")]) == []


@pytest.mark.parametrize("text", ["²", "9" * 5000, "-1", ""])
def test_a_number_that_is_none_holds_nobody_up(text):
    one = {"metadata": {"name": "web-1", "annotations": {"openshift.io/build.number": text}}}
    assert number_of(one) == 0
