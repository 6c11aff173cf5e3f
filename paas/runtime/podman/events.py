"""One stream of events from two sources: podman's own, and exit codes as conmon writes them."""

import contextlib
import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from paas.core.errors import NotFoundError
from paas.runtime.base import (
    ContainerState,
    RuntimeEvent,
    RuntimeFailedError,
    RuntimeUnavailableError,
)
from paas.runtime.podman.exits import ExitWatch
from paas.runtime.podman.specs import LABEL_INSTANCE
from paas.runtime.podman.states import labels_given
from paas.runtime.podman.transport import Transport

CLOSE_S = 5.0
_ACTIONS = frozenset({"start", "died", "remove"})


class EventStream:
    """Yields each start, oom, died and remove once; ends when podman's stream ends.

    The start of a container that has ended already is left out, never told after its end.
    """

    def __init__(
        self,
        transport: Transport,
        instance: str,
        exit_directory: Path,
        inspect: Callable[[str], ContainerState],
    ) -> None:
        filters = {"type": ["container"], "label": [f"{LABEL_INSTANCE}={instance}"]}
        query = {"stream": "true", "filters": json.dumps(filters)}
        self._inspect = inspect
        self._queue: queue.Queue[Any] = queue.Queue()
        self._announced: set[str] = set()
        self._reader: threading.Thread | None = None
        # without the directory podman's slower word is still complete
        self._watch: ExitWatch | None = None
        with contextlib.suppress(OSError):
            self._watch = ExitWatch(exit_directory)
        try:
            self._lines = transport.lines("GET", "/events", query=query, silence_s=None)
        except (RuntimeUnavailableError, RuntimeFailedError, NotFoundError):
            if self._watch is not None:
                self._watch.close()
            raise

    def __iter__(self) -> Iterator[RuntimeEvent]:
        self._reader = self._begin(self._read, "podman-events")
        if self._watch is not None:
            watch = self._watch
            self._begin(lambda: watch.run(self._queue.put), "podman-exits")
        try:
            while (item := self._queue.get()) is not None:
                yield from self._ended(item) if isinstance(item, str) else self._told(item)
        finally:
            self._lines.close()
            if self._watch is not None:
                self._watch.stop()

    def close(self) -> None:
        """End the stream, from any thread, and wait for its connection to close."""
        self._lines.close()
        if self._reader is not None:
            self._reader.join(CLOSE_S)

    def _begin(self, target: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    def _read(self) -> None:
        try:
            for line in self._lines:
                self._queue.put(json.loads(line))
        except ValueError:  # podman was killed in the middle of a line
            self._lines.close()
        finally:
            self._queue.put(None)

    def _told(self, body: dict[str, Any]) -> Iterator[RuntimeEvent]:
        """Turn podman's event into ours, unless the exit code was here first."""
        action, actor = str(body["Action"]), body["Actor"]
        container_id = str(actor["ID"])
        labels = labels_given(actor.get("Attributes") or {})
        if action == "died":
            # removed since, or unreadable: podman's word is enough
            yield from self._ended(container_id) or self._announce(container_id, labels)
        elif action in _ACTIONS and not (action == "start" and self._has_ended(container_id)):
            self._announced.discard(container_id)
            yield RuntimeEvent(container_id, action, labels)

    def _has_ended(self, container_id: str) -> bool:
        """Return whether news of a start is older than the end we announced."""
        if container_id not in self._announced:
            return False
        try:
            return self._inspect(container_id).status != "running"
        except (NotFoundError, RuntimeFailedError, RuntimeUnavailableError):
            return True

    def _ended(self, container_id: str) -> list[RuntimeEvent]:
        """Announce the end of a container of ours that does not run any more."""
        try:
            state = self._inspect(container_id)
        except (NotFoundError, RuntimeFailedError, RuntimeUnavailableError):
            return []
        if state.status == "running" or not state.name:
            return []
        return self._announce(container_id, state.labels, oom_killed=state.oom_killed)

    def _announce(
        self, container_id: str, labels: Mapping[str, str], *, oom_killed: bool = False
    ) -> list[RuntimeEvent]:
        if container_id in self._announced:
            return []
        self._announced.add(container_id)
        actions = ("oom", "died") if oom_killed else ("died",)
        return [RuntimeEvent(container_id, action, labels) for action in actions]
