"""How fast a recommendation is followed: the cases that upstream documents in its own tests.

Source: k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal_test.go.
"""

from datetime import UTC, datetime, timedelta

import pytest

from paas.orchestration.controllers.autoscaler.pace import (
    Change,
    History,
    Recommendation,
    Wish,
    paced,
)
from paas.orchestration.kinds.autoscaling import AUTOSCALER

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def ago(minutes=0.0, seconds=0.0):
    return NOW - timedelta(minutes=minutes, seconds=seconds)


def spread(*changes, over_s=120):
    """Return changes in the middle of equal parts of the last `over_s` seconds."""
    part = over_s / len(changes)
    return tuple(
        Change(ago(seconds=int(over_s - part * (position + 1) + part / 2)), pods)
        for position, pods in enumerate(changes)
    )


def rules(pods=0, pods_s=0, percent=0, percent_s=0):
    policies = []
    if pods:
        policies.append({"type": "Pods", "value": pods, "periodSeconds": pods_s})
    if percent:
        policies.append({"type": "Percent", "value": percent, "periodSeconds": percent_s})
    return {"stabilizationWindowSeconds": 0, "policies": policies}


def behavior(up=None, down=None):
    """Return a behavior with upstream's defaults; falling is not waited out."""
    given = {**({"scaleUp": up} if up else {}), "scaleDown": down or {}}
    given["scaleDown"].setdefault("stabilizationWindowSeconds", 0)
    obj = {"spec": {"behavior": given}}
    AUTOSCALER.default(obj)
    return obj["spec"]["behavior"]


@pytest.mark.parametrize(
    ("wish", "replicas", "reason"),
    [
        (Wish(5, 7, 3, 8), 7, "DesiredWithinRange"),
        (Wish(3, 1, 2, 8), 2, "TooFewReplicas"),
        (Wish(1, 0, 0, 10), 0, "DesiredWithinRange"),
        (Wish(20, 1000, 1, 10), 10, "TooManyReplicas"),
        (Wish(3, 1000, 1, 2000), 6, "ScaleUpLimit"),
        (Wish(1, 1000, 1, 2000), 4, "ScaleUpLimit"),
    ],
)
def test_without_a_behavior(wish, replicas, reason):
    found = paced(wish, None, History(), window_s=300, now=NOW)
    assert (found.replicas, found.limit.reason) == (replicas, reason)
    assert found.is_limited == (reason != "DesiredWithinRange")


@pytest.mark.parametrize(
    ("known", "replicas", "kept"),
    [
        ([], 5, 1),
        ([(4, 2), (5, 1)], 5, 3),
        ([(1, 2), (2, 1)], 3, 3),
        ([(10, 10), (9, 9)], 3, 1),
        ([(10, 10), (4, 1), (5, 2), (9, 9)], 5, 3),
    ],
    ids=["empty log", "stabilize", "no stabilize", "old ones", "stabilize, old ones"],
)
def test_the_highest_recommendation_of_late_holds(known, replicas, kept):
    desired = 5 if not known else 3
    history = History(tuple(Recommendation(ago(minutes), wanted) for wanted, minutes in known))
    found = paced(Wish(8, desired, 1, 10), None, history, window_s=300, now=NOW)
    assert (found.replicas, len(found.history.recommendations)) == (replicas, kept)
    expected = "ReadyForNewScale" if replicas == desired else "ScaleDownStabilized"
    assert found.able.reason == expected


SMALL, RECENT = spread(1, 5, 9), spread(8, 12, 9, 11)
RATES = {
    "within range": (Wish(5, 7, 3, 8), {}, (), (), 7, "DesiredWithinRange"),
    "below the minimum": (Wish(3, 1, 2, 8), {}, (), (), 2, "TooFewReplicas"),
    "above the maximum": (Wish(100, 1000, 100, 150), {}, (), (), 150, "TooManyReplicas"),
    "up by 1 %": (
        Wish(3, 1000, 1, 2000),
        {"up": rules(percent=1, percent_s=60)},
        (),
        (),
        4,
        "ScaleUpLimit",
    ),
    "down by 20": (Wish(1000, 3, 3, 2000), {"down": rules(20, 60)}, (), (), 980, "ScaleDownLimit"),
    "up by default": (Wish(10, 50, 1, 1000), {}, (), (), 20, "ScaleUpLimit"),
    "up, pods allow more": (
        Wish(10, 500, 1, 1000),
        {"up": rules(100, 60, 100, 60)},
        (),
        (),
        110,
        "ScaleUpLimit",
    ),
    "up, percents allow more": (
        Wish(10, 500, 1, 1000),
        {"up": rules(2, 60, 100, 60)},
        (),
        (),
        20,
        "ScaleUpLimit",
    ),
    "up by 30 pods": (Wish(10, 50, 1, 1000), {"up": rules(30, 60)}, (), (), 40, "ScaleUpLimit"),
    "up by 200 %": (
        Wish(10, 50, 1, 1000),
        {"up": rules(0, 0, 200, 60)},
        (),
        (),
        30,
        "ScaleUpLimit",
    ),
    "down, pods allow more": (
        Wish(100, 2, 1, 1000),
        {"down": rules(20, 60, 1, 60)},
        (),
        (),
        80,
        "ScaleDownLimit",
    ),
    "down, pods allow a little more": (
        Wish(100, 2, 1, 1000),
        {"down": rules(2, 60, 1, 60)},
        (),
        (),
        98,
        "ScaleDownLimit",
    ),
    "down to the minimum": (
        Wish(10, 2, 5, 1000),
        {"down": rules(0, 0, 100, 60)},
        (),
        (),
        5,
        "TooFewReplicas",
    ),
    "down by 50 %": (
        Wish(10, 5, 1, 1000),
        {"down": rules(0, 0, 50, 60)},
        (),
        (),
        5,
        "DesiredWithinRange",
    ),
    "up after many": (
        Wish(100, 500, 1, 1000),
        {"up": rules(5, 120)},
        SMALL,
        (),
        100,
        "ScaleUpLimit",
    ),
    "up by 150 pods after some": (
        Wish(100, 500, 1, 1000),
        {"up": rules(150, 120)},
        SMALL,
        (),
        235,
        "ScaleUpLimit",
    ),
    "up by 200 % after some": (
        Wish(100, 500, 1, 1000),
        {"up": rules(0, 0, 200, 120)},
        SMALL,
        (),
        255,
        "ScaleUpLimit",
    ),
    "up after some, to the maximum": (
        Wish(100, 500, 1, 200),
        {"up": rules(300, 60)},
        SMALL,
        (),
        200,
        "TooManyReplicas",
    ),
    "down by default after some": (Wish(10, 5, 1, 1000), {}, (), SMALL, 5, "DesiredWithinRange"),
    "down by 5 after more": (
        Wish(100, 2, 1, 1000),
        {"down": rules(5, 120)},
        (),
        SMALL,
        100,
        "ScaleDownLimit",
    ),
    "down by 50 % after some": (
        Wish(100, 0, 1, 1000),
        {"down": rules(0, 0, 50, 120)},
        (),
        spread(2, 4, 6),
        56,
        "ScaleDownLimit",
    ),
    "down by 10 % after more": (
        Wish(100, 0, 1, 1000),
        {"down": rules(0, 0, 10, 120)},
        (),
        spread(10, 10, 10),
        100,
        "ScaleDownLimit",
    ),
    "down by 1000 % after some": (
        Wish(10, 5, 1, 1000),
        {"down": rules(0, 0, 1000, 120)},
        (),
        spread(10, 10, 10),
        5,
        "DesiredWithinRange",
    ),
    "up, periods that overlap": (
        Wish(100, 200, 1, 1000),
        {"up": rules(1000, 30, 100, 60)},
        RECENT,
        (),
        200,
        "DesiredWithinRange",
    ),
    "what went down may come up again": (
        Wish(10, 50, 1, 1000),
        {"up": rules(4, 60)},
        (),
        (Change(ago(seconds=5), 6),),
        20,
        "ScaleUpLimit",
    ),
}


@pytest.mark.parametrize(
    ("wish", "given", "ups", "downs", "expected"),
    [(*case[:4], case[4:]) for case in RATES.values()],
    ids=RATES,
)
def test_with_a_behavior(wish, given, ups, downs, expected):
    found = paced(wish, behavior(**given), History(ups=ups, downs=downs), window_s=300, now=NOW)
    assert (found.replicas, found.limit.reason) == expected


def chosen(choice, *policies):
    return {"selectPolicy": choice, "policies": list(policies), "stabilizationWindowSeconds": 0}


TWO = {"type": "Pods", "value": 2, "periodSeconds": 60}
HALF = {"type": "Percent", "value": 50, "periodSeconds": 60}


@pytest.mark.parametrize(
    ("wish", "given", "replicas"),
    [
        (Wish(1, 9, 1, 99), {"up": chosen("Min", TWO, HALF)}, 2),
        (Wish(1, 9, 1, 99), {"up": chosen("Max", TWO, HALF)}, 3),
        (Wish(1, 9, 1, 99), {"up": chosen("Disabled", TWO)}, 1),
        (Wish(5, 1, 1, 99), {"down": chosen("Min", TWO, HALF)}, 3),
        (Wish(5, 1, 1, 99), {"down": chosen("Max", TWO, HALF)}, 2),
        (Wish(5, 1, 1, 99), {"down": chosen("Disabled", TWO)}, 5),
    ],
)
def test_which_policy_is_chosen(wish, given, replicas):
    assert paced(wish, behavior(**given), History(), window_s=0, now=NOW).replicas == replicas


def test_rising_is_waited_out_where_the_behavior_says_so():
    slow = behavior(up={"stabilizationWindowSeconds": 120})
    history = History((Recommendation(ago(minutes=3), 2), Recommendation(ago(minutes=1), 6)))
    found = paced(Wish(5, 9, 1, 20), slow, history, window_s=300, now=NOW)
    assert (found.replicas, found.able.reason) == (6, "ScaleUpStabilized")
    assert "applying the lowest recent recommendation" in found.able.message


def test_falling_is_waited_out_as_the_behavior_says_and_else_as_is_usual():
    history = History((Recommendation(ago(minutes=4), 8), Recommendation(ago(minutes=1), 6)))
    wish = Wish(9, 3, 1, 20)
    usual = behavior()
    del usual["scaleDown"]["stabilizationWindowSeconds"]
    for given, replicas in (
        (usual, 8),
        (behavior(down={"stabilizationWindowSeconds": 120}), 6),
        (behavior(down={"stabilizationWindowSeconds": 0}), 3),
    ):
        assert paced(wish, given, history, window_s=300, now=NOW).replicas == replicas


def test_what_is_remembered_is_bounded():
    history, now = History(), NOW
    for turn in range(2000):
        now += timedelta(seconds=15)
        found = paced(Wish(5, 5, 1, 9), behavior(), history, window_s=300, now=now)
        history = found.history.changed(5, 5 + turn % 2 * 2 - 1, now=now)
    assert len(history.recommendations) <= 3600 / 15 + 1
    assert len(history.ups) + len(history.downs) <= 1800 / 15 + 1
