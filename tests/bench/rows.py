"""One measured figure, its budget of DESIGN.md §7, and how figures are put together."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of a figure or of its ratio to the bare tool's; all that are given must hold."""

    figure_max: float | None = None
    figure_min: float | None = None
    ratio_max: float | None = None
    ratio_min: float | None = None

    def text(self, unit: str) -> str:
        """Return the bounds in words; a dash where there is none."""
        parts = [
            (self.ratio_min, "≥ {:g} x"),
            (self.ratio_max, "≤ {:g} x"),
            (self.figure_min, f"≥ {{:g}} {unit}"),
            (self.figure_max, f"≤ {{:g}} {unit}"),
        ]
        given = [form.format(bound).strip() for bound, form in parts if bound is not None]
        return ", ".join(given) or "-"

    def met(self, figure: float, ratio: float | None) -> bool | None:
        """Say whether the bounds hold; None where nothing is bounded."""
        checks = [
            _below(self.figure_min, figure),
            _below(figure, self.figure_max),
            _below(self.ratio_min, ratio),
            _below(ratio, self.ratio_max),
        ]
        given = [one for one in checks if one is not None]
        return all(given) if given else None


def _below(low: float | None, high: float | None) -> bool | None:
    return None if low is None or high is None else low <= high


NO_BUDGET = Budget()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `spread` is lowest to highest of the rounds, `figure` their median."""

    what: str
    figure: float | None
    unit: str
    against: float | None = None
    budget: Budget = field(default=NO_BUDGET)
    spread: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return figure ÷ the bare tool's figure of the same run."""
        if self.figure is None or not self.against:
            return None
        return self.figure / self.against

    @property
    def verdict(self) -> str:
        """Return met, missed, measured (no budget) or not measured."""
        if self.figure is None:
            return "not measured"
        met = self.budget.met(self.figure, self.ratio)
        return "measured" if met is None else "met" if met else "MISSED"


def not_measured(what: str, why: str) -> Row:
    """Return the row of what could not be measured."""
    return Row(what, None, "", note=f"not measured: {why}")


def row_of(
    what: str,
    values: Sequence[float],
    unit: str,
    *,
    against: Sequence[float] = (),
    budget: Budget = NO_BUDGET,
    note: str = "",
) -> Row:
    """Return the row of several rounds: the median of ours over the median of the bare tool's."""
    bare = statistics.median(against) if against else None
    return Row(what, statistics.median(values), unit, bare, budget, spread_of(values), note)


def spread_of(values: Sequence[float]) -> str:
    """Return lowest to highest; empty for one value."""
    return f"{number(min(values))} to {number(max(values))}" if len(values) > 1 else ""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of them lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def number(value: float) -> str:
    """Return a figure with as many digits as it is worth: 9,412, 31.7, 0.85."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
