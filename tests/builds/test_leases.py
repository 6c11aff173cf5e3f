"""Leases on real PostgreSQL: one attends, others wait, the dead are followed."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from paas.apimachinery.database import Database
from paas.builds.leases import LEASE_S, SWEEP_S, Leases
from tests.builds.objects import build

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TAKEOVER_MAX_S = 15


@pytest.fixture
def leases(empty_database):
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("TRUNCATE minato_build_lease")
    database = Database(empty_database)
    yield Leases(database, running_max=2)
    database.close()


def elsewhere(number, namespace):
    one = build(number)
    one["metadata"]["namespace"] = namespace
    return one


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def test_only_one_of_two_gets_a_build(leases):
    assert leases.claim(build(), "a", now=NOW)
    assert not leases.claim(build(), "b", now=NOW)
    assert not leases.claim(build(), "a", now=NOW)  # delivered twice to the same worker


def test_a_lease_that_ran_out_is_taken_over_and_the_first_holder_learns_it(leases):
    assert leases.claim(build(), "a", now=NOW)
    assert leases.claim(build(), "b", now=later(LEASE_S + 1))
    assert not leases.renew(build()["metadata"]["uid"], "a", now=later(LEASE_S + 1))
    assert leases.renew(build()["metadata"]["uid"], "b", now=later(LEASE_S + 1))


def test_a_dead_worker_is_followed_in_time():
    assert LEASE_S + SWEEP_S <= TAKEOVER_MAX_S


def test_a_renewed_lease_stays(leases):
    leases.claim(build(), "a", now=NOW)
    assert leases.renew(build()["metadata"]["uid"], "a", now=later(5))
    assert not leases.claim(build(), "b", now=later(LEASE_S + 1))


def test_a_project_has_one_build_at_a_time_and_the_machine_a_few(leases):
    assert leases.claim(elsewhere(1, "one"), "a", now=NOW)
    assert not leases.claim(elsewhere(2, "one"), "a", now=NOW)
    assert leases.claim(elsewhere(3, "two"), "a", now=NOW)
    assert not leases.claim(elsewhere(4, "three"), "a", now=NOW)
    leases.release(elsewhere(1, "one")["metadata"]["uid"], "a")
    assert leases.claim(elsewhere(4, "three"), "a", now=NOW)


def test_who_leaves_is_followed_at_once(leases):
    leases.claim(build(), "a", now=NOW)
    leases.drop("a", now=NOW)
    assert leases.claim(build(), "b", now=NOW)


def test_the_lease_of_a_build_that_is_gone_goes_when_nobody_holds_it(leases):
    leases.claim(build(), "a", now=NOW)
    leases.forget(build()["metadata"]["uid"], now=NOW)
    assert len(leases.all()) == 1
    leases.forget(build()["metadata"]["uid"], now=later(LEASE_S + 1))
    assert leases.all() == []
