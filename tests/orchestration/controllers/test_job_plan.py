"""The pure half of Jobs: indexes, back-off, and what a death at any write leaves to be done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.objects import timestamp
from paas.orchestration.controllers.job.backoff import Failures, finished_at
from paas.orchestration.controllers.job.indexes import Indexes, parse_indexes

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NUMBERS = st.sets(st.integers(0, 60))


@given(NUMBERS, NUMBERS)
def test_indexes_are_a_set_that_is_written_short(one, other):
    first, second = Indexes().with_all(one), Indexes().with_all(other)
    both = first.merged(second)
    assert {index for index in range(61) if index in both} == one | other
    assert len(both) == len(one | other)
    assert first.common(second) == len(one & other)
    assert set(first.missing(61)) == set(range(61)) - one
    assert parse_indexes(str(both), 61) == both


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((), ""), ((1,), "1"), ((1, 2), "1,2"), ((1, 2, 3, 5), "1-3,5"), ((0, 9), "0,9")],
)
def test_they_are_spelled_as_upstream_spells_them(numbers, text):
    assert str(Indexes().with_all(numbers)) == text


@pytest.mark.parametrize("text", ["²", "3-1", "x", "1-2-3", "-", "9"])
def test_what_names_no_index_is_left_out(text):
    assert str(parse_indexes(f"{text},4", 9)) == "4"


def test_two_thousand_million_indexes_cost_nothing():
    many = parse_indexes("0-1999999999", 2**31 - 1)
    assert len(many) == 2_000_000_000
    assert next(iter(many.missing(2**31 - 1))) == 2_000_000_000


def ended(seconds, *, reason="containers"):
    moment = timestamp(NOW + timedelta(seconds=seconds))
    pod: dict[str, Any] = {
        "metadata": {"creationTimestamp": timestamp(NOW)},
        "spec": {},
        "status": {},
    }
    if reason == "containers":
        state = {"terminated": {"exitCode": 1, "finishedAt": moment}}
        pod["status"] = {"containerStatuses": [{"name": "work", "state": state}]}
    if reason == "ready":
        ready = {"type": "Ready", "status": "False", "lastTransitionTime": moment}
        pod["status"] = {"conditions": [ready]}
    if reason == "deletion":
        late = timestamp(NOW + timedelta(seconds=seconds + 30))
        pod["metadata"] |= {"deletionTimestamp": late, "deletionGracePeriodSeconds": 30}
    return pod


@pytest.mark.parametrize("reason", ["containers", "ready", "deletion"])
def test_when_a_pod_ended_is_known_by_the_best_witness(reason):
    assert finished_at(ended(7, reason=reason)) == NOW + timedelta(seconds=7)


def test_the_wait_doubles_up_to_ten_minutes_and_a_success_ends_it():
    failures = Failures()
    waits = []
    for number in range(9):
        failures = failures.after([], [ended(number)])
        waits.append(failures.left_s(NOW + timedelta(seconds=number)))
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert failures.left_s(NOW + timedelta(seconds=8 + 601)) == 0
    assert failures.after([ended(20)], []) == Failures()
    assert failures.after([ended(20)], [ended(19), ended(21)]).count == 1
