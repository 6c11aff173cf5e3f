"""Runs controllers: threads, retries, health. The only place that loops over keys."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from paas.apimachinery.engine.client import Write, remembering
from paas.apimachinery.engine.controller import Controller, Source
from paas.apimachinery.engine.informer import Informer
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.engine.queue import QueueMetrics, WorkQueue
from paas.apimachinery.engine.traces import trace_of
from paas.core.errors import ConflictError, PaasError, RetryLaterError, TerminalError
from paas.core.objects import ApiObject, ObjectKey

log = structlog.get_logger(__name__)

STUCK_S = 300.0
_SEEN_WITHIN_S = 5.0
_SEEN_GIVE_UP = 12  # times _SEEN_WITHIN_S: after a minute a lost event must not block a key


@dataclass(frozen=True, slots=True)
class LoopHealth:
    """One thread: `idle_s` since it last finished something, `busy_s` on what it does now."""

    name: str
    alive: bool
    idle_s: float
    busy_s: float = 0.0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """Every loop of the process. Unhealthy when one is dead, or has worked too long on a key."""

    loops: tuple[LoopHealth, ...]
    stuck_s: float = STUCK_S

    @property
    def ok(self) -> bool:
        """Say whether every loop is alive and none is stuck."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """Return a sentence for each loop that is dead or stuck."""
        dead = [f"{loop.name} is dead" for loop in self.loops if not loop.alive]
        stuck = [
            f"{loop.name} has worked on one key for {loop.busy_s:.0f} s"
            for loop in self.loops
            if loop.alive and loop.busy_s > self.stuck_s
        ]
        return dead + stuck


class _Loop:
    """A controller with its queue and threads."""

    def __init__(self, controller: Controller, informers: Informers) -> None:
        self.controller = controller
        self.queue = WorkQueue(backoff=controller.backoff)
        self._informers = informers
        self._unseen: dict[ObjectKey, list[Write]] = {}
        self._waits: dict[ObjectKey, int] = {}
        self._threads: list[threading.Thread] = []
        self._busy: dict[str, float] = {}
        self._last: dict[str, float] = {}
        for source in controller.sources:
            self._attach(source)
        if controller.late is not None:
            controller.late.bind(self._attach)

    def _attach(self, source: Source) -> None:
        source.informer.add_handler(self._handler(source))

    def _handler(self, source: Source) -> Callable[[ApiObject | None, ApiObject | None], None]:
        def enqueue(old: ApiObject | None, new: ApiObject | None) -> None:
            for key in source.keys_of(old, new):
                self.queue.add(key)

        return enqueue

    def start(self) -> None:
        for key in self.controller.first_keys:
            self.queue.add(key)
        for number in range(self.controller.workers):
            name = f"{self.controller.name}-{number}"
            thread = threading.Thread(target=self._work, args=(name,), name=name, daemon=True)
            self._last[name] = time.monotonic()
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self.queue.close()

    def join(self, give_up: float) -> bool:
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def health(self) -> list[LoopHealth]:
        now = time.monotonic()
        return [
            LoopHealth(
                name=thread.name,
                alive=thread.is_alive(),
                idle_s=now - self._last[thread.name],
                busy_s=now - self._busy.get(thread.name, now),
            )
            for thread in self._threads
        ]

    def _work(self, name: str) -> None:
        if not all(informer.wait_synced() for informer in self.controller.needs):
            return  # stopped before the first list came
        while (key := self.queue.get()) is not None:
            self._busy[name] = time.monotonic()
            try:
                self._handle(key)
            finally:
                self.queue.done(key)
                self._busy.pop(name, None)
                self._last[name] = time.monotonic()

    def _handle(self, key: ObjectKey) -> None:
        if not self._has_seen_own_writes(key):
            self.queue.add_after(key, 1.0)
            return
        with remembering() as writes:
            self._reconcile(key)
        if writes:
            self._unseen[key] = writes

    def _reconcile(self, key: ObjectKey) -> None:
        try:
            delay_s = self.controller.reconcile(key)
        except RetryLaterError as later:
            self.queue.forget(key)
            self.queue.add_after(key, later.delay_s)
        except TerminalError as error:
            self.queue.forget(key)
            self._log("reconcile_given_up", key, error)
        except ConflictError as error:  # the copy was stale; the change is on its way
            self._log("reconcile_conflicted", key, error, delay_s=self.queue.retry(key))
        except Exception as error:  # noqa: BLE001 -- the engine's edge: a loop never dies
            delay_s = self.queue.retry(key)
            self._log("reconcile_failed", key, error, delay_s=delay_s)
        else:
            self.queue.forget(key)
            if delay_s is not None:
                self.queue.add_after(key, delay_s)

    def _log(self, event: str, key: ObjectKey, error: Exception, **fields: float) -> None:
        expected = isinstance(error, ConflictError | TerminalError)
        write = log.info if expected else log.warning
        write(
            event,
            controller=self.controller.name,
            key=str(key),
            error=str(error),
            error_type=type(error).__name__,
            failures=self.queue.failures(key),
            traceback=None if isinstance(error, PaasError) else trace_of(error),
            **fields,
        )

    def _has_seen_own_writes(self, key: ObjectKey) -> bool:
        for write in self._unseen.get(key, ()):
            informer = self._informers.known(write.key.resource)
            if informer is not None and not self._await(informer, write):
                return self._tired_of_waiting(key)
        self._unseen.pop(key, None)
        self._waits.pop(key, None)
        return True

    @staticmethod
    def _await(informer: Informer, write: Write) -> bool:
        def seen() -> bool:
            if write.deletion:
                return informer.has_seen_deletion(write.key)
            return informer.has_seen(write.resource_version)

        return not informer.alive or seen() or informer.wait_until(seen, _SEEN_WITHIN_S)

    def _tired_of_waiting(self, key: ObjectKey) -> bool:
        self._waits[key] = self._waits.get(key, 0) + 1
        if self._waits[key] < _SEEN_GIVE_UP:
            return False
        log.error("own_writes_never_seen", controller=self.controller.name, key=str(key))
        self._unseen.pop(key, None)
        self._waits.pop(key, None)
        return True


class Manager:
    """Starts and stops the informers and controllers of a process together."""

    def __init__(self, informers: Informers) -> None:
        self.informers = informers
        self._loops: list[_Loop] = []
        self._running = False

    def add(self, controller: Controller) -> None:
        """Register a controller; started at once if the manager runs."""
        loop = _Loop(controller, self.informers)
        self._loops.append(loop)
        if self._running:
            self.informers.start()
            loop.start()

    def enqueue(self, controller: str, key: ObjectKey) -> None:
        """Ask a controller to look at a key now (for events from outside the store)."""
        for loop in self._loops:
            if loop.controller.name == controller:
                loop.queue.add(key)

    def start(self) -> None:
        """Start every thread; each controller waits for its own informers. Does not block."""
        self._running = True
        self.informers.start()
        for loop in self._loops:
            loop.start()
        log.info("manager_started", controllers=len(self._loops))

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Let every worker finish its key and end; False when one did not in time."""
        give_up = time.monotonic() + timeout_s
        self._running = False
        for loop in self._loops:
            loop.stop()
        ended = [self.informers.stop(timeout_s), *(loop.join(give_up) for loop in self._loops)]
        log.info("manager_stopped", clean=all(ended))
        return all(ended)

    def health(self) -> Health:
        """Return how every thread does, for the process's heartbeat."""
        now = time.monotonic()
        watching = [
            LoopHealth(
                name=f"informer-{informer.resource}",
                alive=informer.alive,
                idle_s=now - informer.last_progress,
                failures=informer.failures,
            )
            for informer in self.informers.all()
        ]
        return Health((*watching, *(one for loop in self._loops for one in loop.health())))

    def metrics(self) -> dict[str, QueueMetrics]:
        """Return the counters of each controller's queue."""
        return {loop.controller.name: loop.queue.metrics() for loop in self._loops}
