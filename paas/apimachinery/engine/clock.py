"""The one place where the engine asks what time it is; everything else is told."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the moment, UTC-aware."""


def utc_now() -> datetime:
    """Return the moment it is."""
    return datetime.now(UTC)
