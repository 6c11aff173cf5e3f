"""How it is shown what an application uses, and by what it is scaled."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from paas.catalog.usage import Moment
from paas.core.conditions import condition_of
from paas.core.objects import ApiObject, dig, name_of
from paas.orchestration.kinds.autoscaling import least_pods, most_pods, targets_text
from webui.presenters.applications import State
from webui.presenters.projects import amount

WIDTH, HEIGHT = 100, 24
"""In the coordinates of `parts/charts.html`, which has a margin above and below."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Usage of late as a line; `points` are pairs `x,y` with y downwards."""

    label: str
    now: str
    most: str
    points: str


@dataclass(frozen=True, slots=True)
class AutoscalerRow:
    """An autoscaler as an application's page shows it."""

    name: str
    targets: str
    least: str
    most: int
    state: State
    scaled_at: str


def charts(moments: Sequence[Moment]) -> list[Chart]:
    """Return the lines of CPU and memory, the oldest to the left; none where nothing is known."""
    if not moments:
        return []
    return [
        _chart(_("CPU"), "cpu", [Decimal(one.cpu_nanocores).scaleb(-9) for one in moments]),
        _chart(_("Memory"), "memory", [Decimal(one.memory_bytes) for one in moments]),
    ]


def autoscaler_row(hpa: ApiObject) -> AutoscalerRow:
    """Return what is shown of an autoscaler."""
    return AutoscalerRow(
        name=name_of(hpa),
        targets=targets_text(hpa),
        least=least_pods(hpa),
        most=most_pods(hpa),
        state=_state(hpa),
        scaled_at=str(dig(hpa, "status", "lastScaleTime") or ""),
    )


def _state(hpa: ApiObject) -> State:
    """Return the first thing that keeps it from its work, or that it does it."""
    status = hpa.get("status") or {}
    for kind in ("AbleToScale", "ScalingActive"):
        condition = condition_of(status, kind)
        if condition is None:
            return State("busy", _("Waiting"))
        if condition["status"] != "True":
            return State("warn", str(condition["reason"]), str(condition.get("message", "")))
    return State("good", _("Active"))


def _chart(label: str, resource: str, values: Sequence[Decimal]) -> Chart:
    most = max(values)
    return Chart(
        label=label,
        now=amount(resource, str(values[-1])),
        most=amount(resource, str(most)),
        points=_points(values, most),
    )


def _points(values: Sequence[Decimal], most: Decimal) -> str:
    """Return a line that begins at zero and just fits; one value is a level line."""
    level = [*values, *values] if len(values) == 1 else values
    step = WIDTH / (len(level) - 1)
    heights = [HEIGHT * float(value / (most or 1)) for value in level]
    return " ".join(
        f"{step * position:.1f},{HEIGHT - height:.1f}" for position, height in enumerate(heights)
    )
