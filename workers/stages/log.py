"""Copies the log of a build's pod into the build's log, container after container.

It may lose the node agent at any time and finds its place again by counting bytes; when it loses
the database it begins again, and its new writer skips what is there.
"""

import threading
import time
from collections.abc import Callable

import structlog
from psycopg import OperationalError

from paas.builds.desk import ACTOR, BuildDesk
from paas.builds.logs import LogLostError, LogWriter
from paas.builds.names import BUILD_CONTAINER, CLONE_CONTAINER, pod_name
from paas.builds.outcome import has_started, state_of
from paas.cluster.client import LogRequest
from paas.core.errors import NotFoundError, PaasError
from paas.core.objects import ApiObject, namespace_of
from paas.core.shape import submap

log = structlog.get_logger(__name__)
CONTAINERS = (CLONE_CONTAINER, BUILD_CONTAINER)
AGAIN_S = 0.3


class LogFollower:
    """One thread. `see` tells it what the pod is now; `finish` waits for the last byte.

    `new_writer` gives a writer that begins at the first byte.
    """

    def __init__(
        self, desk: BuildDesk, build: ApiObject, new_writer: Callable[[], LogWriter]
    ) -> None:
        self._desk, self._new_writer = desk, new_writer
        self._namespace, self._pod = namespace_of(build), pod_name(build)
        self._changed = threading.Condition()
        self._seen: ApiObject = {}
        self._over = False
        self._until = 0.0
        self._thread = threading.Thread(target=self._run, name="build-log", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def see(self, pod: ApiObject) -> None:
        """Take the pod as it is now."""
        with self._changed:
            self._seen = pod
            self._changed.notify_all()

    def finish(self, timeout_s: float) -> bool:
        """Wait until all that the pod has written is kept; say whether it is."""
        with self._changed:
            self._over = True
            self._until = time.monotonic() + timeout_s
            self._changed.notify_all()
        self._thread.join(timeout_s)
        return self.has_ended()

    def has_ended(self) -> bool:
        """Say whether nothing more will be written."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._copied() and not self._is_late():
            self._pause()

    def _copied(self) -> bool:
        """Copy from the first byte on; False where that is to be tried again.

        Then the database went away, or a worker that had lost the build wrote a last piece.
        """
        try:
            writer = self._new_writer()
            try:
                for container in CONTAINERS:
                    if not self._copy_all(writer, container):
                        break
            except NotFoundError:  # the pod is gone
                pass
            if not self._is_late():  # what is held back belongs to whoever goes on
                writer.end()
        except (LogLostError, OperationalError) as error:
            log.info("build_log_interrupted", pod=self._pod, error=repr(error))
            return False
        return True

    def _copy_all(self, writer: LogWriter, container: str) -> bool:
        """Copy one container's log; say whether it came to its end."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or has_started(self._seen, container))
            if not has_started(self._seen, container):
                return False
        taken = 0
        while not self._is_late():
            ended = self._has_ended(container)
            fresh, whole = self._copy(writer, container, skip=taken, follow=not ended)
            taken += fresh
            if ended and whole:
                return True
            self._pause("" if ended else container)
            if self._over and not self._has_ended(container):
                return False
        return False

    def _has_ended(self, container: str) -> bool:
        return bool(submap(state_of(self._seen, container), "terminated"))

    def _is_late(self) -> bool:
        return self._over and time.monotonic() >= self._until

    def _pause(self, container: str = "") -> None:
        """Wait before the next attempt; the end of the container named is news enough."""

        def is_news() -> bool:
            return self._is_late() or bool(container and self._has_ended(container))

        with self._changed:
            self._changed.wait_for(is_news, timeout=AGAIN_S)

    def _copy(
        self, writer: LogWriter, container: str, *, skip: int, follow: bool
    ) -> tuple[int, bool]:
        """Copy from `skip` on; return how many bytes were new, and whether the stream ended."""
        request = LogRequest(self._namespace, self._pod, container, follow=follow)
        taken = 0
        try:
            for data in self._desk.cluster.logs(ACTOR, request):
                if self._is_late():  # another worker may write this log by now
                    return taken, False
                fresh = data[skip:]
                skip = max(skip - len(data), 0)
                taken += len(fresh)
                writer.write(fresh)
        except NotFoundError:
            raise
        except (PaasError, OSError) as error:
            log.info("build_log_interrupted", pod=self._pod, error=str(error))
            return taken, False
        return taken, True
