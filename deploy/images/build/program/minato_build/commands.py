"""The one runner of programs: argv lists only, output into the build log or into our hands."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TAIL_BYTES = 16 * 1024
READ_BYTES = 64 * 1024
PAUSES_S = (1.0, 2.0, 3.0, 5.0, 8.0)
_AWAY = re.compile(
    r"(error:|status:?|code|http|registry) 50[234]\b|connection (refused|reset)|broken pipe"
    r"|couldn't connect to server|unexpected EOF|early EOF"
    r"|hung up unexpectedly|empty reply|transfer closed",
    re.IGNORECASE,
)
_UNREACHED = re.compile(
    r"no such host|could not resolve host|no route to host|network is unreachable|timed? ?out"
    r"|unexpected HTTP status: 500",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Done:
    """What a program said. `output` is cut to its last 16 KiB where it went to the log."""

    code: int
    output: str

    @property
    def is_away(self) -> bool:
        """Say whether it failed because the server did not answer, or not as one that works."""
        said = self.output
        return self.code != 0 and bool(_AWAY.search(said) or _UNREACHED.search(said))


def quiet(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, where: Path | None = None
) -> Done:
    """Run and keep what it says, both streams together."""
    done = subprocess.run(
        argv,
        env=_environment(env),
        cwd=where,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        restore_signals=False,  # SIGXFSZ stays ignored, so that git has words for a full file
    )
    return Done(done.returncode, done.stdout.decode(errors="replace").strip())


def patient(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    where: Path | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Done:
    """Run as `quiet` does, and again while the server is away: it may be starting anew."""
    for seconds in PAUSES_S:
        done = quiet(argv, env=env, where=where)
        if not (done.code and _AWAY.search(done.output)):
            return done
        pause(seconds)
    return quiet(argv, env=env, where=where)


def logged(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, shown: "Filter | None" = None
) -> Done:
    """Run with both its streams in the build log as they come, through a filter if there is one."""
    show = shown or _everything
    tail = b""
    with subprocess.Popen(
        argv,
        env=_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    ) as child:
        while data := child.stdout.read(READ_BYTES) if child.stdout else b"":
            sys.stdout.buffer.write(show(data))
            sys.stdout.buffer.flush()
            tail = (tail + data)[-TAIL_BYTES:]
    return Done(child.returncode, tail.decode(errors="replace").strip())


Filter = Callable[[bytes], bytes]


def _everything(data: bytes) -> bytes:
    return data


class RunOutput:
    """Lets pass what RUN prints, and errors; the rest of buildah's words is no news to anybody."""

    _STEP = b"STEP "
    _NOISE = re.compile(
        rb'subprocess exited with status \d+$|Error: building at STEP "RUN |'
        rb'time="[^"]*" level=error msg="exit status \d+"$'
    )
    _NOISY = (b"STEP ", b"subprocess exited ", b"Error: building ", b"time=")

    def __init__(self) -> None:
        self._line = b""
        self._running = False
        self._shown = False

    def __call__(self, data: bytes) -> bytes:
        """Return what of the next piece is for the log."""
        *whole, rest = data.split(b"\n")
        shown = b"".join([self._end(piece) for piece in whole])
        return shown + self._go_on(rest)

    def _end(self, piece: bytes) -> bytes:
        """Take the rest of a line."""
        told, line = self._shown, self._line + piece
        self._line, self._shown = b"", False
        if told:
            return piece + b"\n"
        if line.startswith(self._STEP):
            self._running = b": RUN " in line
            return b""
        if self._NOISE.match(line):  # what follows says it better
            return b""
        wanted = self._running or line.lower().startswith((b"error", b"time="))
        return line + b"\n" if wanted else b""

    def _go_on(self, piece: bytes) -> bytes:
        """Take the beginning of a line; what is surely no STEP is shown at once."""
        if self._shown:
            return piece
        self._line += piece
        begun = self._line
        doubtful = any(one.startswith(begun) or begun.startswith(one) for one in self._NOISY)
        if not self._running or doubtful:
            return b""
        shown, self._line, self._shown = self._line, b"", True
        return shown


def _environment(more: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if more is None else {**os.environ, **more}
