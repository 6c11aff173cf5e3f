"""Slow work beside the reconcile loop: a pull, a hook. Each ends by waking its pod's key."""

import threading
from collections.abc import Callable, Hashable

import structlog

from paas.core.errors import PaasError
from paas.orchestration.nodeagent.fairpool import FairPool

log = structlog.get_logger(__name__)


class Jobs:
    """Runs each named job once at a time, in threads that projects share fairly."""

    def __init__(self, *, threads: int, share: int, name: str) -> None:
        self._pool = FairPool(threads=threads, share=share, name=name)
        self._lock = threading.Lock()
        self._running: set[Hashable] = set()

    def submit(
        self, namespace: str, key: Hashable, work: Callable[[], None], then: Callable[[], None]
    ) -> None:
        """Run `work` unless a job of this key runs; call `then` afterwards, whatever happened."""
        with self._lock:
            if key in self._running:
                return
            self._running.add(key)
        self._pool.submit(namespace, lambda: self._run(key, work, then))

    def _run(self, key: Hashable, work: Callable[[], None], then: Callable[[], None]) -> None:
        try:
            work()
        except PaasError as error:
            log.warning("job_failed", job=str(key), error=str(error))
        except Exception:
            log.exception("job_failed", job=str(key))
        finally:
            with self._lock:
                self._running.discard(key)
            then()

    def stop(self) -> None:
        """Let running jobs end; those that wait are dropped."""
        self._pool.stop()
