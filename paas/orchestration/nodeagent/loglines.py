"""Reads the k8s-file format (`time stream F|P text`) and prints it as asked. Pure.

Source: pkg/kubelet/kuberuntime/logs; core/v1 PodLogOptions.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from paas.core.errors import BadRequestError
from paas.core.objects import parse_timestamp

_FRACTION = re.compile(r"\.(\d+)")
_PARTS = 4


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How to print a log; None means no bound."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: datetime | None = None
    tail_lines: int | None = None
    limit_bytes: int | None = None


def log_options(options: dict[str, Any], *, now: datetime) -> LogOptions:
    """Return the options of a request. Raises BadRequestError."""
    try:
        since = parse_timestamp(options["sinceTime"]) if options.get("sinceTime") else None
        if options.get("sinceSeconds") is not None:
            since = now - timedelta(seconds=int(options["sinceSeconds"]))
        return LogOptions(
            follow=bool(options.get("follow")),
            previous=bool(options.get("previous")),
            timestamps=bool(options.get("timestamps")),
            since=since,
            tail_lines=_integer(options, "tailLines"),
            limit_bytes=_integer(options, "limitBytes"),
        )
    except (ValueError, TypeError) as error:
        raise BadRequestError(f"log options: {error}") from error


def _integer(options: dict[str, Any], name: str) -> int | None:
    return None if options.get(name) is None else int(options[name])


class LinePrinter:
    """Turns pieces of a log file into what the reader sees; keeps what is cut off for later."""

    def __init__(self, options: LogOptions) -> None:
        self._since = options.since
        self._timestamps = options.timestamps
        self._left = options.limit_bytes
        self._rest = b""
        self._inside = False

    @property
    def is_full(self) -> bool:
        """Say whether limitBytes is reached."""
        return self._left is not None and self._left <= 0

    def feed(self, data: bytes) -> bytes:
        """Return what the file's next bytes print."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        printed = b"".join([self._print(line) for line in lines])
        if self._left is not None:
            printed = printed[: max(self._left, 0)]
            self._left -= len(printed)
        return printed

    def _print(self, line: bytes) -> bytes:
        parts = line.split(b" ", _PARTS - 1)
        if len(parts) < _PARTS - 1:
            return b""  # no line of this format: torn by a crash
        if self._since is not None:
            if _moment(parts[0]) < self._since:
                return b""
            self._since = None  # the file is in order of time
        text = parts[_PARTS - 1] if len(parts) == _PARTS else b""
        full = parts[2] == b"F"
        head = b"" if self._inside or not self._timestamps else _zulu(parts[0]) + b" "
        self._inside = not full
        return head + text + (b"\n" if full else b"")


def _moment(text: bytes) -> datetime:
    """Return the time of a line, cut to microseconds."""
    plain = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text.decode(errors="replace"))
    try:
        return parse_timestamp(plain)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def _zulu(text: bytes) -> bytes:
    return text.removesuffix(b"+00:00") + b"Z" if text.endswith(b"+00:00") else text


def tail_offset(data: bytes, lines: int) -> tuple[int, int]:
    """Return (where the last `lines` lines begin in `data`, how many lines that is)."""
    if lines <= 0:
        return len(data), 0
    position, found = len(data), 0
    end = len(data) - 1 if data.endswith(b"\n") else len(data)
    while found < lines:
        cut = data.rfind(b"\n", 0, end)
        position, found, end = cut + 1, found + 1, cut
        if cut < 0:
            break
    return position, found if data else 0
