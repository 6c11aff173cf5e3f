"""When a schedule is due: what upstream's parser makes of the same."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from paas.core.cron import ScheduleError, parse_schedule

NEW_YORK = ZoneInfo("America/New_York")


def at(text, zone=UTC):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("* * * * *", "2026-07-09 14:45:10", "2026-07-09 14:46"),
        ("0/15 * * * *", "2026-07-09 14:45", "2026-07-09 15:00"),
        ("0/15 * * * *", "2026-07-09 14:44:59", "2026-07-09 14:45"),
        ("20-35/15 * * * *", "2026-07-09 14:45", "2026-07-09 15:20"),
        ("20-35/15 */2 * * *", "2026-07-09 23:45", "2026-07-10 00:20"),
        ("0 0 9 Apr-Oct *", "2026-07-09 23:35", "2026-08-09 00:00"),
        ("0 0 */5 Apr,Aug,Oct Mon", "2026-07-09 23:35", "2026-08-31 00:00"),
        ("0 0 */5 Oct Mon", "2026-07-09 23:35", "2026-10-26 00:00"),
        ("0 0 * Feb Mon", "2026-07-09 23:35", "2027-02-01 00:00"),
        ("0 0 1,15 * Sun", "2026-07-09 23:35", "2026-07-12 00:00"),
        ("0 0 29 2 ?", "2026-07-09 23:35", "2028-02-29 00:00"),
        ("@weekly", "2026-07-09 23:35", "2026-07-12 00:00"),
        ("@yearly", "2026-07-09 23:35", "2027-01-01 00:00"),
        ("@every 90s", "2026-07-09 14:45:00.6", "2026-07-09 14:46:30"),
        ("59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59"),
    ],
)
def test_the_next_moment_is_the_first_that_every_field_allows(schedule, after, due):
    assert parse_schedule(schedule).next_after(at(after)) == at(due)


def test_a_day_that_never_comes_is_never_due():
    assert parse_schedule("0 0 31 2 *").next_after(at("2026-07-09 00:00")) is None


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        # the clocks go from 02:00 to 03:00
        ("0 2 * * *", "2026-03-08 00:00", "2026-03-09 02:00"),
        ("0 3 * * *", "2026-03-08 00:00", "2026-03-08 03:00"),
        # and from 02:00 back to 01:00
        ("0 1 * * *", "2026-11-01 00:00", "2026-11-01 01:00"),
        ("30 9 * * 1-5", "2026-11-06 09:30", "2026-11-09 09:30"),
    ],
)
def test_times_are_those_of_the_zone(schedule, after, due):
    found = parse_schedule(schedule, NEW_YORK).next_after(at(after, NEW_YORK))
    assert found == at(due, NEW_YORK).astimezone(UTC)


def test_an_hour_that_comes_twice_is_due_twice():
    schedule = parse_schedule("0 1 * * *", NEW_YORK)
    first = schedule.next_after(at("2026-11-01 00:00", NEW_YORK))
    assert first is not None
    assert schedule.next_after(first) == first + timedelta(hours=1)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("@soon", "unrecognized descriptor: @soon"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("0 0 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("0 0 * * 7", "end of range (7) above maximum (6): 7"),
        ("9-4 * * * *", "beginning of range (9) beyond end of range (4): 9-4"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("*/2/3 * * * *", "too many slashes: */2/3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("² * * * *", 'failed to parse int from ²: strconv.Atoi: parsing "²": invalid syntax'),
        ("@every soon", 'failed to parse duration @every soon: time: invalid duration "soon"'),
        ("@every 99999999999999999h", "invalid duration"),
    ],
)
def test_what_cannot_be_read_is_said_in_upstreams_words(schedule, words):
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(schedule)
    assert words in caught.value.message


def test_every_schedule_that_names_a_number_is_due_within_its_span():
    schedule = parse_schedule("7 13 * * *")
    moment = at("2026-01-01 00:00")
    for day in range(400):
        moment = schedule.next_after(moment)
        assert moment == at("2026-01-01 13:07") + timedelta(days=day)
