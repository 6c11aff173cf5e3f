"""Sets of completion indexes as ordered intervals, as `1,3-5,7` says them. Pure.

Intervals and not sets of numbers: a Job may have two thousand million completions.
Source: k8s.io/kubernetes/pkg/controller/job/indexed_job_utils.go.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from paas.core.numbers import parse_whole


@dataclass(frozen=True, slots=True)
class Indexes:
    """Intervals, first and last included, in order and apart."""

    intervals: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.intervals)

    def __contains__(self, index: int) -> bool:
        place = bisect_right(self.intervals, (index, index)) - 1
        near = self.intervals[max(place, 0) : place + 2]
        return any(first <= index <= last for first, last in near)

    def __str__(self) -> str:
        return ",".join(_shown(first, last) for first, last in self.intervals)

    def with_all(self, indexes: Iterable[int]) -> "Indexes":
        """Return these and those."""
        return self.merged(Indexes(tuple((index, index) for index in sorted(set(indexes)))))

    def merged(self, other: "Indexes") -> "Indexes":
        """Return what is in either."""
        found: list[tuple[int, int]] = []
        for first, last in sorted((*self.intervals, *other.intervals)):
            if found and first <= found[-1][1] + 1:
                found[-1] = (found[-1][0], max(last, found[-1][1]))
            else:
                found.append((first, last))
        return Indexes(tuple(found))

    def common(self, other: "Indexes") -> int:
        """Return how many are in both."""
        return len(self) + len(other) - len(self.merged(other))

    def missing(self, limit: int) -> Iterator[int]:
        """Yield the indexes below `limit` that are not here, in order."""
        here = 0
        for first, last in self.intervals:
            yield from range(here, min(first, limit))
            here = max(here, last + 1)
        yield from range(here, limit)


def parse_indexes(text: str, limit: int) -> Indexes:
    """Return the indexes below `limit` that a status or a policy names; what is broken is left."""
    found: list[tuple[int, int]] = []
    for piece in text.split(",") if text else ():
        first_text, dash, last_text = piece.partition("-")
        first, last = parse_whole(first_text), parse_whole(last_text if dash else first_text)
        if first is not None and last is not None and first <= last and first < limit:
            found.append((first, min(last, limit - 1)))
    return Indexes().merged(Indexes(tuple(found)))


def _shown(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first}{',' if last == first + 1 else '-'}{last}"
