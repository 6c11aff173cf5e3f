"""What happens to a build and its pod, as one stream of events: watches and time, no polling."""

import queue
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import structlog

from paas.apimachinery.door import Watch
from paas.apimachinery.options import WatchOptions
from paas.builds.desk import ACTOR
from paas.cluster.client import Cluster
from paas.core.errors import NotFoundError, PaasError
from paas.core.objects import ApiObject
from paas.core.selectors import FieldSelector, FieldTerm

log = structlog.get_logger(__name__)
AGAIN_S = 0.5
DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: of the `pod`, of the `build`, of the `log` when that tells of a stage.

    Or `lost`, when somebody else has taken over.
    """

    of: str
    kind: str = ""
    obj: ApiObject | None = None


class Pump:
    """Puts the events of one object into a queue, beginning with what it is now."""

    def __init__(
        self,
        cluster: Cluster,
        resource: str,
        namespace: str,
        name: str,
        put: Callable[[Happening], None],
        *,
        called: str,
    ) -> None:
        self._open: Callable[[], Watch] = lambda: cluster.watch(
            ACTOR,
            resource,
            namespace,
            WatchOptions(fields=FieldSelector((FieldTerm("metadata.name", name),))),
        )
        self._get: Callable[[], ApiObject] = lambda: cluster.get(ACTOR, resource, name, namespace)
        self._put, self._called = put, called
        self._stopping = threading.Event()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name=f"{called}-pump", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; nothing is put any more."""
        self._stopping.set()
        if self._watch is not None:
            self._watch.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with closing(self._open()) as watch:
                    self._watch = watch
                    self._tell_if_gone()
                    self._pass_on(watch)
            except PaasError as error:
                log.warning("build_watch_lost", of=self._called, error=str(error))
            self._stopping.wait(AGAIN_S)

    def _tell_if_gone(self) -> None:
        """Say so where the object went while no watch was open: a watch begins with what is."""
        try:
            self._get()
        except NotFoundError:
            self._put(Happening(self._called, DELETED))

    def _pass_on(self, watch: Watch) -> None:
        if self._stopping.is_set():  # since before there was a watch to close
            return
        for event in watch:
            if self._stopping.is_set() or event.kind == "ERROR":
                return
            self._put(Happening(self._called, event.kind, event.obj))


class Heart:
    """Renews a lease until it is stopped; tells when the lease is somebody else's."""

    def __init__(
        self,
        renew: Callable[[], bool],
        put: Callable[[Happening], None],
        *,
        every_s: float,
        stopping: threading.Event,
    ) -> None:
        self._renew, self._put, self._every_s = renew, put, every_s
        self._leaving = stopping
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="build-heart", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the lease is not renewed any more."""
        self._stopping.set()
        self._thread.join(self._every_s)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            if self._leaving.is_set() or not self._renewed():
                self._put(Happening("lost"))
                return

    def _renewed(self) -> bool:
        try:
            return self._renew()
        except Exception as error:  # noqa: BLE001 -- a database that restarts: the lease may outlive it
            log.warning("lease_not_renewed", error=repr(error))
            return True


Events = queue.SimpleQueue[Happening]
