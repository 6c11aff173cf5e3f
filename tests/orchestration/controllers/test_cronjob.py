"""CronJobs start what is due, once, and keep as many ended Jobs as they are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paas.apimachinery.options import Patch
from paas.core.objects import annotations_of, is_deleting, name_of, timestamp
from paas.orchestration.controllers.cronjob.plan import (
    NeverDueError,
    due,
    is_too_late,
    job_name,
    job_of,
    next_start_s,
    schedule_of,
)
from tests.images.people import ADMIN, Members
from tests.orchestration.controllers.jobs import CRON_JOBS, World, job, job_world

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def cron_job(schedule="* * * * *", *, created=None, last=None, **spec):
    made: dict[str, Any] = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": "shop"},
        "spec": {
            "schedule": schedule,
            "jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": job()["spec"]},
            **spec,
        },
    }
    if created is not None:
        made["metadata"] |= {"creationTimestamp": timestamp(created), "uid": "u"}
    if last is not None:
        made["status"] = {"lastScheduleTime": timestamp(last)}
    return made


def before(**parts):
    return NOW - timedelta(**parts)


@pytest.mark.parametrize(
    ("given", "start", "missed"),
    [
        (cron_job(created=before(seconds=20)), None, 0),
        (cron_job(created=before(seconds=40)), before(seconds=30), 0),
        (cron_job(created=before(minutes=10)), before(seconds=30), 10),
        (cron_job(created=before(hours=9), last=before(seconds=30)), None, 0),
        (cron_job(created=before(hours=9)), before(seconds=30), 540),
        (cron_job("0 0 * * *", created=before(days=3)), before(hours=12, seconds=30), 3),
        (cron_job(created=before(hours=9), startingDeadlineSeconds=10), None, 0),
        (cron_job(created=before(hours=9), startingDeadlineSeconds=100), before(seconds=30), 2),
        (cron_job("@every 1h", created=before(hours=5)), NOW, 5),
    ],
)
def test_the_latest_start_that_is_due_is_made(given, start, missed):
    found = due(given, schedule_of(given), now=NOW)
    assert (found.start, found.missed) == (start, missed)


def test_a_day_that_never_comes_is_refused_not_looped_over():
    never = cron_job("0 0 31 2 *", created=before(days=9))
    with pytest.raises(NeverDueError):
        due(never, schedule_of(never), now=NOW)
    assert next_start_s(never, schedule_of(never), now=NOW) > 0


def test_it_is_looked_at_again_when_the_next_start_is_due():
    one = cron_job(created=before(hours=1), last=before(seconds=30))
    assert next_start_s(one, schedule_of(one), now=NOW) == pytest.approx(30.1)
    assert is_too_late({"spec": {"startingDeadlineSeconds": 29}}, before(seconds=30), now=NOW)
    assert not is_too_late({"spec": {}}, before(days=30), now=NOW)


def test_the_job_of_a_start_has_one_name_and_knows_its_time():
    one = cron_job(created=before(hours=1), timeZone="America/New_York")
    start = before(seconds=30)
    made = job_of(one, start)
    assert name_of(made) == job_name(one, start) == f"tick-{int(start.timestamp()) // 60}"
    moment = annotations_of(made)["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    assert moment == "2026-01-01T07:00:00-05:00"
    assert made["metadata"]["labels"] == {"a": "b"}


@pytest.fixture
def world(platform_door):
    Members(platform_door).project("shop")
    with job_world(platform_door) as one:
        yield one


def daily(**spec):
    """Return one that nothing but a jump of the clock makes due: its hour is half a day away."""
    far = datetime.now(UTC) + timedelta(hours=12)
    return cron_job(f"{far.minute} {far.hour} * * *", **spec)


def next_day(world: World):
    """Let a start become due, and the controller look."""
    world.clock.ahead += timedelta(days=1)
    touch(world, {"metadata": {"annotations": {"at": str(world.clock.ahead)}}})


def touch(world: World, body):
    world.door.patch(ADMIN, CRON_JOBS, "tick", "shop", patch=Patch("merge", body))


def status(world: World):
    return world.door.get(ADMIN, CRON_JOBS, "tick", "shop").get("status") or {}


def jobs(world: World):
    return [one for one in world.jobs.list("shop") if not is_deleting(one)]


def test_each_start_makes_one_job_and_its_end_is_noted(world):
    world.door.create(ADMIN, daily())
    next_day(world)
    world.until(lambda: len(jobs(world)) == 1 and len(status(world).get("active", ())) == 1)
    (first,) = jobs(world)
    assert status(world)["active"][0]["name"] == name_of(first)
    world.run(lambda _pod: 0)
    world.until(lambda: status(world).get("lastSuccessfulTime"))
    world.until(lambda: "active" not in status(world))
    world.until(lambda: f"Created job {name_of(first)}" in world.words("SuccessfulCreate"))
    said = f"Saw completed job: {name_of(first)}, condition: Complete"
    world.until(lambda: said in world.words("SawCompletedJob"))


def test_old_jobs_go_as_the_limits_say(world):
    world.run(lambda _pod: 0)
    world.door.create(ADMIN, daily(successfulJobsHistoryLimit=1))
    for number in range(1, 4):
        next_day(world)
        world.until(lambda count=number: len(world.words("SawCompletedJob")) == count)
    world.until(lambda: len(world.jobs.list("shop")) == 1)
    world.until(lambda: len(world.pods.list("shop")) == 1)


@pytest.mark.parametrize(
    ("policy", "running", "reason"),
    [("Allow", 2, ""), ("Forbid", 1, "JobAlreadyActive"), ("Replace", 1, "SuccessfulDelete")],
)
def test_a_start_while_one_runs_is_made_by_the_policy(world, policy, running, reason):
    world.door.create(ADMIN, daily(concurrencyPolicy=policy))
    next_day(world)
    world.until(lambda: len(jobs(world)) == 1)
    (first,) = jobs(world)
    next_day(world)
    if policy == "Replace":
        world.until(lambda: [name_of(one) for one in jobs(world)] not in ([], [name_of(first)]))
    if reason:
        world.until(lambda: world.words(reason))
    world.until(lambda: len(jobs(world)) == running)
    world.until(lambda: len(status(world).get("active", ())) == running)


def test_a_suspended_one_starts_nothing(world):
    world.door.create(ADMIN, daily(suspend=True))
    next_day(world)
    touch(world, {"spec": {"suspend": False}})
    world.until(lambda: len(jobs(world)) == 1 and len(status(world).get("active", ())) == 1)
    touch(world, {"spec": {"suspend": True}})
    world.rest()
    next_day(world)
    world.rest()
    assert len(jobs(world)) == 1


def test_a_job_that_went_missing_is_forgotten(world):
    world.door.create(ADMIN, daily())
    ghost = {"kind": "Job", "name": "gone", "namespace": "shop", "uid": "x"}
    stored = world.door.get(ADMIN, CRON_JOBS, "tick", "shop")
    world.door.update(ADMIN, {**stored, "status": {"active": [ghost]}}, subresource="status")
    world.until(lambda: world.words("MissingJob"))
    world.until(lambda: "active" not in status(world))
