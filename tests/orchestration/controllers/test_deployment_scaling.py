"""A roll-out never has too many pods, and never takes away a healthy one that is still needed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.orchestration.controllers.deployment.scaling import (
    Bounds,
    bounds_of,
    first_size,
    rescale,
    roll,
    was_scaled,
)


def deployment(replicas=10, *, surge="25%", unavailable="25%", kind="RollingUpdate"):
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": kind, **({"rollingUpdate": rolling} if kind == "RollingUpdate" else {})}
    return {"metadata": {"name": "web"}, "spec": {"replicas": replicas, "strategy": strategy}}


def sized(name, size, available=None, *, age=0, desired=None, most=None):
    annotations = {}
    if desired is not None:
        annotations["deployment.kubernetes.io/desired-replicas"] = str(desired)
    if most is not None:
        annotations["deployment.kubernetes.io/max-replicas"] = str(most)
    return {
        "metadata": {
            "name": name,
            "annotations": annotations,
            "creationTimestamp": f"2026-01-01T00:00:{age:02d}Z",
        },
        "spec": {"replicas": size},
        "status": {"availableReplicas": size if available is None else available},
    }


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (10, "25%", "25%", Bounds(10, 3, 2)),
        (1, "25%", "25%", Bounds(1, 1, 0)),
        (3, 1, 0, Bounds(3, 1, 0)),
        (10, 0, 0, Bounds(10, 0, 1)),
        (3, "0%", "10%", Bounds(3, 0, 1)),
        (2, 1, 5, Bounds(2, 1, 2)),
        (0, "25%", "25%", Bounds(0, 0, 0)),
    ],
)
def test_surge_is_rounded_up_and_unavailable_down(replicas, surge, unavailable, expected):
    assert bounds_of(deployment(replicas, surge=surge, unavailable=unavailable)) == expected


def test_a_deployment_that_says_nothing_rolls_with_a_quarter():
    assert bounds_of({"spec": {"replicas": 4}}) == Bounds(4, 1, 1)


def test_recreate_has_neither_surge_nor_unavailable_pods():
    assert bounds_of(deployment(4, kind="Recreate")) == Bounds(4, 0, 0)


@pytest.mark.parametrize(
    ("old", "current", "expected"),
    [
        ([], 0, 10),
        ([sized("old", 10)], 0, 3),
        ([sized("old", 13)], 0, 0),
        ([sized("old", 8)], 5, 5),
        ([sized("old", 2)], 8, 10),
    ],
)
def test_the_new_set_takes_the_room_that_surge_leaves(old, current, expected):
    sets = [*old, sized("new", current)] if current else old
    assert first_size(deployment(), sets, current) == expected


@pytest.mark.parametrize(
    ("old", "current", "expected"),
    [
        ([sized("old", 10)], sized("new", 0), {"new": 3}),
        ([sized("old", 10)], sized("new", 3, 0), {"old": 8}),
        ([sized("old", 8)], sized("new", 5, 0), {}),
        ([sized("old", 8)], sized("new", 5, 5), {"old": 3}),
        ([sized("old", 10, 4)], sized("new", 3, 0), {"old": 8}),
        ([sized("older", 5, 0, age=1), sized("old", 5, age=2)], sized("new", 3, 3), {"older": 0}),
        ([], sized("new", 12), {"new": 10}),
        ([], sized("new", 10), {}),
        ([sized("old", 0)], sized("new", 10), {}),
    ],
    ids=[
        "up first",
        "down by maxUnavailable while the new are not ready",
        "a crashing new set stops the roll-out",
        "available new pods replace old ones",
        "unhealthy old pods go, but never below what is allowed",
        "unhealthy ones of all old sets go before healthy ones",
        "the new set shrinks to its wish",
        "nothing to do",
        "empty old sets do not matter",
    ],
)
def test_one_step_of_a_rolling_update(old, current, expected):
    assert roll(deployment(), current, old) == expected


@pytest.mark.parametrize(
    ("replicas", "current", "old", "expected"),
    [
        (5, sized("new", 10), [], {"new": 5}),
        (5, None, [sized("old", 10)], {"old": 5}),
        (5, sized("new", 0), [sized("old", 10)], {"old": 5}),
        (5, None, [sized("a", 0, age=1), sized("b", 0, age=2)], {"b": 5}),
        (10, sized("new", 10, desired=10), [sized("old", 3)], {"old": 0}),
        (20, sized("new", 5, most=13), [sized("old", 8, most=13)], {"old": 15, "new": 10}),
        (5, sized("new", 5, most=13), [sized("old", 8, most=13)], {"old": 4, "new": 3}),
        (0, sized("new", 5, most=13), [sized("old", 8, most=13)], {"old": 0, "new": 0}),
        (10, sized("new", 10), [], {}),
    ],
    ids=[
        "the only set takes all",
        "also an old one",
        "an empty new set does not count",
        "the newest where none is active",
        "a saturated new set ends the old ones",
        "up in proportion",
        "down in proportion",
        "to nothing",
        "nothing to do",
    ],
)
def test_a_change_of_size_is_shared_in_proportion(replicas, current, old, expected):
    assert rescale(deployment(replicas), current, old) == expected


def test_a_changed_wish_is_seen_by_the_marks_of_active_sets():
    assert was_scaled(deployment(5), [sized("new", 10, desired=10)])
    assert not was_scaled(deployment(10), [sized("new", 10, desired=10)])
    assert not was_scaled(deployment(5), [sized("empty", 0, desired=10), sized("unmarked", 3)])


class Rollout:
    """ReplicaSets whose pods come and go as a ReplicaSet controller would do it."""

    def __init__(self, wish):
        self.wish = wish
        self.sets = []

    def add_template(self):
        name = f"rs{len(self.sets)}"
        size = first_size(self.wish, self.sets, 0)
        self.sets.append(sized(name, size, 0, age=len(self.sets)))

    def available(self):
        return sum(one["status"]["availableReplicas"] for one in self.sets)

    def total(self):
        return sum(one["spec"]["replicas"] for one in self.sets)

    def step(self):
        sizes = roll(self.wish, self.sets[-1], self.sets[:-1])
        for one in self.sets:
            size = sizes.get(one["metadata"]["name"], one["spec"]["replicas"])
            one["spec"]["replicas"] = size
            # the least healthy pods are deleted first
            one["status"]["availableReplicas"] = min(one["status"]["availableReplicas"], size)
        return bool(sizes)

    def make_ready(self, number):
        one = self.sets[number % len(self.sets)]
        if one["status"]["availableReplicas"] < one["spec"]["replicas"]:
            one["status"]["availableReplicas"] += 1

    def make_fail(self, number):
        one = self.sets[number % len(self.sets)]
        if one["status"]["availableReplicas"]:
            one["status"]["availableReplicas"] -= 1

    def settle(self):
        for _ in range(1000):
            if not self.step():
                if all(
                    one["status"]["availableReplicas"] == one["spec"]["replicas"]
                    for one in self.sets
                ):
                    return
                for number in range(len(self.sets)):
                    self.make_ready(number)
        raise AssertionError("the roll-out never ends")


SHARES = st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda share: f"{share}%"))
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["step", "ready", "fail", "template"]), st.integers(0, 5)),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(replicas=st.integers(0, 20), surge=SHARES, unavailable=SHARES, actions=ACTIONS)
def test_no_roll_out_ever_breaks_its_bounds(replicas, surge, unavailable, actions):
    wish = deployment(replicas, surge=surge, unavailable=unavailable)
    bounds = bounds_of(wish)
    rollout = Rollout(wish)
    rollout.add_template()
    rollout.settle()
    for action, number in actions:
        before = rollout.available()
        if action == "template":
            rollout.add_template()
        elif action == "ready":
            rollout.make_ready(number)
        elif action == "fail":
            rollout.make_fail(number)
            continue
        else:
            rollout.step()
        assert rollout.total() <= bounds.most
        assert rollout.available() >= min(before, bounds.least_available)
    rollout.settle()
    assert rollout.sets[-1]["spec"]["replicas"] == replicas
    assert rollout.total() == replicas
