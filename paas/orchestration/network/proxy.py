"""The service proxy: makes the kernel's table say what Services and EndpointSlices say.

The first key it gets makes it compare everything in one go, so that a start costs one
pass and what is right already is not touched; after that each service is a change of its own.
"""

import threading
from collections.abc import Iterable

import structlog

from paas.apimachinery.engine.controller import Controller, Source
from paas.apimachinery.engine.informer import BY_NAMESPACE
from paas.apimachinery.engine.informers import Informers
from paas.core.objects import ApiObject, ObjectKey, labels_of, name_of, namespace_of
from paas.orchestration.network.conntrack import Pair, udp_forget
from paas.orchestration.network.services import (
    SERVICE_NAME_LABEL,
    ServicePort,
    ServiceWish,
    platform_ports,
    service_wish,
    subnet_of_namespace,
)
from paas.orchestration.network.table import ServiceTable
from paas.settings.instance import Instance

log = structlog.get_logger(__name__)

BY_SERVICE = "service"
SERVICES, SLICES, NAMESPACES = "services", "endpointslices.discovery.k8s.io", "namespaces"


def service_key(namespace: str, name: str) -> ObjectKey:
    """Return the key of a service by name: the wish follows the name, whatever the uid."""
    return ObjectKey(SERVICES, namespace, name)


def owning_service(one: ApiObject) -> str:
    """Return `<namespace>/<name>` of the service that an EndpointSlice belongs to, or nothing."""
    name = labels_of(one).get(SERVICE_NAME_LABEL)
    return f"{namespace_of(one)}/{name}" if name else ""


class ServiceReader:
    """Reads services with their slices from the shared informers; used by proxy and DNS."""

    def __init__(self, informers: Informers) -> None:
        self.services = informers.of(SERVICES)
        self.slices = informers.of(SLICES)
        self.namespaces = informers.of(NAMESPACES)
        self.slices.add_index(BY_SERVICE, lambda one: filter(None, (owning_service(one),)))

    def slices_of(self, namespace: str, name: str) -> list[ApiObject]:
        """Return the IPv4 EndpointSlices of a service, not to be changed."""
        found = self.slices.by_index(BY_SERVICE, f"{namespace}/{name}")
        return [one for one in found if one.get("addressType") == "IPv4"]

    def sources(self) -> list[Source]:
        """Return where keys come from: a service's own change, its slices', its project's."""
        return [
            Source(self.services, lambda obj: (service_key(namespace_of(obj), name_of(obj)),)),
            Source(self.slices, self._of_slice),
            Source(self.namespaces, self._of_namespace, matters=_subnet_changed),
        ]

    @staticmethod
    def _of_slice(obj: ApiObject) -> Iterable[ObjectKey]:
        namespace, _, name = owning_service(obj).partition("/")
        return (service_key(namespace, name),) if name else ()

    def _of_namespace(self, obj: ApiObject) -> Iterable[ObjectKey]:
        services = self.services.by_index(BY_NAMESPACE, name_of(obj))
        return [service_key(name_of(obj), name_of(service)) for service in services]


def _subnet_changed(old: ApiObject, new: ApiObject) -> bool:
    return subnet_of_namespace(old) != subnet_of_namespace(new)


class ServiceProxy:
    """Knows what each service asks for and what the kernel has been told."""

    def __init__(self, instance: Instance, table: ServiceTable, reader: ServiceReader) -> None:
        self._instance = instance
        self._table = table
        self._reader = reader
        self._lock = threading.Lock()
        self._told: dict[str, ServiceWish] = {}
        self._complete = False

    def controller(self) -> Controller:
        """Return the declaration for the engine. One worker: the kernel takes one at a time."""
        return Controller(
            name="service-proxy", reconcile=self.reconcile, sources=self._reader.sources()
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Make the kernel follow one service; the first time, all of them."""
        with self._lock:
            if not self._complete:
                self._replace_all()
                return None
            owner = f"{key.namespace}/{key.name}"
            wish = self._wish(key.namespace, key.name)
            before = self._told.get(owner, ServiceWish())
            if wish != before:
                self._table.replace(owner, wish.ports)
                self._remember(owner, wish)
                self._forget(udp_pairs(before.ports) - udp_pairs(wish.ports))
        return None

    def resync(self) -> None:
        """Tell the kernel everything again, as far as it differs."""
        with self._lock:
            if self._complete:
                self._replace_all()

    def sends_to(self, address: str) -> bool:
        """Say whether some service means to send new connections to a pod's address.

        Endpoints that only serve as a last resort while they terminate do not count: a pod may
        be stopped as soon as this is false. Quick, from memory.
        """
        return any(address in wish.ready for wish in tuple(self._told.values()))

    def is_drained(self, pod: ApiObject) -> bool:
        """Say whether no service sends to a pod any more (the node agent's TrafficDrained).

        A process that has just begun does not know yet what the kernel does: not before it does.
        """
        addresses = (pod.get("status") or {}).get("podIPs") or ()
        return self._complete and not any(self.sends_to(one["ip"]) for one in addresses)

    def _replace_all(self) -> None:
        wishes = {
            f"{namespace_of(one)}/{name_of(one)}": self._wish(namespace_of(one), name_of(one))
            for one in self._reader.services.list()
        }
        ports = [port for wish in wishes.values() for port in wish.ports]
        self._table.replace_all(ports)
        # an earlier process may have died between telling the kernel and this
        valid = udp_pairs((*platform_ports(self._instance), *ports))
        ours = self._instance.service_network
        udp_forget(lambda pair: pair[0] in ours and pair not in valid)
        self._told = wishes
        self._complete = True
        log.info("services_compared", services=len(wishes), ports=len(ports))

    def _wish(self, namespace: str, name: str) -> ServiceWish:
        service = self._reader.services.get(namespace, name)
        if service is None:
            return ServiceWish()
        subnet = subnet_of_namespace(self._reader.namespaces.get("", namespace))
        slices = self._reader.slices_of(namespace, name)
        return service_wish(service, slices, subnet=subnet, instance=self._instance)

    @staticmethod
    def _forget(gone: set[Pair]) -> None:
        if gone:
            udp_forget(gone.__contains__)

    def _remember(self, owner: str, wish: ServiceWish) -> None:
        if wish == ServiceWish():
            self._told.pop(owner, None)
        else:
            self._told[owner] = wish


def udp_pairs(ports: Iterable[ServicePort]) -> set[Pair]:
    """Return the pairs of service and endpoint between which UDP may flow."""
    return {
        (port.at.address, port.at.port, address, number)
        for port in ports
        if port.at.protocol == "udp"
        for address, number in port.endpoints
    }
