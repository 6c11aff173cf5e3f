"""Follows the runtime's events, so that a container's end is answered at once, not at a poll."""

import threading
from collections.abc import Callable

import structlog

from paas.apimachinery.engine.queue import Backoff
from paas.core.errors import PaasError
from paas.core.objects import ObjectKey
from paas.orchestration.nodeagent import labels
from paas.orchestration.nodeagent.memory import Memories
from paas.runtime.base import Runtime, RuntimeEvent

log = structlog.get_logger(__name__)
_RETRY = Backoff(base_s=0.1, max_s=2.0)
_TELLING = frozenset({"died", "oom"})  # removals are our own; the sweep finds the others


def key_of_event(event: RuntimeEvent) -> ObjectKey | None:
    """Return the pod's key; None for a container that is none of ours."""
    uid = event.labels.get(labels.POD_UID)
    if not uid:
        return None
    namespace = event.labels.get(labels.POD_NAMESPACE, "")
    return ObjectKey("pods", namespace, event.labels.get(labels.POD_NAME, ""), uid)


class RuntimeListener:
    """One thread. After each reconnection `resync` is called: events may have been missed."""

    def __init__(
        self,
        runtime: Runtime,
        memories: Memories,
        wake: Callable[[ObjectKey], None],
        resync: Callable[[], None],
    ) -> None:
        self._runtime = runtime
        self._memories = memories
        self._wake = wake
        self._resync = resync
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="runtime-events", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it does when the stream says something or ends."""
        self._stopping.set()

    @property
    def alive(self) -> bool:
        """Say whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                stream = self._runtime.events()
                if failures:
                    log.info("runtime_events_back", failures=failures)
                self._resync()
                for event in stream:
                    failures = 0
                    self._take(event)
                    if self._stopping.is_set():
                        return
            except PaasError as error:
                log.info("runtime_events_lost", error=str(error))
            failures += 1
            self._stopping.wait(_RETRY.delay_s(failures))

    def _take(self, event: RuntimeEvent) -> None:
        key = key_of_event(event) if event.action in _TELLING else None
        if key is not None:
            self._memories.happened(key.uid)
            self._wake(key)
