"""/livez, /readyz, /healthz: is this process alive, and can it serve?

Source: k8s.io/apiserver/pkg/server/healthz.
"""

from collections.abc import Callable, Mapping

import structlog

from paas.apiserver.parameters import Query
from paas.apiserver.responses import Response, text
from paas.core.errors import NotFoundError

log = structlog.get_logger(__name__)

Check = Callable[[], object]
"""Returns if all is well, raises otherwise; may block for a moment."""

PATHS = ("/livez", "/readyz", "/healthz")


def ping() -> None:
    """Succeed: a process that answers at all is alive."""


def health(name: str, checks: Mapping[str, Check], one: str, query: Query) -> Response:
    """Answer a health path, or one of its checks. Raises NotFoundError for an unknown check."""
    if one:
        if one not in checks:
            raise NotFoundError("the server could not find the requested resource")
        return text("ok") if _passes(one, checks[one]) else text(f"{one} check failed\n", 500)
    left_out = set(query.all("exclude"))
    lines, failed = _run(checks, left_out)
    if unknown := sorted(left_out - set(checks)):
        quoted = ",".join(f'"{name}"' for name in unknown)
        lines.append("warn: some health checks cannot be excluded: no matches for " + quoted)
    if failed:
        return text("\n".join([*lines, f"{name} check failed", ""]), 500)
    if "verbose" not in query:
        return text("ok")
    return text("\n".join([*lines, f"{name} check passed", ""]))


def _run(checks: Mapping[str, Check], left_out: set[str]) -> tuple[list[str], bool]:
    lines, failed = [], False
    for name, check in checks.items():
        if name in left_out:
            lines.append(f"[+]{name} excluded: ok")
        elif _passes(name, check):
            lines.append(f"[+]{name} ok")
        else:
            failed = True
            lines.append(f"[-]{name} failed: reason withheld")
    return lines, failed


def _passes(name: str, check: Check) -> bool:
    try:
        check()
    except Exception as error:  # noqa: BLE001 -- whatever a check raises means "not healthy"
        log.warning("health_check_failed", check=name, error=str(error))
        return False
    return True
