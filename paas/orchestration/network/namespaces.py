"""Runs a function inside the network namespace of a process.

A namespace is entered by a thread that ends there: no thread of ours can be left in it.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from paas.core.errors import RetryLaterError, TerminalError

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
T = TypeVar("T")


@contextmanager
def namespace_open(pid: int) -> Iterator[int]:
    """Lend a descriptor of the process' network namespace.

    Raises RetryLaterError when the process has ended, TerminalError when it shares ours.
    """
    try:
        descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise RetryLaterError(f"process {pid} of the sandbox has ended", delay_s=0.2) from error
    try:
        if os.fstat(descriptor).st_ino == Path("/proc/thread-self/ns/net").stat().st_ino:
            raise TerminalError(f"process {pid} has no network namespace of its own")
        yield descriptor
    finally:
        os.close(descriptor)


def namespace_run(descriptor: int, function: Callable[[], T]) -> T:
    """Return what the function returns inside the namespace; its error is raised here."""
    results: list[T] = []
    errors: list[Exception] = []

    def enter() -> None:
        try:
            if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code), "setns")  # noqa: TRY301 -- carried to the caller
            results.append(function())
        except Exception as error:  # noqa: BLE001 -- carried to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=enter, name="namespace", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
