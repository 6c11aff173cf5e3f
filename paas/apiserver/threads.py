"""Threads for the door's synchronous half: a bounded number, and a bounded queue before them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from paas.core.errors import TooManyRequestsError

P = ParamSpec("P")
T = TypeVar("T")


class DoorThreads:
    """Runs blocking calls beside the event loop."""

    def __init__(self, size: int, in_flight: int) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="door")
        self._free = in_flight

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns. Raises TooManyRequestsError when too many wait."""
        if self._free <= 0:
            raise TooManyRequestsError("Too many requests, please try again later.")
        self._free -= 1
        task = asyncio.get_running_loop().run_in_executor(
            self._pool, partial(call, *args, **kwargs)
        )
        # counted until the thread is done: a caller that gave up has not freed it
        task.add_done_callback(self._release)
        return await asyncio.shield(task)

    def _release(self, task: "asyncio.Future[T]") -> None:
        self._free += 1
        if not task.cancelled():
            task.exception()  # its caller may be gone; nobody else will ask

    def close(self) -> None:
        """Take no more calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)
