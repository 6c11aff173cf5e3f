"""Waits for changes in a directory, on an asyncio loop, without polling. Source: inotify(7)."""

import asyncio
import ctypes
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_LIBC = ctypes.CDLL(None, use_errno=True)
_IN_NONBLOCK, _IN_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_IN_MODIFY, _IN_CREATE, _IN_MOVED_TO = 0x2, 0x100, 0x80
_READ_BYTES = 1 << 16


class DirectoryWatch:
    """Use it as a context on the loop; `wait` returns after a change that came since the last."""

    def __init__(self, directory: Path) -> None:
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._descriptor = _LIBC.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        mask = _IN_MODIFY | _IN_CREATE | _IN_MOVED_TO
        if (
            self._descriptor < 0
            or _LIBC.inotify_add_watch(self._descriptor, os.fsencode(directory), mask) < 0
        ):
            number = ctypes.get_errno()
            if self._descriptor >= 0:
                os.close(self._descriptor)
            raise OSError(number, os.strerror(number), str(directory))

    def __enter__(self) -> Self:
        self._loop.add_reader(self._descriptor, self._drain)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a change; say whether one came."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._descriptor, _READ_BYTES)
        self._changed.set()
