"""When a cron schedule is next due: upstream's standard parser, with its words for what is wrong.

Five fields (minute, hour, day of month, month, day of week), `@daily` and its like, `@every 90s`.
A day matches either day field where both are restricted. Times are looked for in the time zone: an
hour that a change of the clocks leaves out is not due, and one that comes twice is due twice.
Source: github.com/robfig/cron v3, ParseStandard and SpecSchedule.Next.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from paas.core.errors import PaasError

YEARS_AHEAD = 5
_MINUTE = timedelta(minutes=1)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)")
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class ScheduleError(PaasError):
    """A schedule cannot be read; the message is upstream's."""

    reason = "Invalid"


class Schedule(Protocol):
    """Tells moments from a point in time on."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first moment after this one, in UTC; None where there is none for years."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: Mapping[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("dom", 1, 31, {}),
    _Field("month", 1, 12, {name: place + 1 for place, name in enumerate(_MONTHS)}),
    _Field("dow", 0, 6, {name: place for place, name in enumerate(_DAYS)}),
)


@dataclass(frozen=True, slots=True)
class Every:
    """`@every`: so long after the last one, in whole seconds."""

    delay: timedelta

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the moment plus the delay."""
        return (moment + self.delay).astimezone(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Spec:
    """Five sets of numbers in a time zone. `any_day` is true where a day field is unrestricted."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    zone: tzinfo

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first whole minute after the moment that every field allows."""
        here = moment.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
        last_year = here.astimezone(self.zone).year + YEARS_AHEAD
        while (local := here.astimezone(self.zone)).year <= last_year:
            if local.month not in self.months:
                here = self._start_of_day(local, days=_days_left(local))
            elif not self._is_day(local):
                here = self._start_of_day(local, days=1)
            elif local.hour not in self.hours:
                here += timedelta(minutes=60 - local.minute)
            elif local.minute not in self.minutes:
                here += _MINUTE
            else:
                return here
        return None

    def _is_day(self, local: datetime) -> bool:
        day = local.day in self.days
        weekday = local.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.any_day else (day or weekday)

    def _start_of_day(self, local: datetime, *, days: int) -> datetime:
        """Return the local midnight so many days on, or what comes for it."""
        midnight = local.replace(hour=0, minute=0, fold=0, tzinfo=None) + timedelta(days=days)
        return midnight.replace(tzinfo=self.zone).astimezone(UTC)


def _days_left(local: datetime) -> int:
    """Return in how many days the next month begins."""
    first = (local.replace(day=1, tzinfo=None) + timedelta(days=32)).replace(day=1)
    return (first.date() - local.date()).days


def parse_schedule(text: str, zone: tzinfo = UTC) -> Schedule:
    """Return the schedule of a text. Raises ScheduleError."""
    if not text:
        raise ScheduleError("empty spec string")
    if text.startswith(_EVERY):
        return Every(_duration(text.removeprefix(_EVERY), text))
    if text.startswith("@") and text not in _DESCRIPTORS:
        raise ScheduleError(f"unrecognized descriptor: {text}")
    words = _DESCRIPTORS.get(text, text).split()
    if len(words) != len(_FIELDS):
        found = f"expected exactly {len(_FIELDS)} fields, found {len(words)}: [{' '.join(words)}]"
        raise ScheduleError(found)
    minutes, hours, days, months, weekdays = (
        _numbers(word, field) for word, field in zip(words, _FIELDS, strict=True)
    )
    any_day = _is_star(words[2]) or _is_star(words[4])
    return Spec(minutes, hours, days, months, weekdays, any_day, zone)


def _is_star(word: str) -> bool:
    """Say whether a part of the field is a star; a star with a step counts as one, as upstream."""
    return any(part.split("/")[0] in {"*", "?"} for part in word.split(","))


def _numbers(word: str, field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        if part:
            found |= _range(part, field)
    return frozenset(found)


def _range(part: str, field: _Field) -> set[int]:
    span, _, step_text = part.partition("/")
    if "/" in step_text:
        raise ScheduleError(f"too many slashes: {part}")
    first, dash, last = span.partition("-")
    if "-" in last:
        raise ScheduleError(f"too many hyphens: {part}")
    if first in {"*", "?"}:
        low, high = field.low, field.high
    else:
        low = _number(first, field)
        high = _number(last, field) if dash else low
    step = 1
    if "/" in part:
        step = _number(step_text, _Field("step", 0, 0, {}))
        if first not in {"*", "?"} and not dash:
            high = field.high  # "5/15" is "5-59/15"
    _check_range(part, field, low, high, step)
    return set(range(low, high + 1, step))


def _check_range(part: str, field: _Field, low: int, high: int, step: int) -> None:
    if low < field.low:
        raise ScheduleError(f"beginning of range ({low}) below minimum ({field.low}): {part}")
    if high > field.high:
        raise ScheduleError(f"end of range ({high}) above maximum ({field.high}): {part}")
    if low > high:
        raise ScheduleError(f"beginning of range ({low}) beyond end of range ({high}): {part}")
    if step == 0:
        raise ScheduleError(f"step of range should be a positive number: {part}")


def _number(word: str, field: _Field) -> int:
    if word.lower() in field.names:
        return field.names[word.lower()]
    if word.isascii() and word.isdigit():
        return int(word[:9])  # nine digits are above every maximum
    if word.startswith("-") and word[1:].isdigit():
        raise ScheduleError(f"negative number ({word}) not allowed: {word}")
    why = f'strconv.Atoi: parsing "{word}": invalid syntax'
    raise ScheduleError(f"failed to parse int from {word}: {why}")


def _duration(word: str, text: str) -> timedelta:
    pieces = _DURATION.findall(word)
    if not pieces or "".join(pieces) != word:
        raise ScheduleError(f'failed to parse duration {text}: time: invalid duration "{word}"')
    seconds = 0.0
    for piece in pieces:
        unit = piece.lstrip("0123456789.")
        seconds += float(piece.removesuffix(unit)) * _UNITS_S[unit]
    try:
        return timedelta(seconds=max(1, int(seconds)))
    except OverflowError as error:
        raise ScheduleError(
            f'failed to parse duration {text}: time: invalid duration "{word}"'
        ) from error
