"""How our own processes write their logs: one line an event, never a variable of a traceback."""

import sys
from typing import TextIO, cast

import structlog


class _StandardError:
    """Standard error as it is now: what captures it for a while is not held on to."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


INFO, WARNING = 20, 30


def configure(level: int = INFO) -> None:
    """Set structlog up: standard output belongs to what a command prints."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _StandardError())),
    )
