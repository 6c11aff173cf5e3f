"""How long something took or lasts, as Kubernetes' clients write it. Pure."""

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400
_STEPS: tuple[tuple[int, int, str, int, str], ...] = (
    # below this many seconds: whole units, and the rest in the smaller unit where there is one
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (48 * _HOUR, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)


def human_duration(seconds: float) -> str:
    """Return `5m3s`, `7d`, `2y10d`. Source: k8s.io/apimachinery/pkg/util/duration."""
    whole = max(int(seconds), 0)
    if seconds <= -2:  # noqa: PLR2004 -- upstream forgives clocks that differ by two seconds
        return "<invalid>"
    for below, large, unit, small, small_unit in _STEPS:
        if whole < below:
            rest = whole % large // small if small else 0
            return (
                f"{whole // large}{unit}{rest}{small_unit}" if rest else f"{whole // large}{unit}"
            )
    return f"{whole // _YEAR}y"


def go_duration(seconds: float) -> str:
    """Return `15.012s`, `1m0s`, `2h0m0.5s`, to the millisecond. Source: Go's time.Duration."""
    total_ms = round(seconds * 1000)
    if abs(total_ms) < 1000:  # noqa: PLR2004 -- a second
        return f"{total_ms}ms" if total_ms else "0s"
    sign, total_ms = ("-" if total_ms < 0 else ""), abs(total_ms)
    minutes, rest_ms = divmod(total_ms, _MINUTE * 1000)
    hours, minutes = divmod(minutes, 60)
    last = f"{rest_ms / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{last}"
    return f"{sign}{minutes}m{last}" if minutes else f"{sign}{last}"
