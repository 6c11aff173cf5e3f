"""The informers of one process: one per resource and selection, shared by all controllers."""

import threading
import time

from paas.apimachinery.door import Door
from paas.apimachinery.engine.informer import Informer, Selection, metadata_only
from paas.core.actors import Actor


class Informers:
    """Makes each informer once and starts them together."""

    def __init__(self, door: Door, actor: Actor) -> None:
        self._door = door
        self._actor = actor
        self._lock = threading.Lock()
        self._all: dict[tuple[str, Selection], Informer] = {}
        self._leaving: list[Informer] = []
        self._started = False

    def of(
        self,
        resource: str,
        selection: Selection | None = None,
        *,
        metadata_suffices: bool = False,
    ) -> Informer:
        """Return the one informer of this resource and selection; made, and started, if needed.

        `metadata_suffices` keeps only metadata, unless somebody asks for whole objects before
        `start`; after it, asking for whole objects of a trimmed resource raises RuntimeError.
        """
        chosen = selection or Selection()
        with self._lock:
            informer = self._all.get((resource, chosen))
            if informer is None:
                informer = self._make(resource, chosen, metadata_suffices=metadata_suffices)
            elif not metadata_suffices and informer.transform is not None:
                self._widen(informer)
            return informer

    def forget(self, resource: str) -> None:
        """Leave a resource that is no longer served; its informer ends by itself, in order."""
        with self._lock:
            gone = self._all.pop((resource, Selection()), None)
            self._leaving = [one for one in self._leaving if one.alive]
            if gone is not None:
                self._leaving.append(gone)

    def known(self, resource: str) -> Informer | None:
        """Return the informer of the whole resource, if there is one."""
        with self._lock:
            return self._all.get((resource, Selection()))

    def all(self) -> list[Informer]:
        """Return every informer made so far."""
        with self._lock:
            return list(self._all.values())

    def start(self) -> None:
        """Start every informer, also those made later."""
        with self._lock:
            self._started = True
            for informer in self._all.values():
                informer.start()

    def wait_synced(self, timeout_s: float) -> bool:
        """Wait until all have their first list; False when one has not in time."""
        give_up = time.monotonic() + timeout_s
        return all(one.wait_synced(max(0.0, give_up - time.monotonic())) for one in self.all())

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Stop all; say whether every thread ended in time."""
        with self._lock:
            self._started = False  # who asks for one from now on gets one that does nothing
            informers = [*self._all.values(), *self._leaving]
        for informer in informers:
            informer.stop()
        give_up = time.monotonic() + timeout_s
        ended = [one.join(max(0.0, give_up - time.monotonic())) for one in informers]
        return all(ended)

    def _make(self, resource: str, selection: Selection, *, metadata_suffices: bool) -> Informer:
        informer = Informer(
            self._door,
            self._actor,
            resource,
            selection=selection,
            transform=metadata_only if metadata_suffices else None,
        )
        self._all[resource, selection] = informer
        if self._started:
            informer.start()
        return informer

    @staticmethod
    def _widen(informer: Informer) -> None:
        if informer.started:
            raise RuntimeError(f"{informer.resource} is informed of by metadata only")
        informer.transform = None
