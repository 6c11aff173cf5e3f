"""How fast a recommendation is followed: bounds, rates, and waiting out what falls. Pure.

Source: k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go (normalizeDesiredReplicas…).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from paas.core.shape import Json, maps, number, submap
from paas.orchestration.kinds.autoscaling_rules import PERIOD_MAX_S, STABILIZATION_MAX_S

_FACTOR, _LEAST = 2, 4


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What was recommended once, before any bound."""

    at: datetime
    replicas: int


@dataclass(frozen=True, slots=True)
class Change:
    """By how many pods an autoscaler once changed its target; positive."""

    at: datetime
    pods: int


@dataclass(frozen=True, slots=True)
class History:
    """What the controller remembers of one autoscaler; lost when it ends, as upstream's."""

    recommendations: tuple[Recommendation, ...] = ()
    ups: tuple[Change, ...] = ()
    downs: tuple[Change, ...] = ()

    def recommended(self, replicas: int, *, window_s: int, now: datetime) -> "History":
        """Add a recommendation and forget those that no window reaches any more."""
        cutoff = now - timedelta(seconds=max(window_s, 0))
        kept = tuple(one for one in self.recommendations if one.at >= cutoff)
        return replace(self, recommendations=(*kept, Recommendation(now, replicas)))

    def changed(self, before: int, after: int, *, now: datetime) -> "History":
        """Add what was done, and forget what no policy reaches any more."""
        cutoff = now - timedelta(seconds=PERIOD_MAX_S)
        ups = tuple(one for one in self.ups if one.at >= cutoff)
        downs = tuple(one for one in self.downs if one.at >= cutoff)
        if after > before:
            return replace(self, ups=(*ups, Change(now, after - before)), downs=downs)
        return replace(self, ups=ups, downs=(*downs, Change(now, before - after)))


@dataclass(frozen=True, slots=True)
class Wish:
    """What is recommended for a target of `current` pods, and the bounds."""

    current: int
    desired: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Word:
    """A condition's reason and message."""

    reason: str
    message: str


READY = Word("ReadyForNewScale", "recommended size matches current size")
_UP_STABILIZED = Word(
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
_DOWN_STABILIZED = Word(
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent "
    "recommendation",
)
_WITHIN = Word("DesiredWithinRange", "the desired count is within the acceptable range")
_TOO_MANY = Word(
    "TooManyReplicas", "the desired replica count is more than the maximum replica count"
)
_TOO_FEW = Word(
    "TooFewReplicas", "the desired replica count is less than the minimum replica count"
)
_UP_LIMIT = Word(
    "ScaleUpLimit",
    "the desired replica count is increasing faster than the maximum scale rate",
)
_DOWN_LIMIT = Word(
    "ScaleDownLimit",
    "the desired replica count is decreasing faster than the maximum scale rate",
)


@dataclass(frozen=True, slots=True)
class Paced:
    """How many pods there are to be now; `is_limited` says that this is not what was wished."""

    replicas: int
    able: Word
    limit: Word
    is_limited: bool
    history: History


def paced(
    wish: Wish, behavior: Json | None, history: History, *, window_s: int, now: datetime
) -> Paced:
    """Return how far the wish is followed now.

    `window_s` is how long falling recommendations are waited out where the behavior says nothing.
    """
    if behavior is None:
        stable = _highest(wish, history, window_s, now)
        able = READY if stable == wish.desired else _DOWN_STABILIZED
        replicas, limit = _within_rules(replace(wish, desired=stable))
        kept = history.recommended(wish.desired, window_s=window_s, now=now)
    else:
        up, down = submap(behavior, "scaleUp"), submap(behavior, "scaleDown")
        stable = _between(wish, history, _window(up, 0), _window(down, window_s), now)
        falls = wish.desired < wish.current
        able = _DOWN_STABILIZED if falls else _UP_STABILIZED
        able = READY if stable == wish.desired else able
        replicas, limit = _within_behavior(replace(wish, desired=stable), up, down, history, now)
        kept = history.recommended(wish.desired, window_s=STABILIZATION_MAX_S, now=now)
    return Paced(replicas, able, limit, replicas != stable, kept)


def _window(rules: Json, otherwise: int) -> int:
    found = number(rules, "stabilizationWindowSeconds")
    return otherwise if found is None else found


def _highest(wish: Wish, history: History, window_s: int, now: datetime) -> int:
    """Return the highest recommendation of late."""
    cutoff = now - timedelta(seconds=window_s)
    recent = [one.replicas for one in history.recommendations if one.at >= cutoff]
    return max([wish.desired, *recent])


def _between(wish: Wish, history: History, up_s: int, down_s: int, now: datetime) -> int:
    """Return what lies nearest to the current number between the lowest and the highest of late."""
    up_cutoff, down_cutoff = now - timedelta(seconds=up_s), now - timedelta(seconds=down_s)
    known = history.recommendations
    lowest = min([wish.desired, *(one.replicas for one in known if one.at > up_cutoff)])
    highest = max([wish.desired, *(one.replicas for one in known if one.at > down_cutoff)])
    return min(max(wish.current, lowest), highest)


def _within_rules(wish: Wish) -> tuple[int, Word]:
    limit = max(_FACTOR * wish.current, _LEAST)
    most, why = (limit, _UP_LIMIT) if wish.most > limit else (wish.most, _TOO_MANY)
    if wish.desired < wish.least:
        return wish.least, _TOO_FEW
    return (most, why) if wish.desired > most else (wish.desired, _WITHIN)


def _within_behavior(
    wish: Wish, up: Json, down: Json, history: History, now: datetime
) -> tuple[int, Word]:
    rate = _Rate(wish.current, history, now)
    if wish.desired > wish.current:
        limit = max(rate.up_limit(up), wish.current)
        most, why = (limit, _UP_LIMIT) if wish.most > limit else (wish.most, _TOO_MANY)
        return (most, why) if wish.desired > most else (wish.desired, _WITHIN)
    if wish.desired < wish.current:
        limit = min(rate.down_limit(down), wish.current)
        least, why = (limit, _DOWN_LIMIT) if wish.least < limit else (wish.least, _TOO_FEW)
        return (least, why) if wish.desired < least else (wish.desired, _WITHIN)
    return wish.desired, _WITHIN


@dataclass(frozen=True, slots=True)
class _Rate:
    """What the policies of a direction allow, each from the number its period began with."""

    current: int
    history: History
    now: datetime

    def up_limit(self, rules: Json) -> int:
        """Return how many pods there may be at most."""

        def grown(start: int, policy: Json) -> int:
            if policy["type"] == "Pods":
                return start + int(policy["value"])
            return math.ceil(start * (1 + int(policy["value"]) / 100))

        return self._limit(rules, grown, min if rules.get("selectPolicy") == "Min" else max)

    def down_limit(self, rules: Json) -> int:
        """Return how many pods there must be at least."""

        def shrunk(start: int, policy: Json) -> int:
            if policy["type"] == "Pods":
                return start - int(policy["value"])
            return int(start * (1 - int(policy["value"]) / 100))

        return self._limit(rules, shrunk, max if rules.get("selectPolicy") == "Min" else min)

    def _limit(
        self,
        rules: Json,
        proposed: Callable[[int, Json], int],
        choose: Callable[[Iterable[int]], int],
    ) -> int:
        if rules.get("selectPolicy") == "Disabled":
            return self.current
        return choose([proposed(self._start(one), one) for one in maps(rules, "policies")])

    def _start(self, policy: Json) -> int:
        cutoff = self.now - timedelta(seconds=policy["periodSeconds"])
        added = sum(one.pods for one in self.history.ups if one.at > cutoff)
        taken = sum(one.pods for one in self.history.downs if one.at > cutoff)
        return self.current - added + taken
