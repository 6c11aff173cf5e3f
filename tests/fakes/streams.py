"""The interactive side of the fake runtime: exec and attach streams in memory."""

import queue
import threading
from collections.abc import Callable

from tests.fakes.programs import FakeProgram

STDOUT, STDERR = 1, 2


class FakeStream:
    """An ExecStream over a FakeProgram; `sizes` records each resize as (width, height).

    `heard` is all that was written to it; `blocked` is set once a writer waits for a deaf program.
    """

    def __init__(self, program: FakeProgram, *, on_close: Callable[[], None] | None = None) -> None:
        self._frames: queue.Queue[tuple[int, bytes] | None] = queue.Queue()
        self._program = program
        self._on_close = on_close
        self._ended = threading.Event()
        self._code = 0
        self.sizes: list[tuple[int, int]] = []
        self.closed = False
        self.heard = b""
        self.blocked = threading.Event()
        for channel, data in ((STDOUT, program.stdout), (STDERR, program.stderr)):
            if data:
                self.emit(channel, data)
        if program.exit_code is not None and not program.echo:
            self.end(program.exit_code)

    def emit(self, channel: int, data: bytes) -> None:
        """Have the process write something."""
        self._frames.put((channel, data))

    def end(self, exit_code: int) -> None:
        """Have the process end; what it wrote before can still be read."""
        if not self._ended.is_set():
            self._code = exit_code
            self._ended.set()
            self._frames.put(None)

    def read(self) -> tuple[int, bytes] | None:
        frame = self._frames.get()
        if frame is None:
            self._frames.put(None)
        return frame

    def write(self, data: bytes) -> None:
        if self._program.deaf:
            self.blocked.set()
            self._ended.wait()
            return
        self.heard += data
        if self._program.echo and not self._ended.is_set():
            self.emit(STDOUT, data)

    def close_stdin(self) -> None:
        if self._program.echo:
            self.end(self._program.exit_code or 0)

    def resize(self, *, width: int, height: int) -> None:
        self.sizes.append((width, height))

    def exit_code(self) -> int:
        return self._code

    def close(self) -> None:
        self.closed = True
        self.end(137)
        if self._on_close is not None:
            self._on_close()
