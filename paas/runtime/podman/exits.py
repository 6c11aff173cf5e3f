"""Sees a container end the moment conmon writes its exit code, by inotify.

podman's own event comes from a process that conmon starts then: 60 to 100 ms later.
"""

import ctypes
import os
import select
import struct
from collections.abc import Callable
from pathlib import Path

_MOVED_TO, _CLOSE_WRITE = 0x80, 0x8
_HEAD = struct.Struct("iIII")
_READ_BYTES = 65536


class ExitWatch:
    """Watches conmon's exit directory; `run` calls back with the id of each container that ends."""

    def __init__(self, directory: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        self._stop_read, self._stop_write = os.pipe()
        path = os.fsencode(directory)
        if libc.inotify_add_watch(self._inotify, path, _MOVED_TO | _CLOSE_WRITE) < 0:
            number = ctypes.get_errno()
            self.close()
            raise OSError(number, os.strerror(number), str(directory))

    def run(self, ended: Callable[[str], None]) -> None:
        """Call back until `stop`; then let go of everything."""
        try:
            while True:
                ready = select.select([self._inotify, self._stop_read], [], [])[0]
                if self._stop_read in ready:
                    return
                for name in _names(os.read(self._inotify, _READ_BYTES)):
                    ended(name)
        finally:
            self.close()

    def stop(self) -> None:
        """End `run`, from another thread."""
        os.write(self._stop_write, b".")

    def close(self) -> None:
        """Close what a watch holds, where `run` was never called."""
        for descriptor in (self._inotify, self._stop_read, self._stop_write):
            os.close(descriptor)


def _names(data: bytes) -> list[str]:
    names, place = [], 0
    while place < len(data):
        *_, length = _HEAD.unpack_from(data, place)
        place += _HEAD.size
        names.append(os.fsdecode(data[place : place + length].rstrip(b"\0")))
        place += length
    return [name for name in names if len(name) == 64]  # noqa: PLR2004 -- a container id; others are temporary names
