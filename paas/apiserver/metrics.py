"""Counts and durations of requests, in Prometheus' text format; upstream's metric names.

Each process has its own: the label `process` keeps their series apart, `sum` puts them together.
"""

import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from typing import ClassVar

_BUCKETS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """Requests by verb, resource and code. Used on the event loop only."""

    CONTENT_TYPE: ClassVar[bytes] = b"text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = {}
        self._sums_s: dict[str, float] = defaultdict(float)
        self._process = str(os.getpid())
        self.watches = 0

    def observe(self, verb: str, resource: str, code: int, duration_s: float) -> None:
        """Count one finished request. Both names come from the scheme, so they are few."""
        self._counts[verb, resource, code] += 1
        if verb in {"WATCH", "CONNECT"}:  # they last as long as their clients like
            return
        buckets = self._buckets.get(verb)
        if buckets is None:
            buckets = self._buckets[verb] = [0] * (len(_BUCKETS_S) + 1)
        buckets[bisect_left(_BUCKETS_S, duration_s)] += 1
        self._sums_s[verb] += duration_s

    def text(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return "".join(f"{line}\n" for line in self._lines()).encode()

    def _lines(self) -> Iterator[str]:
        own = f'process="{self._process}"'
        yield "# HELP apiserver_request_total Requests by verb, resource and HTTP code."
        yield "# TYPE apiserver_request_total counter"
        for (verb, resource, code), count in sorted(self._counts.items()):
            labels = f'verb="{verb}",resource="{resource}",code="{code}",{own}'
            yield f"apiserver_request_total{{{labels}}} {count}"
        yield "# HELP apiserver_longrunning_requests Open watches."
        yield "# TYPE apiserver_longrunning_requests gauge"
        yield f'apiserver_longrunning_requests{{verb="WATCH",{own}}} {self.watches}'
        yield "# HELP apiserver_request_duration_seconds Time to answer, by verb."
        yield "# TYPE apiserver_request_duration_seconds histogram"
        for verb, buckets in sorted(self._buckets.items()):
            yield from self._histogram(f'verb="{verb}",{own}', buckets, self._sums_s[verb])

    def _histogram(self, labels: str, buckets: list[int], sum_s: float) -> Iterator[str]:
        name = "apiserver_request_duration_seconds"
        total = 0
        for bound, count in zip((*map(str, _BUCKETS_S), "+Inf"), buckets, strict=True):
            total += count
            yield f'{name}_bucket{{{labels},le="{bound}"}} {total}'
        yield f"{name}_sum{{{labels}}} {sum_s:.6f}"
        yield f"{name}_count{{{labels}}} {total}"
