"""The DNS controller: unbound knows the names of all services, and is fed again when it forgets.

What unbound holds is compared once, at start, and again when the name that marks a fed unbound is
gone; after that each service is a change of its own. Unbound goes on answering when we die.
"""

import threading
from typing import Final

import structlog

from paas.apimachinery.engine.controller import Controller
from paas.core.objects import ApiObject, ObjectKey, name_of, namespace_of
from paas.orchestration.network.proxy import ServiceReader
from paas.orchestration.network.records import (
    FED_NAME,
    FED_RECORD,
    Records,
    merged,
    parse_records,
    platform_records,
    service_records,
)
from paas.orchestration.network.services import PLATFORM, subnet_of_namespace
from paas.orchestration.network.unbound import Unbound
from paas.settings.instance import Instance

log = structlog.get_logger(__name__)

LOOK_AGAIN_S = 1.0
CHECK: Final = ObjectKey("dns", "", "fed")


class ClusterDns:
    """Knows the records of each service and what unbound has been told."""

    def __init__(self, instance: Instance, unbound: Unbound, reader: ServiceReader) -> None:
        self._instance = instance
        self._unbound = unbound
        self._reader = reader
        self._lock = threading.Lock()
        self._owners: dict[str, Records] = {}
        self._by_name: dict[str, set[str]] = {}
        self._complete = False

    def controller(self) -> Controller:
        """Return the declaration for the engine; besides services it looks at unbound itself."""
        return Controller(
            name="cluster-dns",
            reconcile=self.reconcile,
            sources=self._reader.sources(),
            first_keys=(CHECK,),
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Make unbound follow one service, or (the key CHECK) feed it if it has forgotten.

        Raises DnsUnavailableError while unbound does not answer; the engine tries again.
        """
        with self._lock:
            if key == CHECK:
                if not (self._complete and self._unbound.knows(FED_NAME)):
                    self._feed()
                return LOOK_AGAIN_S
            if not self._complete:
                return None  # CHECK feeds all
            self._update(f"{key.namespace}/{key.name}", self._records(key.namespace, key.name))
        return None

    def _feed(self) -> None:
        self._owners, self._by_name, self._complete = {}, {}, False
        self._own(PLATFORM, platform_records(self._instance))
        for service in self._reader.services.list():
            owner = f"{namespace_of(service)}/{name_of(service)}"
            self._own(owner, self._of(service))
        held = parse_records(self._unbound.listed(), self._instance)
        marked = held.pop(FED_NAME, None)
        self._change(held, merged(self._owners.values()))
        if marked is None:  # last: a feed that is cut short leaves no mark
            self._unbound.add([FED_RECORD])
        self._complete = True
        log.info("dns_fed", services=len(self._owners) - 1, names=len(self._by_name))

    def _update(self, owner: str, records: Records) -> None:
        names = {*self._owners.get(owner, ()), *records}
        before = {name: self._wanted(name) for name in names}
        self._own(owner, records)
        after = {name: self._wanted(name) for name in names}
        try:
            self._change(before, after)
        except Exception:
            self._complete = False  # who knows what arrived: compare everything
            raise

    def _change(self, held: Records, wanted: Records) -> None:
        removed = [name for name, lines in held.items() if lines - wanted.get(name, frozenset())]
        added = [
            line
            for name, lines in wanted.items()
            for line in sorted(lines if name in removed else lines - held.get(name, frozenset()))
        ]
        if removed:
            self._unbound.remove(removed)
        if added:
            self._unbound.add(added)

    def _own(self, owner: str, records: Records) -> None:
        for name in self._owners.pop(owner, {}):
            self._by_name[name].discard(owner)
            if not self._by_name[name]:
                del self._by_name[name]
        if records:
            self._owners[owner] = records
        for name in records:
            self._by_name.setdefault(name, set()).add(owner)

    def _wanted(self, name: str) -> frozenset[str]:
        owners = self._by_name.get(name, ())
        return frozenset(line for owner in owners for line in self._owners[owner][name])

    def _records(self, namespace: str, name: str) -> Records:
        service = self._reader.services.get(namespace, name)
        return self._of(service) if service is not None else {}

    def _of(self, service: ApiObject) -> Records:
        namespace = namespace_of(service)
        subnet = subnet_of_namespace(self._reader.namespaces.get("", namespace))
        slices = self._reader.slices_of(namespace, name_of(service))
        return service_records(service, slices, subnet=subnet)
